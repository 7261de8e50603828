"""Why did it not boot? Real conversations, and the verdict in the log.

Machines on a switch, each with a namespace of its own, as the neighbour table tells
them apart by MAC. A verdict may need silence: all play first, then all are awaited.
"""
import contextlib
import itertools
import re
import time

import pytest

from lib import dhcp, netns, pixie, rawhttp, tftp
from lib.api import CHANGED
from lib.dhcp import Client, pxe, request
from lib.fixtures import Site, noise

US, RIVAL = "192.0.2.1", "192.0.2.66"
PATIENCE = 60  # seconds for a verdict that needs silence; none needs more than 30


class Machine:
    """A namespace on the switch: a card, and an address."""

    def __init__(self, scene, number):
        self.ns = netns.Namespace()
        self.mac = f"02:00:00:00:80:{number:02x}"
        self.label = self.mac.replace(":", "-")
        self.address = f"192.0.2.{100 + number}"
        port = f"p{number}"
        netns.veth(scene.server, port, self.ns, "eth0", mac=self.mac)
        scene.server.run("ip", "link", "set", port, "master", "lan", "up")
        self.ns.address("eth0", f"{self.address}/24")

    def ask(self, arch=7, kind=dhcp.DISCOVER, *more, word="PXEClient", seconds=15):
        with Client(self.ns) as c:
            packet = request(kind, self.mac, *pxe(arch, word), *more)
            c.send(packet)
            return c.replies(int.from_bytes(packet[4:8], "big"), seconds)

    def discover_as_ipxe(self):
        return self.ask(7, dhcp.DISCOVER, (77, "iPXE"), (175, b"\x13\x01\x01"))

    def tftp(self, name, **options):
        return tftp.fetch(self.ns, US, name, blksize=1432, tsize=0, **options)

    def probe(self, name):
        """As EDK2 does: the size, and ERROR 8."""
        with tftp.Conversation(self.ns, US) as talk:
            talk.rrq(name, tsize=0, blksize=1468)
            talk.oack()
            talk.error(8, "User aborted the transfer")

    def http(self, path, *fields):
        return rawhttp.get(self.ns, US, path, *fields)


class Scene:
    def __init__(self, site, *options):
        self.server, self.count = netns.Namespace(), itertools.count(1)
        self.machines = []
        netns.bridge(self.server, "lan")
        self.server.address("lan", f"{US}/24")
        self.pixie = pixie.Pixie(self.server, *site.options(), "-v", "DEBUG", "--proxy-dhcp",
                                 *options)

    def machine(self):
        self.machines.append(Machine(self, next(self.count)))
        return self.machines[-1]

    def close(self):
        try:
            self.pixie.stop()
        finally:
            for machine in self.machines:
                machine.ns.close()
            self.server.close()

    def verdicts(self, who):
        return [e.values["code"] for e in self.pixie.events()
                if e.event == "verdict" and e.who == who]

    def verdict(self, machine, code, timeout=PATIENCE):
        event = self.pixie.logged("verdict", machine.label, f"code={code} ", timeout=timeout)
        assert event.values["text"] and event.values["next"]
        return event


@pytest.fixture(scope="module")
def site():
    folders = Site()
    folders.write("scripts/default.ipxe", "#!ipxe\nkernel /extra/vmlinuz\n")
    folders.write("extra/vmlinuz", noise(400_000))
    folders.write("extra/initrd.img", noise(900_000))
    yield folders
    folders.close()


@pytest.fixture(scope="module")
def scene(site):
    scene = Scene(site)
    yield scene
    scene.close()


@pytest.fixture
def machine(scene):
    return scene.machine()


def to_menu(m):
    m.ask()
    m.tftp("snponly64.efi")
    m.tftp("autoexec.ipxe")
    m.http("/chain.ipxe?mac=" + m.label)


def to_script(m):
    to_menu(m)
    assert m.http(f"/ipxe/{m.label}.ipxe?mac={m.label}").status == 200


# --- those that need no silence ---------------------------------------------------------

