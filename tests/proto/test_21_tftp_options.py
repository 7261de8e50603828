"""Options: RFC 2347 (how), 2348 (blksize), 2349 (timeout, tsize), 7440 (windowsize)."""
import pytest

from lib import tftp
from lib.netns import Lan, veth, Namespace

MTU = 1500
BLKSIZE_MAX = {Lan.SERVER: MTU - 32, Lan.SERVER6: MTU - 52}  # IP and UDP and TFTP headers


def oack(lan, name="small.bin", server=Lan.SERVER, **options):
    """What is granted; {} when the server begins with DATA at once."""
    with tftp.Conversation(lan.client, server) as talk:
        packet = talk.rrq(name, **options).recv()
        talk.error(8, "only asking")
        if isinstance(packet, tftp.Data):
            return {}
        assert isinstance(packet, tftp.Oack), packet
        return packet.options


# -- RFC 2347 ---------------------------------------------------------------------

def test_no_options_no_oack(lan, server):
    assert oack(lan) == {}


def test_oack_holds_only_what_was_asked(lan, server):
    assert set(oack(lan, blksize=512)) == {"blksize"}
    assert set(oack(lan, tsize=0)) == {"tsize"}
    assert set(oack(lan, windowsize=4)) == {"windowsize"}
    assert set(oack(lan, timeout=3)) == {"timeout"}
    assert set(oack(lan, tsize=0, blksize=1432)) == {"tsize", "blksize"}


def test_unknown_options_are_left_out(lan, server):
    assert oack(lan, foo="bar", blksize=600, nonsense="", multicast="") == {"blksize": "600"}
    assert oack(lan, foo="bar") == {}


def test_names_in_any_case(lan, server):
    assert oack(lan, BLKSIZE=600, TSize=0, WindowSize=3) == {
        "blksize": "600", "tsize": "2000", "windowsize": "3"}


def test_of_an_option_twice_the_first_is_granted(lan, server):
    """RFC 2347: at most once each. parse() refuses an OACK that holds a name twice."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.send(tftp.request("small.bin", blksize=600) + b"blksize\0" b"700\0")
        assert talk.oack() == {"blksize": "600"}


def test_data_follows_the_acknowledged_oack(lan, server, site):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        assert talk.rrq("small.bin", blksize=700).oack() == {"blksize": "700"}
        talk.ack(0)
        assert talk.rest(blksize=700) == site.read("extra/small.bin")


def test_lost_oack_is_sent_again(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        first = talk.rrq("small.bin", tsize=0).oack()
        assert talk.oack() == first
        talk.ack(0).data(1)


def test_duplicate_rrq_while_the_oack_is_under_way(lan, server, site):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("small.bin", tsize=0).rrq("small.bin", tsize=0)
        talk.oack()
        talk.ack(0)
        while isinstance(packet := talk.recv(), tftp.Oack):
            pass
        assert packet.block == 1 and packet.payload == site.read("extra/small.bin")[:512]


def test_options_on_a_missing_file_are_error_1(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("nowhere.bin", tsize=0, blksize=1432).refused(tftp.NOT_FOUND)


# -- RFC 2348 -----------------------------------------------------------------------

@pytest.mark.parametrize("asked", [8, 9, 511, 512, 1024, 1428, 1432, 1448])
def test_blksize_is_granted_as_asked(lan, server, site, asked):
    got = tftp.fetch(lan.client, Lan.SERVER, "small.bin", blksize=asked)
    assert got.options == {"blksize": str(asked)}
    assert got.content == site.read("extra/small.bin")


@pytest.mark.parametrize("server_address", [Lan.SERVER, Lan.SERVER6])
@pytest.mark.parametrize("asked", [1469, 4096, 16384, 65464])
def test_blksize_is_clamped_to_the_route(lan, server, site, asked, server_address):
    got = tftp.fetch(lan.client, server_address, "medium.bin", blksize=asked)
    assert int(got.options["blksize"]) == BLKSIZE_MAX[server_address]
    assert got.content == site.read("extra/medium.bin")


def test_blksize_1468_of_edk2_is_whole_on_ethernet(lan, server):
    assert oack(lan, blksize=1468) == {"blksize": "1468"}


@pytest.mark.parametrize("mtu", [576, 1280, 1492, 9000])
def test_blksize_follows_the_mtu(site, start, mtu):
    scene = Lan(mtu=max(mtu, 1280))
    if mtu < 1280:  # IPv6 ends there, so only IPv4 is left
        scene.server.run("ip", "link", "set", "eth0", "mtu", str(mtu))
    server = start(ns=scene.server)
    got = tftp.fetch(scene.client, Lan.SERVER, "medium.bin", blksize=65464)
    assert int(got.options["blksize"]) == mtu - 32
    assert got.content == site.read("extra/medium.bin")
    assert server.alive()


def test_blksize_of_loopback_is_the_largest(site, start):
    ns = Namespace()
    start(ns=ns)
    got = tftp.fetch(ns, "127.0.0.1", "medium.bin", blksize=65464)
    assert got.options == {"blksize": "65464"}
    assert got.content == site.read("extra/medium.bin")


@pytest.mark.parametrize("asked", ["0", "7", "65465", "-1", "abc", "", "99999999999999999999",
                                   "1e3", " 512"])
def test_blksize_out_of_range_is_not_granted_as_such(lan, server, asked):
    """RFC 2348: 8 to 65464. Left out, clamped, or refused; never echoed."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        packet = talk.rrq("small.bin", blksize=asked).recv()
        if isinstance(packet, tftp.Oack):
            assert asked == "65465" and 8 <= int(packet.options["blksize"]) <= 1468
        elif isinstance(packet, tftp.Error):
            assert packet.code == tftp.BAD_OPTIONS
        else:
            assert packet.block == 1 and len(packet.payload) == 512


