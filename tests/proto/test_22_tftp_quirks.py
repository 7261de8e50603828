"""What real clients do, one test each, named after the client (doc: field notes).

Every conversation is the one the firmware leads, in its own order of options.
"""
import socket

import pytest

from lib import tftp
from lib.netns import Lan
from lib.fixtures import MAC


@pytest.fixture
def talk(lan, server):
    with tftp.Conversation(lan.client, Lan.SERVER) as conversation:
        yield conversation


# -- EDK2 (UEFI firmware of QEMU, and of most boards) ----------------------------------

def test_edk2_probes_the_size_then_fetches(lan, server):
    """RRQ with tsize, ERROR 8 on the OACK, a new RRQ without tsize from a new port."""
    with tftp.Conversation(lan.client, Lan.SERVER) as probe:
        probe.rrq("snponly.efi", tsize=0, blksize=1468, windowsize=4)
        granted = probe.oack()
        assert granted["blksize"] == "1468" and granted["windowsize"] == "4"
        probe.error(8, "User aborted the transfer").quiet(1.2)
        probe.new_transfer().rrq("after-edk2").refused(tftp.NOT_FOUND)
    got = tftp.fetch(lan.client, Lan.SERVER, "snponly.efi", blksize=1468, windowsize=4)
    assert got.options == {"blksize": "1468", "windowsize": "4"}
    assert got.size == int(granted["tsize"])
    server.logged("after-edk2")
    noisy = [e for e in server.events() if "aborted" in e.line and e.level != "DEBUG"]
    assert noisy == []


def test_edk2_accepts_no_option_it_did_not_ask_for_and_no_greater_value(talk):
    granted = talk.rrq("snponly.efi", tsize=0, blksize=1468, windowsize=4).oack()
    assert set(granted) == {"tsize", "blksize", "windowsize"}
    assert int(granted["blksize"]) <= 1468 and int(granted["windowsize"]) <= 4


def test_edk2_checks_that_timeout_is_what_it_asked(talk):
    assert talk.rrq("snponly.efi", timeout=4, blksize=512).oack()["timeout"] == "4"


def test_edk2_asks_blksize_1228_over_ipv6(lan, server):
    got = tftp.fetch(lan.client, Lan.SERVER6, "snponly.efi", blksize=1228, windowsize=4)
    assert got.options == {"blksize": "1228", "windowsize": "4"}


def test_edk2_repeats_the_last_good_ack_on_a_gap(talk, site):
    """Block 2 of 1…4 was lost: it ACKs 1 once and waits for 2, 3, 4, 5."""
    content = site.read("extra/medium.bin")
    talk.rrq("medium.bin", blksize=1468, windowsize=4).oack()
    talk.ack(0)
    for block in (1, 2, 3, 4):
        talk.data(block)
    talk.ack(1)
    # One block further may also be a client that acknowledges each: the window may
    # slide by one before the server is sure.
    for _ in range(20):
        packet = talk.recv()
        assert packet.block in (1, 2, 3, 4, 5)
        if packet.block == 2:
            break
    assert packet.payload == content[1468:2 * 1468]
    for block in (3, 4, 5):
        assert talk.data(block) == content[(block - 1) * 1468:block * 1468]


def test_edk2_waits_four_seconds_so_our_timer_repairs_the_loss(talk):
    """It repeats nothing by itself for 4 s: the lost window must come again without it."""
    talk.rrq("medium.bin", blksize=1468, windowsize=4).oack()
    talk.ack(0)
    first = [talk.data(block) for block in (1, 2, 3, 4)]
    talk.timeout = 3.9
    assert [talk.data(block) for block in (1, 2, 3, 4)] == first


def test_edk2_ignores_foreign_ports_with_single_port(lan, site, start):
    """Everything from the one port, so that NAT and EDK2 agree who is talking."""
    start("-t", ":1069", "-u", ":1080", "--tftp-single-port")
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("small.bin", blksize=1468, windowsize=4).oack()
        assert talk.peer[1] == 1069
        talk.ack(0)
        assert talk.data(1) + talk.data(2) == site.read("extra/small.bin")


# -- iPXE --------------------------------------------------------------------------

def test_ipxe_asks_blksize_1432_and_tsize_and_offers_multicast(talk, site):
    granted = talk.rrq("medium.bin", blksize=1432, tsize=0, multicast="").oack()
    assert granted == {"blksize": "1432", "tsize": "300000"}
    talk.ack(0)
    assert talk.rest(blksize=1432) == site.read("extra/medium.bin")


def test_ipxe_ends_a_probe_with_error_0(talk, server):
    talk.rrq("chain.ipxe", blksize=1432, tsize=0).oack()
    talk.error(0, "TFTP Aborted").quiet(1.2)
    talk.new_transfer().rrq("after-ipxe").refused(tftp.NOT_FOUND)
    server.logged("after-ipxe")
    assert not [e for e in server.events() if "Aborted" in e.line and e.level != "DEBUG"]