def test_no_script(own_site):
    scene = Scene(own_site)
    try:
        m = scene.machine()
        to_menu(m)
        assert m.http(f"/ipxe/{m.label}.ipxe?uuid=&serial=AB12").status == 404
        event = scene.verdict(m, "script-missing")
        assert event.level == "WARNING" and event.values["outcome"] == "failed"
        assert f"{m.label}.ipxe" in event.values["text"] and "default.ipxe" in event.values["text"]
    finally:
        scene.close()


def test_a_name_in_the_script_is_wrong(scene, machine):
    to_script(machine)
    machine.http("/extra/vmlinuz")
    machine.http("/extra/initrd-1.img")
    assert "initrd-1.img" in scene.verdict(machine, "initrd-missing").values["text"]


def test_rom_for_another_architecture(scene, machine):
    machine.ask(11)
    machine.probe("snponly64.efi")
    event = scene.verdict(machine, "wrong-arch-rom")
    assert "ARM64" in event.values["text"] and "x86-64" in event.values["text"]


def test_round_in_circles(scene, machine):
    for _ in range(3):  # a DHCP server that gives iPXE the ROM again
        machine.tftp("undionly.kpxe")
        machine.discover_as_ipxe()
    assert "3 times" in scene.verdict(machine, "loop").values["text"]


def test_no_such_rom(scene, machine):
    with pytest.raises(tftp.Refused):
        machine.tftp("ipxe-i386.efi")
    scene.verdict(machine, "rom-missing")


def test_an_empty_slot(scene, machine):
    assert machine.ask(6, seconds=1) == []
    event = scene.verdict(machine, "not-answered")
    assert "snponly32.efi" in event.values["text"] and event.level == "INFO"


def test_bad_cable(scene, machine):
    """Every fourth block gets lost on its way."""
    machine.ask()
    last = 0
    with tftp.Conversation(machine.ns, US) as talk:
        talk.rrq("snponly64.efi", blksize=1432)
        talk.oack()
        talk.ack(0)
        lost = set()
        while True:
            packet = talk.recv()
            if packet.block % 4 == 0 and packet.block not in lost:
                lost.add(packet.block)
                continue
            talk.ack(packet.block)
            if packet.block == last + 1:
                last += 1
                if len(packet.payload) < 1432:
                    break
    event = scene.verdict(machine, "retransmissions")
    assert "had to be sent again" in event.values["text"]


def test_installed_at_every_boot(scene, site, machine):
    """Nobody said once, and the installer calls back each time."""
    site.write(f"scripts/{machine.label}.ipxe",
               "#!ipxe\nkernel /extra/vmlinuz done=${pixie-done}\n")
    for _ in range(3):
        to_menu(machine)
        script = machine.http(f"/ipxe/{machine.label}.ipxe?mac={machine.label}").text
        machine.http("/extra/vmlinuz")
        assert machine.http(re.search(r"/done/[0-9a-f]{32}", script)[0]).status in CHANGED
        time.sleep(0.6)  # sooner it is the same DISCOVER, heard twice
    event = scene.verdict(machine, "reinstall-loop")
    assert event.level == "WARNING" and "# pixie: once" in event.values["next"]
    assert scene.verdicts(machine.label)[-1] == "reinstall-loop"


# --- those of silence, all at once --------------------------------------------------------

@pytest.fixture(scope="module")
def silent(scene):
    """Machines that stopped, by what is to be said of them."""
    them = {code: scene.machine() for code in (
        "booted", "offer-no-request", "size-probe-only", "rom-then-silence", "two-dhcp-servers",
        "kernel-never-asked", "ipxe-then-silence", "boot-file-not-fetched")}

    to_script(them["booted"])
    them["booted"].http("/extra/vmlinuz")
    them["booted"].http("/extra/initrd.img")
    them["offer-no-request"].ask()
    them["size-probe-only"].ask()
    them["size-probe-only"].probe("snponly64.efi")
    them["rom-then-silence"].ask()
    them["rom-then-silence"].tftp("snponly64.efi")
    to_script(them["kernel-never-asked"])
    them["ipxe-then-silence"].ask()
    them["ipxe-then-silence"].tftp("snponly64.efi")
    them["ipxe-then-silence"].discover_as_ipxe()

    m = them["boot-file-not-fetched"]
    m.ask()
    with Client(m.ns, port=4011) as c:
        c.ask(request(dhcp.REQUEST, m.mac, *pxe(7), ciaddr=m.address), US, 4011)

    rival = scene.machine()  # a DHCP server with a boot file of its own, overheard
    m = them["two-dhcp-servers"]
    m.ask()
    answer(rival, m, "pxelinux.0")
    behind_a_router(scene.machine())
    return them


