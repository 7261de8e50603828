"""The page against a server that does what a test wants (mock.py)."""
import threading
import time

import pytest

import scenes
from conftest import DESK, PHONE
from scenes import at, boot, events, machine, verdict

IDENT, OTHER = "52-54-00-70-78-01", "52-54-00-70-78-02"
HASH = f"#/m/{IDENT}"


def booting(mock, **fields):
    """A server with a machine that has come to its initrd."""
    told = scenes.good_boot(IDENT)[:-1]
    last = boot("running", -30)
    server = mock(machine(IDENT, vendor="Dell Inc.", product="PowerEdge R640", serial="7XK2P13",
                          script=f"{IDENT}.ipxe", boot=last, **fields),
                  machine(OTHER, boot=boot("failed", -500, -400, says=verdict("v", "It went no further."))))
    server.boots[IDENT] = [{**last, "events": told}]
    server.seq = 5000
    return server


def transfer(part, name="extra/initrd.img", ident=IDENT):
    return {"id": ident, "name": name, "via": "http", "bytes": int(61e6 * part), "total": 61000000,
            "rate": 11400000, "began": at(-3)}


def live(page):
    page.wait_text("#link", "Live")
    return page


def row(page, ident=IDENT):
    return page.locator(f"[id='m-{ident}']")


# -- what is seen ----------------------------------------------------------------------

def test_machines_and_their_fates(mock, visit):
    page = live(visit(booting(mock).url))
    assert row(page).getAttribute("data-tone") == "run"
    assert row(page, OTHER).getAttribute("data-tone") == "bad"
    assert "It went no further." in row(page, OTHER).innerText()
    assert "PowerEdge R640" in row(page).innerText()
    assert page.text("#groups").split() == ["All", "2", "Booting", "1", "Trouble", "1", "Booted", "0"]
    page.getByRole("button", {"name": "Trouble"}).click()
    page.wait("() => document.querySelectorAll('.row').length === 1")


def test_story_on_click_and_by_keyboard(mock, visit):
    page = live(visit(booting(mock).url))
    row(page).click()
    page.wait_text("h2.mac", IDENT)
    assert page.evaluate("() => location.hash") == HASH
    page.wait_text("[role=tab][aria-selected=true]", "initrd")
    page.wait_text("#events", "It asked for extra/initrd.img.")
    page.getByRole("tab", {"name": "ROM"}).click()
    page.wait_text("#events", "It fetched snponly64.efi by TFTP.")
    page.keyboard.press("ArrowLeft")
    page.wait_text("#events", "It was offered snponly64.efi, on port 4011.")
    assert "DHCP\n2.0 s" in page.text("[role=tab][aria-selected=true]")
    page.keyboard.press("End")
    page.wait_text("#events", "Not yet")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")  # one stop for all the steps; then their events
    assert page.evaluate("() => document.activeElement.id") == "events"
    href = page.locator(".script a").getAttribute("href")
    assert href == f"/ipxe/{IDENT}.ipxe"


def test_verdict_and_next_step(mock, visit):
    server = mock(machine(IDENT, boot=boot("failed", -100, -40, says=verdict(
        "rom-then-silence", "It fetched the ROM and then nothing.", "Look whether Secure Boot is on."))))
    page = live(visit(server.url + HASH))
    page.wait_text(".verdict", "Did not boot")
    page.wait_text(".verdict", "It fetched the ROM and then nothing.")
    page.wait_text(".verdict .next", "Look whether Secure Boot is on.")


def test_earlier_boots(mock, visit):
    server = booting(mock)
    before = {**boot("failed", -900, -800, number=0, says=verdict("v", "The script was missing.")),
              "events": events(IDENT, 0, (-890, "missing", "http", f"ipxe/{IDENT}.ipxe", {"say": "No such script."}))}
    server.boots[IDENT].insert(0, before)
    page = live(visit(server.url + HASH))
    page.locator(".boots button").last().click()
    page.wait_text(".verdict", "The script was missing.")
    page.wait_text("#events", "No such script.")


