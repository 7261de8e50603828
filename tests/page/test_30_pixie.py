"""The page as the real pixie serves it, while a machine boots from it over a wire."""
import os

import pytest

from booter import Booter
from conftest import PHONE
from lib import pixie
from lib.fixtures import Site, noise
from lib.netns import Lan

URL = "http://127.0.0.1/"
MAC = Lan.CLIENT_MAC.replace(":", "-")
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def scene(ns):
    """The usual LAN, the server's end in the namespace of the browser."""
    lan = Lan(cable=False)
    lan.server.close()
    lan.server = ns
    from lib.netns import veth
    veth(ns, "eth0", lan.client, "eth0", mac=lan.CLIENT_MAC)
    lan.number("eth0")
    yield lan
    ns.run("ip", "link", "del", "eth0")
    lan.client.close()


@pytest.fixture
def served(scene):
    """A site with all that a boot takes, and start(option…) that serves it."""
    site, running = Site(), []
    site.write(f"scripts/{MAC}.ipxe", "#!ipxe\nkernel /extra/vmlinuz\ninitrd /extra/initrd.img\nboot\n")
    site.write("extra/vmlinuz", noise(2_000_000))
    site.write("extra/initrd.img", noise(40_000_000))
    site.write("token", TOKEN + "\n")
    os.chmod(site.path("token"), 0o600)

    def start(*options):
        running.append(pixie.Pixie(scene.server, *site.options(), "--state", "none", "--control", "none",
                                   "--admin-token", site.path("token"), *options))
        return running[-1]

    start.site = site
    yield start
    for server in running:
        server.stop()
    site.close()


@pytest.fixture
def booter(scene):
    return Booter(scene.client, Lan.SERVER, vendor="Dell Inc.", product="PowerEdge R640", serial="7XK2P13")


def live(page):
    page.wait_text("#link", "Live")
    return page


def percent(low, high):
    return (f"() => {{ const n = document.querySelector('.row .bar:not([hidden])')?.getAttribute('aria-valuenow'); "
            f"return n >= {low} && n <= {high}; }}")


def test_first_visit_and_the_first_machine(served, visit, booter):
    """A browser is no machine; one that asks DHCP is."""
    served("--proxy-dhcp=eth0")
    page = live(visit(URL))
    page.wait_text("#welcome", "No machine has spoken to pixie yet")
    page.reload()
    live(page)
    page.wait_text("#welcome", "--proxy-dhcp")
    booter.discover()
    page.locator(f"[id='m-{MAC}']").click()
    page.wait_text("#events", "Asks by DHCP what to boot")
    assert page.locator(".row").count() == 1


