#!/usr/bin/python3
"""page_shot.py DESKTOP.png PHONE.png: machines boot from build/pixie in namespaces, with
different fates, and Chromium takes the pictures of the page that the README shows. As
root, after `tools/deps.sh test`; the letters are those of fonts-inter, when it is there."""
import json
import os
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests", "page"), os.path.join(TOP, "tests")]

from booter import Booter, machines  # noqa: E402
from browser import Browser  # noqa: E402
from lib import netns, pixie, rawhttp  # noqa: E402
from lib.fixtures import Site, noise  # noqa: E402

SERVER = "192.168.0.100"
MAX_BYTES = 150_000
PATIENCE_SECONDS = 180

WHO = [("Dell Inc.", "PowerEdge R640", "7XK2P13"), ("HPE", "ProLiant DL360 Gen10", "CZJ9280F4K"),
       ("Supermicro", "SYS-1029P-WTR", "S313104X8907231"), ("LENOVO", "ThinkSystem SR630", "J300B7VX"),
       ("Dell Inc.", "PowerEdge R650", "9QW4R73"), ("Intel", "NUC11PAHi5", "BTPA1220"),
       ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "")]

FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><cachedir>{0}</cachedir>
<alias binding="strong"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
</fontconfig>
"""


def site():
    made = Site()
    made.write("extra/vmlinuz", noise(14_149_568))
    made.write("extra/initrd.img", noise(61_028_036))
    return made


def with_script(made, machine):
    made.write(f"scripts/{machine.mac}.ipxe", "#!ipxe\nkernel /extra/vmlinuz\ninitrd /extra/initrd.img\nboot\n")


def firmware(machine):
    """From DHCP to the menu, with the pauses that firmware makes."""
    machine.discover()
    time.sleep(1.1)
    machine.tftp("snponly64.efi")
    time.sleep(.9)
    machine.tftp("autoexec.ipxe")
    machine.chain()
    time.sleep(.6)


def boot(machine, pace=.003):
    firmware(machine)
    machine.script()
    machine.http("/extra/vmlinuz")
    time.sleep(.4)
    with machine.slow_http("/extra/initrd.img") as read:
        read(pace=pace)


def known(ns):
    body = rawhttp.get(ns, "127.0.0.1", "/api/v1/machines", host="127.0.0.1").body
    return {m["mac"]: m for m in json.loads(body)["machines"]}


def wait_for(ns, what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        told = known(ns)
        if condition(told):
            return
        time.sleep(.2)
    raise SystemExit(f"no {what} in {PATIENCE_SECONDS} s: {told}")


def history(ns, made, crowd):
    """What lies behind when the pictures are taken."""
    hero, done, silent, scriptless, second, seen, last = crowd
    for machine in (hero, done, silent, second, last):
        with_script(made, machine)
    for machine in (last, done, silent, hero):
        boot(machine)
    firmware(scriptless)
    scriptless.script()
    wait_for(ns, "verdicts", lambda told: all((told[m.mac]["boot"] or {}).get("verdict") for m in crowd
                                              if m.mac in told))
    silent.discover()
    time.sleep(1.4)
    silent.tftp("snponly64.efi")
    wait_for(ns, "verdict on silence", lambda told: told[silent.mac]["boot"]["outcome"] == "failed")
    seen.discover()


def both_at_work(ns, *machines):
    """Two that load while the pictures are taken."""
    threads = [threading.Thread(target=boot, args=(m, pace)) for m, pace in zip(machines, (.03, .06))]
    for thread in threads:
        thread.start()

    def far(told):
        t = told[machines[0].mac]["transfers"]
        return t and t[0]["bytes"] > .5 * (t[0]["total"] or 0)

    wait_for(ns, "half of an initrd", far)
    return threads


def shoot(browser, out, place, there, **options):
    page = browser.open(**options)
    page.goto(f"http://127.0.0.1/#/m/{place}")
    page.wait_text("#link", "Live")
    page.locator(there).first().waitFor()
    time.sleep(1)
    page.screenshot({"path": out, "animations": "disabled"})
    page.close()
    size = os.path.getsize(out)
    assert size < MAX_BYTES, f"{out} has {size} bytes"


def main(desktop, phone):
    ns, made = netns.Namespace(), site()
    crowd = [Booter(client, SERVER, *who) for client, who in zip(machines(ns, len(WHO)), WHO)]
    hero, silent, second = crowd[0], crowd[2], crowd[4]
    server = pixie.Pixie(ns, *made.options(), "--proxy-dhcp=lan", "--state", "none", "--control", "none",
                         "--admin-token", made.path("token"))
    with tempfile.TemporaryDirectory() as folder:
        fonts = os.path.join(folder, "fonts.conf")
        with open(fonts, "w") as f:
            f.write(FONTS.format(folder))
        browser = Browser(ns, FONTCONFIG_FILE=fonts)
        history(ns, made, crowd)
        threads = both_at_work(ns, hero, second)
        shoot(browser, desktop, silent.mac, ".row .bar:not([hidden])", viewport={"width": 1280, "height": 760})
        shoot(browser, phone, hero.mac, ".transfer", viewport={"width": 360, "height": 720}, deviceScaleFactor=2)
        browser.close()
    for thread in threads:
        thread.join()
    server.stop()
    made.close()


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:]))