def test_roms_and_their_empty_slots(mock, visit):
    server = mock()
    server.roms = [{"name": "undionly.kpxe", "bytes": 70085, "sha256": "ab" * 32, "source": "Debian", "arch": "bios"},
                   {"name": "snponly32.efi", "bytes": None, "sha256": None, "source": None, "arch": "i386"}]
    page = live(visit(server.url + "#/roms"))
    page.wait_text("tr", "70.1 kB")
    page.wait_text("tr.empty", "snponly32.efi")
    assert "Empty slot" in page.text("tr.empty")
    assert page.locator("tbody a").getAttribute("href") == "/undionly.kpxe"


def test_a_state_was_set_for_one_that_was_never_seen(mock, visit):
    server = mock(machine(IDENT, state="once", state_by="cli", first_seen=None, last_seen=None, address=None))
    page = live(visit(server.url + HASH))
    page.wait_text(".verdict", "compare its MAC address")
    page.wait_text(".row .does", "Not seen yet")
    assert page.text(".row .when") == ""
    assert "Last seen" not in page.text("dl.facts")


def test_first_visit_says_what_to_do(mock, visit):
    server = mock()
    page = live(visit(server.url))
    page.wait_text("#welcome", "--proxy-dhcp")
    assert "http://127.0.0.1:8080/chain.ipxe" in page.text("#welcome pre")
    server.machines[IDENT] = machine(IDENT)
    server.tell(IDENT, "discover", via="dhcp", boot=1)
    row(page).waitFor()
    assert not page.locator("#welcome").isVisible()


# -- what happens ----------------------------------------------------------------------