def test_ipxe_asks_for_autoexec_beside_its_rom_and_gets_it(talk):
    granted = talk.rrq("autoexec.ipxe", blksize=1432, tsize=0).oack()
    talk.ack(0)
    script = talk.rest(blksize=1432)
    assert script.startswith(b"#!ipxe\n") and len(script) == int(granted["tsize"])


def test_ipxe_2_0_asks_for_autoexec_in_the_roms_folder_and_takes_error_1(talk):
    """ipxe#1327: any other code than 1 is shown to the user as a failure."""
    talk.rrq("efi/autoexec.ipxe", blksize=1432, tsize=0).refused(tftp.NOT_FOUND)


def test_ipxe_url_with_two_slashes_has_a_leading_slash(talk, site):
    talk.rrq(f"/ipxe/{MAC}.ipxe", blksize=1432, tsize=0).oack()
    talk.ack(0)
    assert talk.rest(blksize=1432) == site.read(f"scripts/{MAC}.ipxe")


def test_ipxe_sends_decoded_spaces(talk, site):
    content = site.write("extra/with space.bin", b"spaced")
    talk.rrq("with space.bin", blksize=1432, tsize=0).oack()
    talk.ack(0)
    assert talk.rest(blksize=1432) == content


# -- boot loaders ------------------------------------------------------------------

def test_shim_asks_blksize_512_for_its_second_stage(talk, site):
    """warewulf#2238: the OACK must say 512 although it is the default."""
    site.write("extra/grubx64.efi", b"second stage")
    assert talk.rrq("grubx64.efi", blksize=512).oack() == {"blksize": "512"}
    talk.ack(0)
    assert talk.rest() == b"second stage"


@pytest.mark.parametrize("name", ["mmx64.efi", "revocations_sbat.efi"])
def test_shim_is_told_that_its_other_files_do_not_exist(talk, name):
    talk.rrq(name, tsize=0, blksize=512).refused(tftp.NOT_FOUND)


def test_pxelinux_needs_tsize(talk, site):
    """python-tx-tftp#3: without a tsize in the OACK it gives up."""
    site.write("extra/pxelinux.cfg/default", b"DEFAULT linux\n")
    granted = talk.rrq("pxelinux.cfg/default", tsize=0, blksize=1408).oack()
    assert granted == {"tsize": "14", "blksize": "1408"}


def test_pxelinux_and_u_boot_repeat_the_previous_ack_to_ask_again(talk):
    """tftpy#41, fx-tftp#10: the same ACK once more is a plea, and is answered soon."""
    talk.rrq("small.bin").data(1)
    talk.ack(1)
    second = talk.data(2)
    talk.ack(1)
    assert talk.data(2) == second
    talk.ack(2).data(3)


def test_u_boot_asks_timeout_and_tsize_and_blksize(talk, site):
    granted = talk.rrq("medium.bin", timeout=5, tsize=0, blksize=1468).oack()
    assert granted == {"timeout": "5", "tsize": "300000", "blksize": "1468"}
    talk.ack(0)
    assert talk.rest(blksize=1468) == site.read("extra/medium.bin")


def test_grub_sends_double_slashes(talk, site):
    talk.rrq("//boot//grub///grub.cfg", blksize=1024, tsize=0).oack()
    talk.ack(0)
    assert talk.rest(blksize=1024) == site.read("extra/boot/grub/grub.cfg")


def test_bootmgr_sends_backslashes_and_the_wrong_case(talk, site):
    """windows-itpro-docs#5121: \\Boot\\BCD on a disk where it is boot/bcd."""
    site.write("extra/win/Boot/bcd", b"hive")
    granted = talk.rrq("\\WIN\\boot\\BCD", tsize=0, blksize=1456, windowsize=4).oack()
    assert granted["tsize"] == "4"
    talk.ack(0)
    assert talk.data(1) == b"hive"


@pytest.mark.parametrize("tail", [b"\xff", b"\xff\xff\xff", b"\r\n", b"\x01", b"\xff\r"])
def test_firmware_that_reads_past_option_67_sends_a_tail(talk, site, tail):
    """netboot.xyz#1198, novaboot#9: the end mark 0xFF of the DHCP options in the name."""
    talk.rrq(b"small.bin" + tail)
    assert talk.rest() == site.read("extra/small.bin")


def test_raspberry_pi_asks_with_its_serial_number_first_then_without(lan, server, site):
    content = site.write("extra/start.elf", b"GPU firmware")
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("1a2b3c4d/start.elf", tsize=0, blksize=1024).refused(tftp.NOT_FOUND)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("start.elf", tsize=0, blksize=1024).oack()
        talk.ack(0)
        assert talk.rest(blksize=1024) == content