# -- RFC 2349 --------------------------------------------------------------------------

@pytest.mark.parametrize("name, size", [("one.bin", 1), ("small.bin", 2000),
                                        ("medium.bin", 300_000)])
def test_tsize_is_the_size(lan, server, name, size):
    assert oack(lan, name, tsize=0) == {"tsize": str(size)}


def test_tsize_of_an_empty_file_is_left_out_for_curl(lan, server):
    """curl takes a size of 0 for a malformed one and gives up."""
    assert oack(lan, "empty.bin", tsize=0) == {}
    assert oack(lan, "empty.bin", tsize=0, blksize=512) == {"blksize": "512"}


def test_tsize_of_roms_and_scripts(lan, server):
    for name in ("undionly.kpxe", "chain.ipxe"):
        granted = oack(lan, name, tsize=0)["tsize"]
        assert granted == str(len(tftp.get(lan.client, Lan.SERVER, name)))


def test_tsize_in_netascii_is_left_out_or_true(lan, server, site):
    site.write("extra/text.txt", b"\n" * 100)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        packet = talk.rrq("text.txt", mode="netascii", tsize=0).recv()
    if isinstance(packet, tftp.Oack):
        assert packet.options["tsize"] == "200"
    else:
        assert packet.payload == b"\r\n" * 100


@pytest.mark.parametrize("asked", ["1", "3", "255"])
def test_timeout_is_echoed_exactly(lan, server, asked):
    assert oack(lan, timeout=asked) == {"timeout": asked}


@pytest.mark.parametrize("asked", ["0", "256", "-1", "x", ""])
def test_timeout_out_of_range_is_left_out(lan, server, asked):
    granted = {}
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        packet = talk.rrq("small.bin", timeout=asked, tsize=0).recv()
        if isinstance(packet, tftp.Oack):
            granted = packet.options
        else:
            assert isinstance(packet, tftp.Error) and packet.code == tftp.BAD_OPTIONS
    assert "timeout" not in granted


# -- RFC 7440 -----------------------------------------------------------------------------

@pytest.mark.parametrize("asked", [1, 2, 4, 16, 63, 64])
def test_windowsize_is_granted_up_to_64(lan, server, site, asked):
    got = tftp.fetch(lan.client, Lan.SERVER, "medium.bin", windowsize=asked, blksize=1000)
    assert got.options == {"windowsize": str(asked), "blksize": "1000"}
    assert got.content == site.read("extra/medium.bin")
    assert got.retries == 0


def test_windowsize_above_64_is_lowered(lan, server, site):
    got = tftp.fetch(lan.client, Lan.SERVER, "medium.bin", windowsize=65535)
    assert got.options == {"windowsize": "64"}
    assert got.content == site.read("extra/medium.bin")


@pytest.mark.parametrize("asked", ["0", "65536", "-4", "x", ""])
def test_windowsize_out_of_range_is_not_granted(lan, server, asked):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        packet = talk.rrq("small.bin", windowsize=asked).recv()
        if isinstance(packet, tftp.Oack):
            assert asked == "65536" and packet.options["windowsize"] == "64"
        else:
            assert isinstance(packet, (tftp.Data, tftp.Error))