def test_progress_moves_the_bars(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    server.progress(transfer(.25))
    page.wait("() => document.querySelector('.row .bar')?.getAttribute('aria-valuenow') === '25'")
    server.progress(transfer(.75))
    page.wait("() => document.querySelector('.row .bar')?.getAttribute('aria-valuenow') === '75'")
    page.wait("() => document.querySelector('.transfer .bar')?.getAttribute('aria-valuenow') === '75'")
    page.wait_text(".transfer", "45.8 MB of 61.0 MB")
    server.tell(IDENT, "sent", via="http", name="extra/initrd.img", bytes=61000000, boot=1,
                say="It fetched extra/initrd.img by HTTP.")
    page.wait("() => !document.querySelector('.transfer') && document.querySelector('.row .bar')?.hidden")
    page.wait_text("#events", "It fetched extra/initrd.img by HTTP.")


def test_a_transfer_without_a_size(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    server.progress({**transfer(.5), "total": None})
    page.wait("() => document.querySelector('.transfer .bar')?.matches('[data-unknown]:not([aria-valuenow])')")


def test_a_verdict_comes_in(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    says = verdict("booted", "It fetched its last file and then was quiet: it boots.")
    server.machines[IDENT]["boot"] = {**server.machines[IDENT]["boot"], "outcome": "booted", "ended": at(0),
                                      "verdict": says}
    server.boots[IDENT][-1].update(server.machines[IDENT]["boot"])
    server.tell(IDENT, "verdict", name="booted", text=says["text"], boot=1, say=says["text"])
    page.wait_text(".verdict", "Booted in 30 s")
    page.wait("() => document.querySelectorAll('.step[data-state=done]').length === 7")
    page.wait_text("#spoken", "It fetched its last file")
    page.locator(f"[id='m-{IDENT}'][data-tone=ok]").waitFor()


def test_the_same_number_in_another_life_of_the_server(mock, visit):
    """Boots are counted from one each time: the second boot 1 is another one."""
    server = booting(mock)
    page = live(visit(server.url + HASH))
    page.wait_text("#events", "It asked for")
    again = {**boot("running", 5), "events": []}
    server.machines[IDENT]["boot"] = again
    server.boots[IDENT].append(again)
    server.tell(IDENT, "boot", boot=1, time=at(5), say="A boot begins.")
    server.tell(IDENT, "discover", via="dhcp", boot=1, time=at(5), say="It asks anew.")
    page.wait_text("#events", "It asks anew.")
    page.wait("() => document.querySelectorAll('.boots button').length === 2")
    page.locator(".boots button").last().click()
    page.wait_text("#events", "It asked for extra/initrd.img.")


def test_progress_of_some_leaves_the_others(mock, visit):
    """The server names only so many transfers at a time."""
    server = booting(mock)
    page = live(visit(server.url))
    server.progress(transfer(.25))
    page.wait_text(".row .does", "25 %")
    server.progress(transfer(.5, ident=OTHER), more=1)
    page.wait("() => document.querySelectorAll('.row .bar:not([hidden])').length === 2")
    server.progress(transfer(.75, ident=OTHER))
    page.wait("() => document.querySelectorAll('.row .bar:not([hidden])').length === 1")


def test_a_name_that_is_not_the_servers(mock, visit):
    server = booting(mock)
    server.refuse_reads = (403, "this server does not know itself by that name")
    page = visit(server.url)
    page.wait_text(".notice", "this server does not know itself by that name")
    server.refuse_reads = None
    live(page)


def test_a_machine_that_comes_after_its_link(mock, visit):
    """The page was opened at a machine that has not been heard of yet."""
    server = mock(machine(OTHER))
    page = live(visit(server.url + HASH))
    page.wait_text("#detail", f"pixie does not know {IDENT}")
    server.machines[IDENT] = machine(IDENT, boot=boot("running"))
    server.boots[IDENT] = [{**boot("running"), "events": []}]
    server.tell(IDENT, "discover", via="dhcp", boot=1, say="It asks what to boot.")
    page.wait_text("#events", "It asks what to boot.")


def test_answers_that_overtake_each_other(mock, visit):
    """An answer of before an event, come after it, does not take it back."""
    server = booting(mock)
    first, second = threading.Event(), threading.Event()
    server.held = [second, first]
    page = live(visit(server.url + HASH))
    page.locator(f"[id='m-{OTHER}']").waitFor()
    server.tell(IDENT, "script", via="http", name="x.ipxe", boot=1, say="One.")  # asked for anew
    for _ in range(100):
        if not server.held:
            break
        time.sleep(.1)
    server.tell(IDENT, "sent", via="http", name="extra/two", boot=1, say="Two.")
    second.set()
    page.wait_text("#events", "Two.")
    first.set()
    page.wait("() => performance.getEntriesByType('resource').filter((e) => e.name.includes('/machines/')).length === 2")
    page.evaluate("() => new Promise((drawn) => setTimeout(drawn, 100))")
    assert "Two." in page.text("#events")
    page.getByRole("tab", {"name": "script"}).click()
    page.wait_text("#events", "One.")


def test_a_boot_begins(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + f"#/m/{OTHER}"))
    again = {**boot("running", 0, number=2), "events": []}
    server.machines[OTHER]["boot"] = again
    server.boots[OTHER] = [again]
    server.tell(OTHER, "boot", boot=2, say="A boot begins.")
    server.tell(OTHER, "discover", via="dhcp", boot=2, say="It asks what to boot.")
    page.wait_text(".verdict", "Booting for")
    page.wait_text("#events", "It asks what to boot.")
    page.locator(f"[id='m-{OTHER}'][data-tone=run]").waitFor()


# -- the connection --------------------------------------------------------------------

def test_stream_resumes_where_it_broke(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    server.tell(IDENT, "sent", via="http", name="extra/one", boot=1, say="One.")
    page.wait_text("#events", "One.")
    server.hang_up()
    server.tell(IDENT, "sent", via="http", name="extra/two", boot=1, say="Two.")
    page.wait_text("#events", "Two.")
    live(page)
    assert server.resumed == [5000, 5001]
    assert page.text("#events").count("One.") == 1


def test_reconnecting_is_shown(mock, visit):
    server = booting(mock)
    page = live(visit(server.url))
    server.down()
    page.wait_text("#link", "Not connected; trying again")
    assert row(page).isVisible()
    server.up()
    live(page)


def test_a_server_started_anew(mock, visit):
    server = booting(mock)
    page = live(visit(server.url))
    server.down()
    page.wait_text("#link", "Not connected")
    server.machines = {OTHER: server.machines[OTHER]}
    server.restart()
    page.wait_text(".notice", "pixie was started anew")
    page.wait("() => document.querySelectorAll('.row').length === 1")
    live(page)
    assert server.resumed[-1] == 0


def test_missed_events_mean_that_everything_is_loaded_again(mock, visit):
    server = booting(mock)
    page = live(visit(server.url))
    server.machines["52-54-00-70-78-03"] = machine("52-54-00-70-78-03")
    server.lose(17)
    page.wait_text(".notice", "17 events were missed; everything was loaded again.")
    row(page, "52-54-00-70-78-03").waitFor()
    page.getByRole("button", {"name": "Dismiss"}).click()
    assert page.locator(".notice").count() == 0


def test_store_in_trouble_is_said(mock, visit):
    server = booting(mock)
    server.version["store"] = {"ok": False, "why": "disk full", "path": "/x"}
    page = live(visit(server.url))
    page.wait_text("#about", "history is not being kept: disk full")


# -- changes ----------------------------------------------------------------------------

def press(page, state):
    page.getByRole("button", {"name": state, "exact": True}).click()


def pressed(page):
    return page.locator(".choices [aria-pressed=true]").innerText()


def give_token(page, token):
    page.locator("#token").fill(token)
    page.getByRole("button", {"name": "Use token"}).click()


def test_token_is_asked_for_once(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    press(page, "Once")
    give_token(page, server.TOKEN)
    page.wait_text(".choices [aria-pressed=true]", "Once")
    page.wait_text("#state-by", "Set on this page.")
    press(page, "Local")
    page.wait_text(".choices [aria-pressed=true]", "Local")
    assert [(p, b["state"]) for p, b, _ in server.puts] == [
        (f"/api/v1/machines/{IDENT}/state", "once"), (f"/api/v1/machines/{IDENT}/state", "local")]
    assert server.puts[0][2]["Content-Type"] == "application/json"
    page.wait_text("#spoken", f"{IDENT} is now local")
    page.reload()
    press(live(page), "Boot")
    page.wait_text(".choices [aria-pressed=true]", "Boot")
    assert page.evaluate("() => localStorage.length") == 0


@pytest.mark.parametrize("wrong", ["not the token", "wrong-token", "schl\u00fcssel", "x"])
def test_wrong_token_is_refused_plainly(mock, visit, wrong):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    press(page, "Once")
    give_token(page, wrong)
    page.wait_text("#ask-why", "Refused: ")
    assert page.evaluate("() => sessionStorage.length") == 0
    assert page.evaluate("() => document.activeElement.id") == "token"
    give_token(page, server.TOKEN)
    page.wait_text(".choices [aria-pressed=true]", "Once")


def test_a_token_that_holds_no_longer_is_asked_for_anew(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    page.evaluate("() => sessionStorage.setItem('pixie-admin-token', 'of-yesterday')")
    press(page, "Once")
    page.wait_text("#ask-why", "Refused: that is not the token")
    assert len(server.puts) == 1
    give_token(page, server.TOKEN)
    page.wait_text(".choices [aria-pressed=true]", "Once")


def test_leaving_the_dialog_changes_nothing(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    press(page, "Ignore")
    page.locator("#token").waitFor()
    page.keyboard.press("Escape")
    page.wait("() => !document.getElementById('ask').open")
    assert pressed(page) == "Boot" and server.puts == []
    assert page.evaluate("() => document.activeElement.textContent") == "Ignore"
    press(page, "Ignore")
    page.getByRole("button", {"name": "Cancel"}).click()
    assert pressed(page) == "Boot" and server.puts == []


def test_other_refusals_are_said_beside_the_buttons(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    server.refuse = (403, "Changes come from this server's own pages only.")
    press(page, "Once")
    give_token(page, server.TOKEN)
    page.wait_text(".state .why", "Not changed: Changes come from this server's own pages only.")
    assert pressed(page) == "Boot"


def test_no_token_configured_means_no_buttons(mock, visit):
    server = booting(mock)
    server.version["changes"] = "socket"
    page = live(visit(server.url + HASH))
    page.wait_text("#state-by", "--admin-token")
    assert page.locator(".choices [aria-disabled=true]").count() == 4
    page.locator(".choices button").nth(1).click({"force": True})
    assert not page.locator("#ask").isVisible() and server.puts == []


def test_a_machine_known_by_its_address_only(mock, visit):
    server = mock(machine("192.0.2.9", boot=boot("running")))
    page = live(visit(server.url + "#/m/192.0.2.9"))
    page.wait_text("#state-by", "its MAC address is not known")
    assert page.locator(".choices [aria-disabled=true]").count() == 4


def test_a_change_that_is_not_on_disk_yet(mock, visit):
    server = booting(mock)
    server.put = lambda path, body, headers: (202, {**server.machines[IDENT], "state": "once", "warning": "disk full"})
    page = live(visit(server.url + HASH))
    press(page, "Once")
    give_token(page, server.TOKEN)
    page.wait_text(".state .why", "It holds, but is not on disk yet: disk full")


# -- strangers --------------------------------------------------------------------------

EVIL = "<img src=x onerror=globalThis.pwned=1>\"'><script>globalThis.pwned=1</script>&lt;b&gt;${alert(1)}"


def test_hostile_names_are_text(mock, visit):
    bad = boot("failed", -30, -1, says=verdict(EVIL, EVIL, EVIL))
    server = mock(machine(IDENT, vendor=EVIL, product=EVIL, serial=EVIL, uuid=EVIL, firmware=EVIL, arch_name=EVIL,
                          address=EVIL, script=f"../../javascript:alert(1)//{EVIL}", state_by=EVIL, boot=bad))
    server.boots[IDENT] = [{**bad, "events": events(IDENT, 1, (-20, "sent", EVIL, EVIL, {"say": EVIL, "text": EVIL}),
                                                    (-10, "missing", "http", EVIL, {"text": EVIL}))}]
    server.roms = [{"name": EVIL, "bytes": 5, "sha256": EVIL, "source": EVIL, "arch": EVIL}]
    server.version.update(version=EVIL, store={"ok": False, "why": EVIL, "path": EVIL})
    page = live(visit(server.url + HASH))
    server.progress({**transfer(.5, EVIL)})
    page.wait_text(".transfer", EVIL)
    for place in (".verdict .text", ".verdict .next", ".head", "dl.facts", ".script a", ".row .does",
                  "#state-by", "#about"):
        page.wait_text(place, EVIL)
    page.getByRole("tab", {"name": "kernel"}).click()
    page.wait_text("#events", EVIL)
    page.goto(server.url + "#/roms")
    page.wait_text("tbody", EVIL)
    page.goto(server.url + f"#/m/{EVIL}")
    page.wait_text("#detail", f"pixie does not know {EVIL}")
    assert page.evaluate("() => globalThis.pwned ?? null") is None
    assert page.evaluate("() => document.querySelectorAll('img, script, b:not(.next b)').length") == 2
    assert page.evaluate("() => [...document.links].every((a) => a.origin === location.origin)")


def test_a_script_name_cannot_leave_the_script_directory(mock, visit):
    server = mock(machine(IDENT, script="//evil.test/../x y?#%2f.ipxe", boot=boot("running")))
    page = live(visit(server.url + HASH))
    page.locator(".script a").waitFor()
    assert page.locator(".script a").evaluate("(a) => new URL(a.href).host") == "127.0.0.1:8080"
    assert page.locator(".script a").getAttribute("href").endswith("x%20y%3F%23%252f.ipxe")


def test_nothing_is_asked_of_others(mock, visit):
    """Whatever is loaded comes from the server itself."""
    page = live(visit(booting(mock).url + HASH))
    names = page.evaluate("() => performance.getEntriesByType('resource').map((e) => e.name)")
    assert len(names) > 10 and all(n.startswith("http://127.0.0.1:8080/") for n in names)


def test_markup_of_a_string_is_forbidden(mock, visit):
    """Trusted Types: should a later change forget textContent, the browser refuses."""
    page = live(visit(booting(mock).url))
    assert page.evaluate("() => { try { document.body.innerHTML = 'x'; return 'done'; } "
                         "catch (e) { return e.name; } }") == "TypeError"
    assert "TrustedHTML" in page.problems()[0]


# -- keyboard, sight, motion ------------------------------------------------------------

def test_by_keyboard_alone(mock, visit):
    server = booting(mock)
    page = live(visit(server.url))
    focused = "() => document.activeElement.id || document.activeElement.textContent.trim()"
    order = []
    for _ in range(12):
        page.keyboard.press("Tab")
        order.append(page.evaluate(focused))
    assert order[:12] == ["Skip to the machines", "pixie", "nav-machines", "nav-roms", "Scripts", "search",
                          "All 2", "Booting 1", "Trouble 1", "Booted 0", "sort", "list"]
    page.keyboard.press("End")
    assert page.evaluate("() => document.getElementById('list').getAttribute('aria-activedescendant')") == f"m-{OTHER}"
    page.keyboard.press("Enter")
    page.wait_text("h2.mac", OTHER)
    page.keyboard.press("/")
    assert page.evaluate(focused) == "search"
    page.keyboard.type("r640/")
    page.wait_text("#none", "No machine matches “r640/”.")
    page.keyboard.press("Backspace")
    page.wait("() => document.querySelectorAll('.row').length === 1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_text("h2.mac", IDENT)
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.wait("() => document.querySelectorAll('.row').length === 2")


def test_focus_is_seen(mock, visit):
    page = live(visit(booting(mock).url + HASH))
    page.locator(".choices").waitFor()
    seen = page.evaluate("""() => [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
        .filter((e) => e.checkVisibility()).map((e) => {
            e.focus({focusVisible: true});
            return [e.outerHTML.slice(0, 80), getComputedStyle(e).outlineStyle];
        })""")
    assert len(seen) > 15 and [s for s in seen if s[1] == "none"] == []


def test_focus_stays_while_things_happen(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    page.getByRole("tab", {"name": "script"}).focus()
    for part in (.2, .4, .6):
        server.progress(transfer(part))
    server.tell(IDENT, "sent", via="http", name="extra/more", boot=1)
    server.tell(IDENT, "state", name="once", text="api", boot=0)
    page.wait_text(".choices [aria-pressed=true]", "Boot")
    page.wait("() => document.querySelector('.row .bar')?.getAttribute('aria-valuenow') === '60'")
    assert page.evaluate("() => document.activeElement.id") == "step-script"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_accessible(mock, visit, scheme, size):
    """axe finds nothing, in any view."""
    server = booting(mock, state="once", state_by="page")
    server.roms = [{"name": "a.efi", "bytes": 5, "sha256": "ab" * 32, "source": "x", "arch": "y"},
                   {"name": "b.efi", "bytes": None, "sha256": None, "source": None, "arch": "y"}]
    page = live(visit(server.url, viewport=size, colorScheme=scheme, reducedMotion="reduce"))
    server.progress(transfer(.5))
    page.wait_text(".row .does", "50 %")
    assert page.axe() == []
    for place, there in ((HASH, ".transfer"), (f"#/m/{OTHER}", ".verdict[data-tone=bad]"), ("#/roms", "tr.empty")):
        page.goto(server.url + place)
        server.progress(transfer(.5))
        page.locator(there).waitFor()
        assert page.axe() == [], place
    page.goto(server.url + HASH)
    press(page, "Boot")
    give_token(page, "wrong-token")
    page.wait_text("#ask-why", "Refused")
    assert page.axe() == []
    server.machines.clear()
    page.goto("about:blank")
    page.goto(server.url)
    page.wait_text("#welcome", "--proxy-dhcp")
    assert page.axe() == []


def test_dark_is_dark(mock, visit):
    url = booting(mock).url
    light, dark = ([int(x) for x in live(visit(url, colorScheme=s)).evaluate(
        "() => getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g)")] for s in ("light", "dark"))
    assert min(light) > 200 and max(dark) < 60


def test_reduced_motion(mock, visit):
    server = booting(mock)
    moving = live(visit(server.url))
    row(moving).waitFor()
    assert moving.evaluate("() => document.getAnimations().length") > 0
    still = live(visit(server.url, reducedMotion="reduce"))
    row(still).waitFor()
    assert still.evaluate("() => document.getAnimations().length") == 0


def test_a_phone(mock, visit):
    server = booting(mock)
    page = live(visit(server.url, viewport=PHONE, hasTouch=True, isMobile=True))
    fits = "() => document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    row(page).tap()
    page.wait_text("h2.mac", IDENT)
    assert not page.locator("#list").isVisible()
    page.wait("() => document.querySelectorAll('.step').length === 7")
    assert page.evaluate("""() => [...document.querySelectorAll('.step .title, .choices button, .script a')]
        .filter((e) => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1)
        .map((e) => e.textContent)""") == []
    assert page.evaluate(fits)
    page.getByRole("tab", {"name": "kernel"}).tap()
    page.wait_text("#events", "extra/vmlinuz")
    page.locator(".back").tap()
    row(page).waitFor()
    assert not page.locator("#detail").isVisible()


def test_every_view_fits_a_phone(mock, visit):
    server = booting(mock)
    server.roms = [{"name": "snponly-arm64.efi", "bytes": 284672, "sha256": "ab" * 32, "alias": "snponly-arm.efi",
                    "what": "EFI ARM64, over the firmware's own driver", "source": "Debian ipxe 1.21.1+git20220113"}]
    page = live(visit(server.url, viewport=PHONE))
    wide = """() => [document.documentElement, ...document.querySelectorAll('main section:not([hidden])')]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.id)"""
    for place, there in (("", ".row"), (HASH, ".step"), ("#/roms", "tbody tr")):
        page.goto(server.url + place)
        page.locator(there).first().waitFor()
        assert page.evaluate(wide) == [], place
    server.machines.clear()
    page.goto(server.url)
    page.reload()
    page.wait_text("#welcome", "--proxy-dhcp")
    assert page.evaluate(wide) == []


# -- many --------------------------------------------------------------------------------

def test_ten_thousand_machines(mock, visit):
    server = mock(*scenes.crowd(10000))
    page = live(visit(server.url))
    page.wait_text("#groups", "10,000")
    rows = "() => document.querySelectorAll('.row').length"
    nodes = "() => document.querySelectorAll('*').length"
    assert page.evaluate(rows) < 40 and page.evaluate(nodes) < 700
    page.locator("#list").focus()
    page.keyboard.press("End")
    page.wait("() => document.querySelector('[aria-posinset=\"10000\"]')")
    assert page.evaluate(rows) < 40
    page.locator("#search").fill("sn004321")
    page.wait("() => document.querySelectorAll('.row').length === 1")
    page.locator(".row").click()
    page.wait_text("h2.mac", scenes.mac(4321))


def test_ten_thousand_machines_booting(mock, visit):
    """A storm: everything boots at once while somebody reads one story."""
    server = mock(*scenes.crowd(10000))
    ident = scenes.mac(77)
    page = live(visit(server.url + f"#/m/{ident}"))
    page.wait_text("h2.mac", ident)
    page.evaluate("""() => {
        globalThis.changes = 0;
        new MutationObserver(() => changes++).observe(document.body, {subtree: true, childList: true,
            attributes: true, characterData: true});
        globalThis.frames = 0;
        requestAnimationFrame(function each() { frames++; requestAnimationFrame(each); });
    }""")
    for n in range(10000):
        server.tell(scenes.mac(n), "boot", boot=9, time=at(n / 100))
        if n % 500 == 0:
            server.progress(*(transfer(.5, ident=scenes.mac(i)) for i in range(n, n + 400)))
    server.tell(ident, "sent", via="http", name="extra/last", boot=9, say="The last of all.")
    page.wait_text("#events", "The last of all.")
    page.wait("() => document.querySelector('[data-group=booting] .n')?.textContent === '10,000'")
    assert page.evaluate("() => document.querySelectorAll('*').length") < 700
    changes, frames = page.evaluate("() => [changes, frames]")
    assert changes <= 2 * frames + 10, "it draws more often than the screen does"
    page.locator("#search").fill(scenes.mac(4321))
    page.wait("() => document.querySelectorAll('.row').length === 1")


def test_a_boot_with_many_events_stays_bounded(mock, visit):
    server = booting(mock)
    page = live(visit(server.url + HASH))
    page.wait_text("#events", "It asked for")
    for n in range(1000):
        server.tell(IDENT, "sent", via="http", name="extra/part.img", bytes=n, boot=1, say=f"Part {n}.")
    page.wait_text("#events", "Part 999.")
    assert page.locator("#events li").count() <= 401
    page.wait_text("#events .nothing", "earlier ones")
