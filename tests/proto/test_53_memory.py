"""Files and the page cache: what all ask for is read once, what is huge arrives whole.

bench/memory.py measures what stays in memory meanwhile.
"""
import contextlib
import json
import os
import pathlib
import time

import pytest

from lib import pixie, rawhttp
from lib.fixtures import Site, noise
from lib.netns import Lan, Namespace

MIB = 1 << 20
HERE = "127.0.0.1"


@pytest.fixture
def own_site():
    """On a disk, where ./test gives the tests a folder in memory."""
    folders = Site(dir="/var/tmp")
    yield folders
    folders.close()


def bytes_read(server):
    """By the server, from a device."""
    lines = pathlib.Path(f"/proc/{server.pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("read_bytes:")).split()[1])


def forget(path):
    """The kernel has the file on the device only."""
    with open(path) as f:
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def load(ns, tool, *words):
    out = ns.run(pixie.built(f"bench/{tool}_load"), *map(str, words), timeout=100, check=False)
    said = json.loads(out.stdout)
    assert (said["ok"], said["different"]) == (100, 0), said


@pytest.mark.parametrize("tool", ["tftp", "http"])
def test_a_hundred_machines_cost_one_read(own_site, start, tool):
    size = 8 * MIB  # more than is kept in our memory
    own_site.write("extra/image.bin", noise(size))
    own_site.write("copy", own_site.read("extra/image.bin"))
    ns = Namespace()
    server = start(ns=ns, site=own_site)
    path, copy = own_site.path("extra", "image.bin"), own_site.path("copy")
    forget(path)
    before = bytes_read(server)
    if tool == "tftp":
        load(ns, tool, "--clients", 100, "--window", 16, "--bound", 90, HERE, "image.bin", copy)
    else:
        load(ns, tool, "--connections", 100, "--requests", 100, "--check", "--bound", 90, HERE,
             80, "/extra/image.bin", copy)
    cost = bytes_read(server) - before
    if cost == 0:
        pytest.skip("this file system does not read from a device")
    assert cost < 1.5 * size


@contextlib.contextmanager
def little_memory(mib):
    """A control group; gives what a child calls to be in it."""
    v1, v2 = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")
    group, limit = v2, "memory.max"
    if (v1 / "memory.limit_in_bytes").exists():
        group, limit = v1, "memory.limit_in_bytes"
    group = group / f"pixie-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(mib * MIB))
    except OSError as e:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group with a limit of memory here: {e}")
    yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)


def huge_file(site, mib):
    """Sparse, with something every 64 KiB; compared as it comes."""
    path = site.path("extra", "huge.img")
    with open(path, "wb") as f:
        f.truncate(mib * MIB + 77)
        for at in range(0, mib * MIB, 65_536):
            f.seek(at)
            f.write(b"here %20d" % at)
    return path


class Comparing:
    def __init__(self, path, at=0):
        self.file, self.got = open(path, "rb"), 0
        self.file.seek(at)

    def __call__(self, piece):
        assert piece == self.file.read(len(piece)), f"differs after {self.got} bytes"
        self.got += len(piece)


def test_a_file_larger_than_memory_arrives_whole(own_site):
    """It is copied and not spliced; whole, in ranges, and cut while it is sent."""
    lan = Lan()
    path = huge_file(own_site, 150)
    with little_memory(128) as join:
        server = pixie.Pixie(lan.server, *own_site.options(), before_exec=join)
        for field, first, length in [([], 0, 150 * MIB + 77),
                                     (["Range: bytes=5000000-9000000"], 5_000_000, 4_000_001),
                                     (["Range: bytes=-100000"], 150 * MIB + 77 - 100_000, 100_000)]:
            sink = Comparing(path, first)
            with rawhttp.Connection(lan.client, Lan.SERVER) as c:
                c.get("/extra/huge.img", *field, sink=sink)
            assert sink.got == length
        with rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as c:
            length = int(c.ask("/extra/huge.img").head()["content-length"])
            os.truncate(path, 100 * MIB)
            with pytest.raises(rawhttp.Closed):
                c.body(length, sink=lambda piece: None)
        server.stop()
