"""RFC 1350: a file in blocks of 512, every one acknowledged, and how it goes wrong."""
import pytest

from lib import tftp
from lib.netns import Lan


@pytest.fixture
def talk(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as conversation:
        yield conversation


def test_a_file_block_by_block(talk, site):
    content = site.read("extra/small.bin")
    talk.rrq("small.bin")
    for block in (1, 2, 3):
        assert talk.data(block) == content[(block - 1) * 512:block * 512]
        talk.ack(block)
    assert talk.data(4) == content[1536:]  # shorter: the last one
    talk.ack(4).quiet(0.3)


def test_answers_come_from_a_port_of_the_transfers_own(talk):
    talk.rrq("small.bin").data(1)
    assert talk.peer[1] != 69


def test_two_transfers_have_two_ends_each(lan, server, site):
    """Same client port, two names one after the other: the second is a new transfer."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("one.bin")
        assert talk.data(1) == b"x"
        talk.ack(1).new_transfer()
        talk.rrq("small.bin")
        assert talk.rest() == site.read("extra/small.bin")


def test_empty_file_is_one_empty_block(talk):
    talk.rrq("empty.bin")
    assert talk.data(1) == b""
    talk.ack(1).quiet(0.3)


def test_file_of_whole_blocks_ends_with_an_empty_block(talk, site):
    talk.rrq("block.bin")
    assert talk.data(1) == site.read("extra/block.bin")
    talk.ack(1)
    assert talk.data(2) == b""
    talk.ack(2).quiet(0.3)


def test_log_line_when_sent(server, talk):
    talk.rrq("small.bin").rest()
    event = server.logged("tftp-sent", "small.bin", level="INFO")
    assert event.values["bytes"] == "2000"


# -- refusals ------------------------------------------------------------------

def test_missing_file_is_error_1_with_its_name(talk, server):
    assert "nowhere.bin" in talk.rrq("nowhere.bin").refused(tftp.NOT_FOUND)
    server.logged("nowhere.bin")


def test_writing_is_error_2(talk, site):
    talk.send(tftp.request("upload.bin", opcode=tftp.WRQ, tsize=5))
    assert talk.refused(tftp.ACCESS)
    with pytest.raises(FileNotFoundError):
        site.read("extra/upload.bin")


def test_directory_is_refused(talk):
    talk.rrq("boot/grub")
    packet = talk.recv()
    assert isinstance(packet, tftp.Error) and packet.code in (tftp.NOT_FOUND, tftp.ACCESS)
    assert packet.text


@pytest.mark.parametrize("mode", ["mail", "nonsense", ""])
def test_other_modes_are_refused(talk, mode):
    talk.rrq("small.bin", mode=mode)
    packet = talk.recv()
    assert isinstance(packet, tftp.Error) and packet.code in (0, tftp.BAD_OPERATION), packet


@pytest.mark.parametrize("code", [0, 3, 4, 8])
def test_client_error_ends_the_transfer_without_complaint(lan, server, code):
    """The normal end of a size probe (EDK2 says 8, iPXE 0): no answer, no warning."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("small.bin", tsize=0).oack()
        talk.error(code, "enough").quiet(1.5)  # also: no resend
        talk.new_transfer().rrq(f"after-{code}").refused(tftp.NOT_FOUND)
    server.logged(f"after-{code}")
    assert not [e for e in server.events() if "enough" in e.line and e.level != "DEBUG"]


def test_error_packets_are_never_answered(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.send(tftp.error_packet(4, "to the request port")).quiet(0.5)


def test_stray_packet_gets_error_5_and_hurts_no_transfer(lan, server, site):
    """RFC 1350 §4: an unknown source port gets error 5; the transfer goes on."""
    with tftp.Conversation(lan.client, Lan.SERVER) as good, \
            tftp.Conversation(lan.client, Lan.SERVER) as stranger:
        good.rrq("small.bin").data(1)
        stranger.peer = good.peer
        stranger.ack(1).refused(tftp.UNKNOWN_TID)
        good.ack(1)
        assert good.rest(2) == site.read("extra/small.bin")[512:]


# -- loss, one packet at a time -----------------------------------------------------

def test_lost_data_is_sent_again(talk, site):
    talk.rrq("small.bin")
    first = talk.data(1)
    assert talk.data(1) == first  # we said nothing, it repeats
    talk.ack(1).data(2)


def test_repeats_do_not_go_on_for_ever(lan, site, start):
    """A client that vanished: the server gives up and forgets the transfer."""
    server = start("-t", ":1069", "-u", ":1080")
    before = server.descriptors()
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("medium.bin")
        server.logged("tftp-failed", "medium.bin", level="WARNING", timeout=100)
        blocks = [p.block for p in talk.drain(0.1) if isinstance(p, tftp.Data)]
        assert set(blocks) == {1} and 2 <= len(blocks) <= 40
        talk.quiet(5)
    assert server.descriptors_left(before) <= before  # it lingers for late packets


def test_lost_ack_makes_one_duplicate_and_it_goes_on(talk, site):
    talk.rrq("small.bin").data(1)
    talk.data(1)  # our ACK "was lost"
    talk.ack(1)
    assert talk.rest(2) == site.read("extra/small.bin")[512:]


def test_lost_last_ack_is_dallied_for(talk):
    talk.rrq("one.bin").data(1)
    assert talk.data(1) == b"x"
    talk.ack(1).quiet(1.0)


def test_duplicate_rrq_is_the_same_transfer(lan, server, site):
    """The client did not see our first answer: same ports, one transfer."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("small.bin")
        first = talk.data(1)
        talk.rrq("small.bin")
        assert talk.data(1) == first  # recv() checks that the server's port is the same
        talk.ack(1)
        talk.data(2)
        for packet in talk.drain(0.1):
            assert packet.block == 2  # its own repeat at most
        talk.ack(2)
        talk.data(3)


def test_duplicate_ack_makes_no_avalanche(talk, site):
    """The Sorcerer's Apprentice (RFC 1123 §4.2.3.1): every ACK twice, not every DATA twice."""
    content = site.read("extra/medium.bin")
    talk.rrq("medium.bin")
    block, packets, got = 1, 0, b""
    while True:
        packet = talk.recv()
        packets += 1
        if packet.block != block:
            continue
        got += packet.payload
        talk.ack(block).ack(block)
        if len(packet.payload) < 512:
            break
        block += 1
    assert got == content
    assert packets < 1.2 * block, f"{packets} packets for {block} blocks"


def test_old_acks_are_ignored(talk):
    talk.rrq("small.bin").data(1)
    talk.ack(1).data(2)
    talk.ack(2).data(3)
    talk.ack(1).ack(0)
    for packet in talk.drain(0.05):
        assert packet.block == 3
    talk.ack(3).data(4)


def test_acks_of_blocks_never_sent_do_not_end_it(talk):
    talk.rrq("small.bin").data(1)
    talk.ack(2).ack(4).ack(65535)
    for packet in talk.drain(0.05):
        assert isinstance(packet, tftp.Data) and packet.block == 1
    talk.ack(1)
    while True:  # repeats of block 1 may be under way
        packet = talk.recv()
        if packet.block == 2:
            break
        assert packet.block == 1


# -- netascii -----------------------------------------------------------------------

@pytest.mark.parametrize("plain, wire", [
    (b"a\nb\n", b"a\r\nb\r\n"),
    (b"a\rb", b"a\r\0b"),
    (b"a\r\nb", b"a\r\0\r\nb"),
    (b"x" * 511 + b"\n", b"x" * 511 + b"\r\n"),      # CR and LF in two blocks
    (b"x" * 511 + b"\r" + b"y" * 600, b"x" * 511 + b"\r\0" + b"y" * 600),
    (b"\n" * 1500, b"\r\n" * 1500),
    (b"", b""),
])
def test_netascii(lan, server, site, plain, wire):
    site.write("extra/text.txt", plain)
    for mode in ("netascii", "NetASCII"):
        with tftp.Conversation(lan.client, Lan.SERVER) as talk:
            assert talk.rrq("text.txt", mode=mode).rest() == wire


def test_netascii_repeats_are_the_same_bytes(lan, server, site):
    site.write("extra/text.txt", b"line\n" * 400)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("text.txt", mode="netascii").data(1)
        talk.ack(1)
        second = talk.data(2)
        assert talk.data(2) == second
        talk.ack(2)
        assert len(talk.rest(3)) == 400 * 6 - 1024


@pytest.mark.parametrize("mode", ["OCTET", "Octet", "oCTEt"])
def test_mode_in_any_case(lan, server, site, mode):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        assert talk.rrq("small.bin", mode=mode).rest() == site.read("extra/small.bin")


# -- rollover ----------------------------------------------------------------------------

def test_block_numbers_roll_over_to_0(lan, server, site):
    content = site.write("extra/long.bin", bytes(range(251)) * ((8 * 65540) // 251 + 1))
    got = tftp.fetch(lan.client, Lan.SERVER, "long.bin", blksize=8, windowsize=64)
    assert got.content == content and got.size // 8 > 65535


def test_block_numbers_roll_over_to_0_in_lockstep(lan, server, site):
    site.write("extra/long.bin", b"12345678" * 65537)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("long.bin", blksize=8).oack()
        talk.ack(0)
        for block in range(1, 65538):
            assert talk.data(block) == b"12345678"
            talk.ack(block)
        assert talk.data(65538) == b""  # on the wire it is 2
        talk.ack(65538)