def test_a_window_is_sent_whole_and_no_more(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("medium.bin", windowsize=4).oack()
        talk.ack(0)
        for block in (1, 2, 3, 4):
            talk.data(block)
        repeats = talk.drain(0.05)
        assert {p.block for p in repeats} <= {1, 2, 3, 4}, repeats
        talk.ack(4)
        for block in (5, 6, 7, 8):
            talk.data(block)


def test_the_last_window_is_partial(lan, server, site):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("small.bin", windowsize=3).oack()
        talk.ack(0)
        got = b"".join(talk.data(n) for n in (1, 2, 3))
        talk.ack(3)
        got += talk.data(4)
        assert len(got) == 2000
        talk.ack(4).quiet(0.5)


def test_gap_rewinds_to_the_block_after_the_acknowledged(lan, server, site):
    """RFC 7440 §4: ACK 2 of 1…4 means that 3 was lost: 3, 4, 5, 6 follow, not 3 alone."""
    content = site.read("extra/medium.bin")
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("medium.bin", windowsize=4).oack()
        talk.ack(0)
        for block in (1, 2, 3, 4):
            talk.data(block)
        talk.ack(2)
        for block in (3, 4, 5, 6):
            assert talk.data(block) == content[(block - 1) * 512:block * 512]


def test_gap_at_the_start_of_a_window(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("medium.bin", windowsize=4).oack()
        talk.ack(0)
        for block in (1, 2, 3, 4):
            talk.data(block)
        talk.ack(4)
        for block in (5, 6, 7, 8):
            talk.data(block)
        talk.ack(4)  # none of 5…8 came
        for block in (5, 6, 7, 8):
            talk.data(block)


def test_silence_repeats_the_window_from_its_first_block(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("medium.bin", windowsize=3).oack()
        talk.ack(0)
        for block in (1, 2, 3):
            talk.data(block)
        talk.data(1)


def test_windows_across_the_rollover(lan, server, site):
    content = site.write("extra/long.bin", bytes(range(256)) * 2080)  # 66,560 blocks of 8
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("long.bin", blksize=8, windowsize=48).oack()
        block = 0
        while block < 65520:
            talk.ack(block)
            for _ in range(48):
                block += 1
                assert talk.data(block) == content[(block - 1) * 8:block * 8]
        talk.ack(block)
        for n in range(block + 1, block + 49):
            talk.data(n)  # 65521 … 65535, 0, 1 …
        talk.ack(65540)   # on the wire 4: rewind to a block after the rollover
        for n in range(65541, 65541 + 48):
            assert talk.data(n) == content[(n - 1) * 8:n * 8]


# -- --tftp-refuse ---------------------------------------------------------------------------

def test_refused_options_are_never_granted(lan, site, start):
    """For firmware that asks for blksize and crashes when it is granted (crowbar#1078)."""
    start("-t", ":1069", "-u", ":1080", "--tftp-refuse", "blksize,windowsize")
    got = tftp.fetch(lan.client, Lan.SERVER, "small.bin", port=1069, blksize=1432, windowsize=4,
                     tsize=0)
    assert got.options == {"tsize": "2000"}
    assert got.content == site.read("extra/small.bin")


def test_all_options_refused_means_data_at_once(lan, site, start):
    start("-t", ":1069", "-u", ":1080", "--tftp-refuse", "blksize,tsize,timeout,windowsize")
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("small.bin", blksize=1432, windowsize=4, tsize=0, timeout=2)
        assert talk.rest() == site.read("extra/small.bin")


def test_path_behind_a_narrow_router(site, start):
    """The client's side is narrower than ours, and the router tells so (RFC 1191)."""
    ours, router, theirs = Namespace(), Namespace(), Namespace()
    veth(ours, "eth0", router, "near")
    veth(router, "far", theirs, "eth0", mtu=1000)
    ours.address("eth0", "192.0.2.1/24")
    router.address("near", "192.0.2.254/24")
    router.address("far", "198.51.100.254/24")
    theirs.address("eth0", "198.51.100.7/24")
    router.sysctl("ipv4/ip_forward", 1)
    ours.run("ip", "route", "add", "default", "via", "192.0.2.254")
    theirs.run("ip", "route", "add", "default", "via", "198.51.100.254")
    start(ns=ours)
    got = tftp.fetch(theirs, "192.0.2.1", "medium.bin", blksize=1428)
    assert got.content == site.read("extra/medium.bin")