def test_a_boot_as_it_happens(served, visit, booter):
    served()
    page = live(visit(URL))
    with booter.slow_tftp("snponly64.efi") as steps:
        steps(steps.size // 1468 // 2)
        page.locator(f"[id='m-{MAC}']").click()
        page.wait_text(".transfer", "snponly64.efi")
        page.wait(percent(40, 55))
        page.wait_text("[role=tab][aria-selected=true]", "ROM")
        steps()
    page.wait("() => document.querySelector('#step-rom')?.dataset.state === 'active' && "
              "!document.querySelector('.transfer')")
    booter.tftp("autoexec.ipxe")
    booter.chain()
    page.wait_text("#events", "chain.ipxe by HTTP")
    assert booter.script().status == 200
    page.wait_text("#events", f"Is given its script, {MAC}.ipxe")
    page.wait_text(".head", "Dell Inc. PowerEdge R640")
    page.wait_text("dl.facts", "7XK2P13")
    booter.http("/extra/vmlinuz")
    page.wait_text("#step-kernel", "kernel")
    with booter.slow_http("/extra/initrd.img") as read:
        read(.3)
        page.wait(percent(30, 70))
        page.wait("() => document.querySelector('#step-initrd')?.dataset.state === 'active'")
        read()
    page.wait_text("#events", "Has fetched extra/initrd.img by HTTP")
    states = page.evaluate("() => [...document.querySelectorAll('.step')].map((s) => s.dataset.state).join(' ')")
    assert states.split()[1:6] == ["done", "done", "done", "done", "active"]
    assert page.locator(".script a").getAttribute("href") == f"/ipxe/{MAC}.ipxe"


def test_a_missing_script_is_said(served, visit, booter):
    start = served
    os.unlink(start.site.path(f"scripts/{MAC}.ipxe"))
    start()
    page = live(visit(f"{URL}#/m/{MAC}"))
    booter.tftp("snponly64.efi")
    booter.chain()
    assert booter.script().status == 404
    page.wait_text("#events", "It has no script: ")
    assert page.locator("#step-script").getAttribute("data-state") == "bad"


def give_token(page, token):
    page.locator("#token").fill(token)
    page.getByRole("button", {"name": "Use token"}).click()


def test_state_by_token_and_no_other(served, visit, booter):
    served()
    booter.chain()
    page = live(visit(f"{URL}#/m/{MAC}"))
    page.locator(".choices").waitFor()
    page.getByRole("button", {"name": "Once", "exact": True}).click()
    give_token(page, "f" * 32)
    page.wait_text("#ask-why", "Refused: that is not the token")
    assert page.text(".choices [aria-pressed=true]") == "Boot"
    give_token(page, TOKEN)
    page.wait_text(".choices [aria-pressed=true]", "Once")
    page.wait_text("#state-by", "Set on this page.")
    page.wait_text(f"[id='m-{MAC}'] .badge", "once")
    page.getByRole("button", {"name": "Ignore", "exact": True}).click()
    page.wait_text(".choices [aria-pressed=true]", "Ignore")
    page.reload()
    page.wait_text(".choices [aria-pressed=true]", "Ignore")


def test_a_once_that_is_used_up(served, visit, booter):
    start = served
    start.site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: once\nkernel /extra/vmlinuz\nboot\n")
    start()
    booter.chain()
    page = live(visit(f"{URL}#/m/{MAC}"))
    page.locator(".choices").waitFor()
    booter.script()
    page.wait_text("#state-by", "Its script was given once")
    page.wait_text(f"[id='m-{MAC}'] .badge", "once, used")
    page.getByRole("button", {"name": "Once", "exact": True}).click()
    give_token(page, TOKEN)
    page.wait_text("#state-by", "then its local disk")
    page.wait("() => document.querySelector('.row .badge').textContent === 'once'")


def test_without_a_token_nothing_can_be_changed(scene, visit, booter):
    site = Site()
    server = pixie.Pixie(scene.server, *site.options(), "--state", "none", "--control", "none")
    booter.chain()
    page = live(visit(f"{URL}#/m/{MAC}"))
    page.wait_text("#state-by", "--admin-token")
    server.stop()
    site.close()


def test_without_a_record_the_page_says_so(scene, visit):
    site = Site()
    server = pixie.Pixie(scene.server, *site.options(), "--control", "none", "--no-timeline")
    page = visit(URL)
    page.wait_text(".notice", "it was started with --no-timeline")
    page.goto(URL + "#/roms")
    page.wait_text("#roms", "it was started with --no-timeline")
    server.stop()
    site.close()


EVIL = "<img src=x onerror=globalThis.pwned=1>\"'"


def test_hostile_names_from_the_wire(served, visit, booter):
    served()
    booter.says = {k: EVIL for k in ("manufacturer", "product", "serial")}
    booter.chain()
    booter.http("/extra/%3Cimg%20src=x%20onerror=globalThis.pwned=1%3E")
    page = live(visit(f"{URL}#/m/{MAC}"))
    page.wait_text(".head", "<img src=x")
    page.wait_text("dl.facts", "<img src=x")
    page.getByRole("tab", {"name": "kernel"}).click()
    page.wait_text("#events", "<img src=x")
    assert page.evaluate("() => globalThis.pwned ?? null") is None
    assert page.evaluate("() => document.querySelectorAll('img').length") == 1


def test_roms_are_the_real_ones(served, visit):
    served()
    page = live(visit(f"{URL}#/roms"))
    page.wait_text("tbody", "undionly.kpxe")
    assert page.locator("tr.empty").count() >= 3
    page.locator("tbody a").first().waitFor()


def test_pixie_goes_and_comes_again(served, visit, booter):
    first = served()
    booter.chain()
    page = live(visit(URL))
    page.locator(f"[id='m-{MAC}']").waitFor()
    first.stop()
    page.wait_text("#link", "Not connected")
    served()
    page.wait_text(".notice", "pixie was started anew")
    live(page)
    booter.chain()
    page.locator(f"[id='m-{MAC}']").waitFor()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_on_a_phone(served, visit, booter, scheme):
    served()
    booter.tftp("snponly64.efi")
    booter.chain()
    page = live(visit(URL, viewport=PHONE, colorScheme=scheme, reducedMotion="reduce"))
    page.locator(f"[id='m-{MAC}']").click()
    page.wait_text("#events", "chain.ipxe")
    assert page.axe() == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
