"""Every path through the TFTP engine, over wires that lose, double and mix up packets.

A scene is a wire and a server: MTU, GSO on or forced off, pool of ports or the one
port, and a fault, so that each pair of these four meets. In each scene all the paths
run at once: windows, block sizes below, at and above the MTU, both modes, content from
memory, from the shelf and from a file, both families. Every byte is compared; the wire
counts its faults, and the kernel how many datagrams it was given to send: with GSO that
is far fewer than passed along the wire.
"""
import contextlib
import dataclasses
import hashlib
import os
import random
import socket
import time

import pytest

from lib import badwire, pixie, tftp
from lib.fixtures import Site, noise
from lib.netns import Lan
from lib.together import together

UDP_SEGMENT = 103  # not in the socket module
ROM = "undionly.kpxe"
FAULTS = {
    "loss": dict(loss_ab=2, loss_ba=2),
    "duplicates": dict(dup_ab=10, dup_ba=10),
    "reorder": dict(reorder_ab=8, reorder_ba=8),
    "everything": dict(loss_ab=1, loss_ba=1, dup_ab=4, dup_ba=4, reorder_ab=4, reorder_ba=4),
}
COUNTED = {"loss": ["lost"], "duplicates": ["duplicated"], "reorder": ["reordered"],
           "everything": ["lost", "duplicated", "reordered"]}


@dataclasses.dataclass
class Scene:
    mtu: int
    gso: bool
    single_port: bool
    fault: str

    def __str__(self):
        return (f"{self.mtu}-{'gso' if self.gso else 'plain'}-"
                f"{'single' if self.single_port else 'pool'}-{self.fault}")


SCENES = [
    Scene(1500, True, False, "loss"),
    Scene(1500, True, True, "duplicates"),
    Scene(1500, False, False, "reorder"),
    Scene(1500, False, True, "everything"),
    Scene(1280, True, False, "everything"),
    Scene(1280, True, True, "reorder"),
    Scene(1280, False, False, "duplicates"),
    Scene(1280, False, True, "loss"),
    Scene(9000, True, False, "duplicates"),
    Scene(9000, True, True, "loss"),
    Scene(9000, False, False, "everything"),
    Scene(9000, False, True, "reorder"),
]


@dataclasses.dataclass(frozen=True)
class Path:
    name: str
    v6: bool
    window: int        # 1: the option is not asked for
    blksize: int       # 512: nor is this
    mode: str = "octet"


FILE, SHELF, EXACT, TEXT = "large.bin", "shelf.bin", "exact.bin", "text.txt"
PATHS = [
    Path(SHELF, False, 1, 512),
    Path(ROM, False, 1, 1428),
    Path(FILE, True, 1, 65464),
    Path(FILE, False, 4, 1468),
    Path(ROM, True, 4, 1228),
    Path(EXACT, False, 4, 512),
    Path(SHELF, True, 16, 512),
    Path(FILE, False, 16, 8972),
    Path(ROM, True, 16, 1468),
    Path(FILE, True, 64, 1428),
    Path(ROM, False, 64, 8972),
    Path(SHELF, False, 64, 65464),
    Path(TEXT, True, 1, 512, "netascii"),
    Path(TEXT, False, 4, 1428, "netascii"),
    Path(SHELF, True, 16, 65464, "netascii"),
    Path(TEXT, True, 64, 1468, "netascii"),
]