ROUTED = [f"02-00-00-00-90-{i:02x}" for i in range(20)]


def behind_a_router(router):
    """One address for many: the MAC in the name tells them apart."""
    for mac in ROUTED:
        router.http(f"/chain.ipxe?mac={mac}")
        router.http(f"/ipxe/{mac}.ipxe?mac={mac}")


def answer(server, m, file):
    """A DHCP server's broadcast OFFER to a machine."""
    offer = bytearray(request(dhcp.OFFER, m.mac, (54, bytes(map(int, server.address.split(".")))),
                              (67, file)))
    offer[0] = 2
    with contextlib.closing(server.ns.socket()) as sock:
        sock.setsockopt(netns.socket.SOL_SOCKET, netns.socket.SO_BROADCAST, 1)
        sock.setsockopt(netns.socket.SOL_SOCKET, netns.socket.SO_BINDTODEVICE, b"eth0")
        sock.bind(("", 67))
        sock.sendto(bytes(offer), ("255.255.255.255", 68))


@pytest.mark.parametrize("code,outcome,words", [
    ("booted", "booted", "initrd.img last"),
    ("offer-no-request", "failed", "snponly64.efi"),
    ("size-probe-only", "failed", "never fetched"),
    ("rom-then-silence", "failed", "snponly64.efi"),
    ("two-dhcp-servers", "failed", "pxelinux.0"),
    ("kernel-never-asked", "quiet", "script"),
    ("ipxe-then-silence", "failed", "chain.ipxe"),
    ("boot-file-not-fetched", "failed", "4011"),
])
def test_silence(scene, silent, code, outcome, words):
    event = scene.verdict(silent[code], code)
    assert event.values["outcome"] == outcome
    assert words in event.values["text"]
    assert scene.verdicts(silent[code].label)[-1] == code


# --- who it is ------------------------------------------------------------------------------

def test_many_behind_one_address(scene, silent):
    for mac in ROUTED:  # iPXE asks nothing after its script
        scene.pixie.logged("verdict", mac, "code=kernel-never-asked", timeout=PATIENCE)


def test_a_browser_is_no_machine(scene, machine):
    agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"
    rawhttp.get(machine.ns, US, f"/ipxe/{machine.label}.ipxe", agent)
    other = scene.machine()
    other.http(f"/chain.ipxe?mac={other.label}")
    other.http(f"/ipxe/{other.label}.ipxe")
    other.http("/extra/none")
    scene.verdict(other, "kernel-missing")
    later = scene.machine()
    to_script(later)
    later.http("/extra/none")
    scene.verdict(later, "kernel-missing")  # a tick or two more
    assert scene.verdicts(machine.label) == []


@pytest.mark.parametrize("query", [
    "?mac=", "?mac=zz&uuid=zz&version=", "?uuid=" + "f" * 3000, "?product=%", "?product=%zz%00%ff",
    "?manufacturer=" + "%22" * 1000, "?" + "&" * 2000, "?mac=01-00-5e-00-00-01&buildarch=&platform=",
    "?version=1.21.1%2B%20(g%0a1)&buildarch=x86_64&platform=efi",
])
def test_strange_words_of_ipxe(scene, machine, query):
    answer = machine.http("/chain.ipxe" + query)
    assert answer.status == 200 and answer.body.startswith(b"#!ipxe")
    assert scene.pixie.alive()


def test_no_timeline(site):
    scene = Scene(site, "--no-timeline")
    try:
        m = scene.machine()
        to_menu(m)
        m.http("/ipxe/none")
        m.http("/extra/none")
        time.sleep(3)
        m.http("/extra/the-end")
        scene.pixie.logged("/extra/the-end")
        assert scene.verdicts(m.label) == []
        assert not [e for e in scene.pixie.events() if e.event == "verdict"]
    finally:
        scene.close()
