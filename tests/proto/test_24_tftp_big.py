"""Files past 4 GiB: offsets of 64 bits, tsize of ten digits, several rollovers.

The file is sparse with marks at the places where 32 bits would go wrong, and every
block is compared with the file itself.
"""
import os

import pytest

from lib import tftp
from lib.netns import Lan, Namespace

GIB = 1 << 30
SIZE = 4 * GIB + 5_000_011
MARKS = [0, 65464 * 65535 - 7, 2 * GIB - 5, 4 * GIB - 9, 4 * GIB, SIZE - 20]


def sparse(site, size):
    path = site.path("extra", "huge.img")
    with open(path, "wb") as f:
        f.truncate(size)
        for mark in MARKS:
            f.seek(mark)
            f.write(b"here %13d" % mark)
    return path


class Comparing:
    """A sink that compares with the file and counts the marks it has passed."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)
        self.zeros = bytes(65536)
        self.marks = 0

    def __call__(self, offset, payload):
        wanted = os.pread(self.fd, len(payload), offset)
        assert payload == wanted, f"differs from the file at {offset}"
        if wanted != self.zeros[:len(wanted)]:
            self.marks += 1


@pytest.mark.timeout(240)
def test_more_than_4_gib_over_loopback(own_site, start):
    ns = Namespace()
    start(ns=ns, site=own_site)
    sink = Comparing(sparse(own_site, SIZE))
    got = tftp.fetch(ns, "127.0.0.1", "huge.img", sink=sink, blksize=65464, tsize=0,
                     windowsize=4)
    assert got.options == {"blksize": "65464", "tsize": str(SIZE), "windowsize": "4"}
    assert got.size == SIZE
    assert got.size // 65464 > 65536  # block numbers rolled over
    assert sink.marks >= len(MARKS) - 1


def test_tsize_of_a_terabyte(lan, own_site, start):
    start(site=own_site)
    with open(own_site.path("extra", "huge.img"), "wb") as f:
        f.truncate(1 << 40)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        assert talk.rrq("huge.img", tsize=0).oack() == {"tsize": str(1 << 40)}
        talk.ack(0)
        assert talk.data(1) == bytes(512)
        talk.error(8, "enough")


def test_several_rollovers(lan, own_site, start):
    """150,000 blocks: the number on the wire passes 0 twice."""
    start(site=own_site)
    path = own_site.path("extra", "huge.img")
    with open(path, "wb") as f:
        for n in range(150_000):
            f.write(b"%08d" % n)
    sink = Comparing(path)
    got = tftp.fetch(lan.client, Lan.SERVER, "huge.img", sink=sink, blksize=8, windowsize=64)
    assert got.size == 8 * 150_000