def lines(size, seed):
    """Text with what netascii translates, so that blocks end amid it."""
    some = random.Random(seed)
    return b"".join(some.choice([b"\n", b"\r", b"\r\n", b"word ", b"x"]) for _ in range(size // 2))


def as_netascii(raw):
    """RFC 1350 by way of RFC 764: LF is CR LF, CR is CR NUL."""
    return raw.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def files():
    site = Site()
    site.write("extra/" + SHELF, lines(60_000, 3))
    site.write("extra/" + FILE, noise(200_000, 2))  # large enough to be read ahead
    site.write("extra/" + EXACT, noise(512 * 150, 4))  # ends with an empty block
    site.write("extra/" + TEXT, lines(80_000, 5))
    time.sleep(3.5)  # what was changed within two seconds is not kept in memory
    yield site
    site.close()


def times_open(server, name):
    """How many descriptors the server has of this file."""
    folder = f"/proc/{server.pid}/fd"
    held = 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            held += os.readlink(f"{folder}/{fd}").endswith("/" + name)
    return held


def begin(lan, name):
    """A transfer that has begun; the request may be lost."""
    talk = tftp.Conversation(lan.client, Lan.SERVER)
    for _ in range(20):
        try:
            talk.rrq(name, blksize=512).recv(0.5)
            return talk
        except tftp.Silence:
            pass
    raise AssertionError(f"no answer to 20 requests for {name}")


def opens(lan, server, name):
    """Whether a transfer of this file has a descriptor of it."""
    with begin(lan, name) as talk:
        opened = times_open(server, name)
        while times_open(server, name):  # the ERROR may be lost
            talk.error(0)
            time.sleep(0.02)
    return opened > 0


def put_on_shelf(lan, server, site):
    """SHELF comes from memory from now on, FILE from the file: one of the future is not kept."""
    later = time.time() + 3600
    os.utime(site.path("extra", FILE), (later, later))
    for _ in range(3):
        opened = {name: opens(lan, server, name) for name in (SHELF, FILE)}
    assert opened == {SHELF: False, FILE: True}


def fetch(lan, scene, path, wanted):
    address = Lan.SERVER6 if path.v6 else Lan.SERVER
    options = {"blksize": path.blksize} if path.blksize != 512 else {}
    if path.window != 1:
        options["windowsize"] = path.window
    got = tftp.fetch(lan.client, address, path.name, mode=path.mode, **options)
    fits = scene.mtu - (52 if path.v6 else 32)
    granted = {name: str(min(n, fits) if name == "blksize" else n) for name, n in options.items()}
    assert got.options == granted, path
    same = wanted(got.content) if callable(wanted) else got.content == wanted
    assert same, f"{path}: {len(got.content)} bytes came, and they differ"


def wanted_of(site, path):
    if path.name == ROM:
        listed = [line for line in pixie.command("roms").stdout.splitlines()
                  if line.startswith(ROM)]
        return lambda got: hashlib.sha256(got).hexdigest() in listed[0]
    raw = site.read(f"extra/{path.name}")
    return as_netascii(raw) if path.mode == "netascii" else raw


def kernel_cuts(lan):
    """Whether it takes a GSO message on this wire at all: older ones do not on every device."""
    sock = lan.server.socket()
    with sock:
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
        try:
            sock.sendto(bytes(200), (Lan.CLIENT, 9))
        except OSError:
            return False
    return True


def check_gso(used, sent, seen):
    """Each frame was a datagram of its own, or many came out of one."""
    if used:
        assert seen > 1.5 * sent, f"{sent} datagrams sent, {seen} frames seen"
    else:
        assert seen <= sent, f"{sent} datagrams sent, {seen} frames seen"


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_every_path_arrives_whole(files, start, scene):
    lan = Lan(cable=False)
    options = ["--tftp-single-port"] if scene.single_port else []
    options += [] if scene.gso else ["--tftp-no-gso"]
    wanted = {path: wanted_of(files, path) for path in PATHS}
    with badwire.BadWire(lan, mtu=scene.mtu, seed=scene.mtu, **FAULTS[scene.fault]) as wire:
        cuts = scene.gso and kernel_cuts(lan)
        server = start(*options, ns=lan.server, site=files)
        put_on_shelf(lan, server, files)
        together(*[lambda p=p: fetch(lan, scene, p, wanted[p]) for p in PATHS])
        sent = lan.server.datagrams_sent()
    for kind in COUNTED[scene.fault]:
        assert wire.total(kind) > 10, wire.counts
    check_gso(cuts, sent, wire.counts["ab"]["seen"])
    lan.close()


# -- what the matrix has not -------------------------------------------------------------------

@pytest.mark.parametrize("window, gso", [(64, True), (16, False)])
def test_block_numbers_roll_over_amid_faults(own_site, start, window, gso):
    """70,000 blocks: a hole, a double or a late packet also around number 0."""
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(70_000 * 8 + 3))
    few = {name: 0.2 for name in FAULTS["everything"]}
    with badwire.BadWire(lan, seed=window, **few) as wire:
        start(*([] if gso else ["--tftp-no-gso"]), ns=lan.server, site=own_site)
        got = tftp.fetch(lan.client, Lan.SERVER, "file.bin", blksize=8, windowsize=window)
    assert got.content == content
    assert all(wire.total(kind) > 10 for kind in COUNTED["everything"]), wire.counts
    lan.close()


@pytest.mark.parametrize("v6", [False, True], ids=["IPv4", "IPv6"])
def test_route_that_gets_narrower_during_a_transfer(own_site, start, v6):
    """GSO refuses segments larger than the MTU: they go out one by one, as fragments."""
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(3000 * 640))
    address = Lan.SERVER6 if v6 else Lan.SERVER
    address_of_client = Lan.CLIENT6 if v6 else Lan.CLIENT
    with badwire.BadWire(lan, mtu=9000) as wire:
        cuts = kernel_cuts(lan)
        server = start(ns=lan.server, site=own_site)
        sent = {}
        got = bytearray()

        def sink(offset, payload):
            got.extend(payload)
            if offset == 320 * 3000:
                sent["wide"] = lan.server.datagrams_sent()
                lan.server.run("ip", "route", "add", address_of_client, "dev", "eth0",
                               "mtu", "1280")

        tftp.fetch(lan.client, address, "file.bin", blksize=3000, windowsize=16, sink=sink)
        sent["narrow"] = lan.server.datagrams_sent() - sent["wide"]
        log = server.log()
    assert bytes(got) == content
    assert sent["wide"] < 100 or not cuts, sent
    assert sent["narrow"] >= 300, sent
    assert "WARNING" not in log
    assert wire.counts["ab"]["seen"] > 320 + 2 * 300, wire.counts  # fragments
    lan.close()


@pytest.mark.parametrize("single_port", [False, True], ids=["pool", "single"])
def test_many_of_each_path_at_once(files, start, single_port):
    """All paths five times over from one address: no packet of one is another's."""
    lan = Lan(cable=False)
    scene = Scene(1500, True, single_port, "everything")
    wanted = {path: wanted_of(files, path) for path in PATHS}
    with badwire.BadWire(lan, seed=20, **FAULTS["everything"]) as wire:
        start(*(["--tftp-single-port"] if single_port else []), ns=lan.server, site=files)
        together(*[lambda p=p: fetch(lan, scene, p, wanted[p]) for p in PATHS * 5])
    assert all(wire.total(kind) > 10 for kind in COUNTED["everything"]), wire.counts
    lan.close()
