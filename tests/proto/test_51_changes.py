"""A file that changes under a hundred transfers: the old bytes, exactly, or an error.

What was opened is sent to its end as long as its bytes are one version: those in memory,
and those of a file that others replace, remove or rename. Only what is written into the
file itself breaks a transfer.

Half of the clients are TFTP's, in lockstep, with windows and in netascii, half HTTP's, of
whole files and ranges. All stop in mid-file, the file changes, all go on to the end.
"""
import os
import threading
import time

import pytest

from lib import pixie, rawhttp, tftp
from lib.fixtures import Site, noise
from lib.netns import Lan
from lib.together import together

SIZE = 1_000_007
RANGE = (200_000, 900_000)
IN_PLACE = ["truncated", "emptied", "grown", "rewritten"]
BY_NAME = ["replaced", "deleted", "renamed", "linked", "locked"]
HOWS = IN_PLACE + BY_NAME


def change(how, path):
    if how == "truncated":
        os.truncate(path, 100_000)
    elif how == "emptied":
        os.truncate(path, 0)
    elif how == "grown":
        with open(path, "ab") as f:
            f.write(noise(5000))
    elif how == "rewritten":
        with open(path, "r+b") as f:
            f.write(noise(SIZE, seed=99))
    elif how == "replaced":
        with open(path + ".new", "wb") as f:
            f.write(noise(SIZE, seed=99))
        os.rename(path + ".new", path)
    elif how == "deleted":
        os.unlink(path)
    elif how == "renamed":
        os.rename(path, path + ".old")
    elif how == "linked":
        os.link(path, path + ".link")
    elif how == "locked":
        os.chmod(path, 0o400)


class Gate:
    """Where every client waits in mid-file until the file has changed."""

    def __init__(self, clients):
        self.all_here = threading.Barrier(clients + 1, timeout=60)
        self.changed = threading.Event()

    def wait(self):
        self.all_here.wait()
        self.changed.wait(60)


def as_netascii(raw):
    return raw.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")


class Over:
    """What the clients got: those that got all of it, and how many an error."""

    def __init__(self):
        self.whole, self.errors = [], 0

    def tftp(self, lan, name, old, gate, mode="octet", **options):
        got, here = bytearray(), []

        def sink(offset, payload):
            if not here:
                here.append(gate.wait())
            got.extend(payload)

        try:
            tftp.fetch(lan.client, Lan.SERVER, name, mode=mode, sink=sink, **options)
            self.whole.append(bytes(got) == (as_netascii(old) if mode == "netascii" else old))
        except tftp.Refused:
            self.errors += 1

    def http(self, lan, name, old, gate, part=None):
        field = [f"Range: bytes={part[0]}-{part[1] - 1}"] if part else []
        with rawhttp.Connection(lan.client, Lan.SERVER, timeout=60, receive_buffer=4096) as c:
            head = c.ask(f"/extra/{name}", *field).head()
            gate.wait()
            try:
                got = c.body(int(head["content-length"]))
                self.whole.append(got == (old[part[0]:part[1]] if part else old))
            except rawhttp.Closed:
                self.errors += 1

    def clients(self, *about):
        return ([lambda: self.tftp(*about)] * 5 +
                [lambda: self.tftp(*about, blksize=1400, windowsize=4)] * 15 +
                [lambda: self.tftp(*about, blksize=1468, windowsize=64)] * 20 +
                [lambda: self.tftp(*about, mode="netascii", blksize=1400, windowsize=16)] * 10 +
                [lambda: self.http(*about)] * 30 +
                [lambda: self.http(*about, part=RANGE)] * 20)


@pytest.fixture(scope="module")
def scene():
    """A server, and a file a test: those to be kept in memory must be two seconds old."""
    lan, site = Lan(), Site()
    for how in HOWS:
        for kept in ("kept", "open"):
            site.write(f"extra/{how}-{kept}.bin", noise(SIZE, seed=len(how)))
    time.sleep(3.5)
    site.write("extra/x", b"x")
    process = pixie.Pixie(lan.server, *site.options(), "-v", "DEBUG")
    for _ in range(50):  # every worker opens what it keeps open
        tftp.get(lan.client, Lan.SERVER, "x", blksize=1400)
        rawhttp.get(lan.client, Lan.SERVER, "/extra/x")
    yield lan, site, process, process.at_rest(process.descriptors, 2)
    process.stop()
    site.close()
    lan.close()


@pytest.mark.parametrize("kept", ["kept", "open"])
@pytest.mark.parametrize("how", HOWS)
def test_file_that_is(scene, how, kept):
    lan, site, process, idle = scene
    name = f"{how}-{kept}.bin"
    path, old = site.path("extra", name), site.read(f"extra/{name}")
    if kept == "open":  # a file of the future, as one touched just now, is never kept
        later = time.time() + 3600
        os.utime(path, (later, later))
    else:
        rawhttp.get(lan.client, Lan.SERVER, f"/extra/{name}", method="HEAD")
    over, gate = Over(), Gate(100)
    clients = over.clients(lan, name, old, gate)
    assert len(clients) == 100
    held = []

    def changer():
        gate.all_here.wait()
        held.append(process.descriptors() - idle)
        change(how, path)
        gate.changed.set()

    together(changer, *clients)
    assert held[0] >= (150 if kept == "open" else 50)
    assert len(over.whole) + over.errors == 100
    assert all(over.whole), f"{over.whole.count(False)} got wrong bytes as if they were whole"
    if kept == "kept" or how in BY_NAME:
        assert over.errors == 0
    else:
        assert over.errors == 100, over.whole
        process.logged("tftp-failed", name, level="WARNING")
        process.logged(f"/extra/{name}", "changed", level="WARNING")
    if os.path.exists(path):  # and the next one gets the file as it is now
        now = tftp.get(lan.client, Lan.SERVER, name, blksize=1468, windowsize=32)
        assert now == site.read(f"extra/{name}")
        assert rawhttp.get(lan.client, Lan.SERVER, f"/extra/{name}").body == now
    assert process.descriptors_left(idle) <= idle
