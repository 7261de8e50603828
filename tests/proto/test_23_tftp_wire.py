"""A bad cable: loss, doubles, reordering, delay, at three MTUs and several windows.

The file arrives whole or the test fails; the wire's own counts show that it was
bad. Seeds are fixed. Files are small: what is lost costs a time-out.
"""
import itertools

import pytest

from lib import badwire, tftp
from lib.netns import Lan
from lib.fixtures import noise
from lib.together import together

FAULTS = {
    "loss": dict(loss_ab=3, loss_ba=3),
    "duplicates": dict(dup_ab=10, dup_ba=10),
    "reorder": dict(reorder_ab=10, reorder_ba=10),
    "delay": dict(delay_ab=20, delay_ba=20, delay_us=8000),
    "everything": dict(loss_ab=2, loss_ba=2, dup_ab=4, dup_ba=4, reorder_ab=4, reorder_ba=4,
                       delay_ab=4, delay_ba=4),
}
COUNTED = {"loss": ["lost"], "duplicates": ["duplicated"], "reorder": ["reordered"],
           "delay": ["delayed"],
           "everything": ["lost", "duplicated", "reordered", "delayed"]}


def over(wire_lan, address, content, blksize, window):
    got = tftp.fetch(wire_lan.client, address, "file.bin", blksize=blksize, windowsize=window,
                     tsize=0)
    assert got.content == content
    return got


@pytest.mark.parametrize("fault, mtu", itertools.product(FAULTS, [1280, 1500, 9000]))
def test_whole_file_in_spite_of(own_site, start, fault, mtu):
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(80 * (mtu - 60), seed=mtu))
    with badwire.BadWire(lan, mtu=mtu, seed=mtu, **FAULTS[fault]) as wire:
        start(ns=lan.server, site=own_site)
        for address in (Lan.SERVER, Lan.SERVER6):
            for window in (1, 8, 64):
                got = over(lan, address, content, 65464, window)
                assert mtu - 52 <= int(got.options["blksize"]) <= mtu - 32
    for kind in COUNTED[fault]:
        assert wire.total(kind) > 3, wire.counts
    lan.close()


@pytest.mark.parametrize("window", [1, 4, 64])
def test_heavy_loss(own_site, start, window):
    """A fifth of the packets in each direction, EDK2's window and its neighbours."""
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(60_000))
    with badwire.BadWire(lan, seed=window, loss_ab=20, loss_ba=20) as wire:
        start(ns=lan.server, site=own_site)
        over(lan, Lan.SERVER, content, 1468, window)
    assert wire.counts["ab"]["lost"] > 3 and wire.counts["ba"]["lost"] > 0, wire.counts
    lan.close()


def test_the_timer_waits_as_long_as_it_is_told(own_site, start):
    """--tftp-min-timer: silence where 100 ms, the default, would bring two repeats."""
    content, lan = own_site.write("extra/file.bin", noise(60_000)), Lan()
    start("--tftp-min-timer", "2000", ns=lan.server, site=own_site)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("file.bin")
        for n in range(1, 11):  # a round trip of microseconds is known well by then
            talk.data(n)
            talk.ack(n)
        talk.data(11)
        talk.quiet(0.5)
        assert talk.data(11) == content[5120:5632]
    lan.close()


def test_a_clean_wire_needs_no_repeats(own_site, start):
    """The control: the same wire without faults, and a timer that no busy machine outlasts."""
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(1468 * 100))
    with badwire.BadWire(lan) as wire:
        start("--tftp-min-timer", "2000", ns=lan.server, site=own_site)
        got = over(lan, Lan.SERVER, content, 1468, 4)
    assert wire.total("lost") == wire.total("duplicated") == wire.total("reordered") == 0
    assert 1 + 101 <= wire.counts["ab"]["seen"] <= 120 and got.packets <= 120


def test_duplicated_acks_do_not_multiply(own_site, start):
    """Every ACK arrives twice and every DATA twice: the traffic must not explode."""
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(512 * 400))
    with badwire.BadWire(lan, dup_ab=100, dup_ba=100) as wire:
        start(ns=lan.server, site=own_site)
        assert tftp.get(lan.client, Lan.SERVER, "file.bin") == content
    assert wire.counts["ab"]["duplicated"] >= 400
    assert wire.counts["ab"]["seen"] < 1.5 * 401, wire.counts


def test_ten_clients_share_a_bad_wire(own_site, start):
    lan = Lan(cable=False)
    content = own_site.write("extra/file.bin", noise(100_000))
    with badwire.BadWire(lan, seed=5, **FAULTS["everything"]) as wire:
        start(ns=lan.server, site=own_site)
        together(*[lambda: over(lan, Lan.SERVER, content, 1400, 4)] * 10)
    assert wire.total("lost") > 10