def test_raspberry_pi_finds_its_own_folder(talk, site):
    site.write("extra/5e6f7a8b/config.txt", b"arm_64bit=1\n")
    assert talk.rrq("5e6f7a8b/config.txt", tsize=0).oack() == {"tsize": "12"}


def test_openfirmware_of_apple_sends_garbage_after_the_mode(talk, site):
    """OpenBSD's tftpd names it; an odd rest is no option and no reason to refuse."""
    talk.rrq("small.bin", tail=b"\xfejunk")
    assert talk.rest() == site.read("extra/small.bin")


def test_firmware_pads_its_request_with_zeros(talk, site):
    talk.rrq("small.bin", tail=b"\0" * 30)
    assert talk.rest() == site.read("extra/small.bin")


def test_jh7110_u_boot_loses_back_to_back_packets_but_windows_are_only_sent_when_asked(talk):
    talk.rrq("medium.bin", blksize=1468).oack()
    talk.ack(0).data(1)
    for packet in talk.drain(0.02):
        assert packet.block == 1


def test_jh7110_u_boot_gets_no_packets_back_to_back_with_pace(lan, site, start):
    """Deaf for half a millisecond after each packet, and asking for windows all the same.

    rs-tftpd#5: a millisecond between two packets helped. Without --pace this client loses
    nearly all of each window, and takes a round of timers for every block.
    """
    content = site.write("extra/forty.bin", site.read("extra/small.bin") * 10)
    start("-t", ":1100", "-u", ":1200")
    with tftp.Conversation(lan.client, Lan.SERVER, 1100, deaf=0.0005) as talk:
        talk.rrq("forty.bin", windowsize=8).oack()
        talk.ack(0).data(1)
        talk.drain(0.05)
        assert talk.lost >= 4
    start("-t", ":1101", "-u", ":1201", "--pace", "2M")
    got = tftp.fetch(lan.client, Lan.SERVER, "forty.bin", port=1101, deaf=0.0005, windowsize=8)
    assert got.content == content and got.lost <= 10


def test_two_transfers_of_a_machine_share_its_pace_and_arrive(lan, site, start):
    start("-t", ":1110", "-u", ":1210", "--pace", "4M")
    with tftp.Conversation(lan.client, Lan.SERVER, 1110) as a, \
            tftp.Conversation(lan.client, Lan.SERVER, 1110) as b:
        for talk in (a, b):
            talk.rrq("medium.bin", blksize=1428, windowsize=16).oack()
            talk.ack(0)
        for talk in (a, b):
            got = [talk.data(n) for n in range(1, 17)]
            assert b"".join(got) == site.read("extra/medium.bin")[:16 * 1428]


def test_client_whose_last_ack_never_comes_counts_as_served(lan, server, site):
    """dnsmasq's tftp.c: many boot ROMs jump into the image without the last ACK."""
    site.write("extra/jump.bin", b"jump" * 200)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("jump.bin").data(1)
        talk.ack(1).data(2)
    server.logged("tftp-sent", "jump.bin", level="INFO", timeout=60)


@pytest.mark.timeout(60)
def test_client_that_broadcasts_its_request(lan, server, site):
    """pin/tftp#89: RRQ to 255.255.255.255, answered from the interface's own address."""
    with tftp.Conversation(lan.client, "255.255.255.255") as talk:
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        talk.answers_from = Lan.SERVER
        talk.rrq("small.bin")
        assert talk.rest() == site.read("extra/small.bin")


def test_bmc_with_one_fixed_source_port_fetches_file_after_file(lan, server, site):
    for name in ("small.bin", "one.bin", "small.bin", "medium.bin"):
        got = tftp.fetch(lan.client, Lan.SERVER, name, source=("", 2070), blksize=1024)
        assert got.content == site.read(f"extra/{name}")
        assert got.retries == 0


def test_client_restarts_from_the_same_port_with_another_name(lan, server, site):
    """A machine reset in mid-transfer asks anew from the same port: it gets the new file."""
    with tftp.Conversation(lan.client, Lan.SERVER, source=("", 2071)) as talk:
        talk.rrq("medium.bin").data(1)
        small = site.read("extra/small.bin")[:512]
        talk.rrq("small.bin")
        # Before it may come repeats of the other's block, from another port.
        assert any(talk.new_transfer().recv().payload == small for _ in range(20))


def test_host_that_forgot_its_socket_answers_with_icmp(lan, server, site):
    """Port unreachable for one client must not disturb the next."""
    for _ in range(20):
        with tftp.Conversation(lan.client, Lan.SERVER) as talk:
            talk.rrq("medium.bin", windowsize=8).oack()
    assert tftp.get(lan.client, Lan.SERVER, "small.bin") == site.read("extra/small.bin")
