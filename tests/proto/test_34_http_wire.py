"""HTTP over a wire that loses, doubles and mixes up packets, at three MTUs.

TCP repairs it; what is tested is that no byte is written twice or left out where writes
are cut short, in whole files, ranges and replies that follow one another.
"""
import random

import pytest

from lib import badwire, rawhttp
from lib.fixtures import noise
from lib.netns import Lan
from lib.together import together

SIZE = 2_000_003
FAULTS = dict(loss_ab=1, loss_ba=1, dup_ab=2, dup_ba=2, reorder_ab=2, reorder_ba=2)
# Copied with the head; sendfile with a head and a checked end; more than one turn.
LENGTHS = [1, 1500, 32 << 10, (32 << 10) + 1, 65_536, 300_000]


def whole(lan, address, content):
    with rawhttp.Connection(lan.client, address, timeout=60) as c:
        assert c.get("/extra/file.bin").body == content


def ranges(lan, address, content):
    """Some from everywhere, one after the other over one connection."""
    some = random.Random(address)
    with rawhttp.Connection(lan.client, address, timeout=60) as c:
        for length in LENGTHS:
            at = some.randrange(SIZE - length)
            got = c.get("/extra/file.bin", f"Range: bytes={at}-{at + length - 1}")
            assert got.status == 206
            assert got.body == content[at:at + length], (at, length)
        assert c.get("/extra/file.bin", "Range: bytes=-70000").body == content[-70_000:]


def pipelined(lan, address, content):
    """Ten requests before the first answer is read."""
    with rawhttp.Connection(lan.client, address, timeout=60) as c:
        starts = range(0, SIZE - 50_000, SIZE // 10)
        for at in starts:
            c.ask("/extra/file.bin", f"Range: bytes={at}-{at + 49_999}")
        for at in starts:
            assert c.answer().body == content[at:at + 50_000], at


@pytest.mark.parametrize("mtu", [1280, 1500, 9000])
def test_bodies_arrive_whole_in_spite_of(own_site, start, mtu):
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(SIZE, seed=mtu))
    with badwire.BadWire(lan, mtu=mtu, seed=mtu, **FAULTS) as wire:
        start(ns=lan.server, site=own_site)
        together(*[lambda k=kind, a=address: k(lan, a, content)
                   for kind in (whole, ranges, pipelined)
                   for address in (Lan.SERVER, Lan.SERVER6)])
    for kind in ("lost", "duplicated", "reordered"):
        assert wire.total(kind) > 10, wire.counts
    lan.close()
