"""proxyDHCP: what each kind of client is answered, and who is not answered.

The client's interface has no address, as a machine's that has just been switched on.
"""
import itertools
import struct
import time

import pytest

from lib import dhcp, netns, pixie
from lib.dhcp import Client, dissect, option, pxe, request, vector, with_mac
from lib.fixtures import Site

from test_81_api import wait_for

US = "192.0.2.1"
URL = f"http://{US}:80"
MACS = (f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}" for n in itertools.count(1))
PI = "dc:a6:32:01:02:03"


@pytest.fixture(scope="module")
def scene():
    server, client = netns.Namespace(), netns.Namespace()
    netns.veth(server, "eth0", client, "eth0")
    server.address("eth0", f"{US}/24")
    yield server, client
    server.close()
    client.close()


@pytest.fixture(scope="module")
def proxy(scene):
    site = Site()
    process = pixie.Pixie(scene[0], *site.options(), "--proxy-dhcp", "-v", "DEBUG")
    yield process
    process.stop()
    site.close()


@pytest.fixture
def client(scene, proxy):
    with Client(scene[1]) as c:
        yield c


def assert_hygiene(reply, packet):
    """What holds for every reply, whatever is in it."""
    assert reply.op == 2 and reply.yiaddr == "0.0.0.0" and reply.siaddr == US
    assert reply.server_id == US and reply.peer == (US, 67)
    assert 300 <= len(reply.raw) <= 548
    assert reply.chaddr == packet[28:44] and reply.xid == struct.unpack("!I", packet[4:8])[0]
    name = reply.options.get(67, b"").decode()
    assert name == reply.file
    if name:  # EDK2 writes a NUL behind the name: there is a PAD for it
        assert reply.raw[reply.raw.rindex(name.encode()) + len(name)] == 0


@pytest.mark.parametrize("name,word,file,control", [
    ("edk2-x64-discover", "PXEClient", "snponly64.efi", None),
    ("edk2-arm64-discover", "PXEClient", "snponly-arm64.efi", None),
    ("edk2-x64-http-discover", "HTTPClient", f"{URL}/snponly64.efi", None),
    ("ipxe-bios-discover", "PXEClient", f"{URL}/chain.ipxe", 8),
    ("ipxe-x64-discover", "PXEClient", f"{URL}/chain.ipxe", 8),
    ("ipxe-arm64-discover", "PXEClient", f"{URL}/chain.ipxe", 8),
    ("ipxe2-x64-discover", "PXEClient", f"{URL}/chain.ipxe", 8),
])
def test_captured_client(client, name, word, file, control):
    packet = with_mac(vector(name), next(MACS))
    reply = client.ask(packet)
    assert_hygiene(reply, packet)
    assert (reply.type, reply.options[60].decode(), reply.file, reply.control) == \
        (dhcp.OFFER, word, file, control)
    assert reply.options[97] == bytes(17)


@pytest.mark.parametrize("arch,word,file,control", [
    (0, "PXEClient", "undionly.kpxe", 8),
    (7, "PXEClient", "snponly64.efi", None),
    (9, "PXEClient", "snponly64.efi", None),
    (11, "PXEClient", "snponly-arm64.efi", None),
    (27, "PXEClient", "ipxe-riscv64.efi", None),
    (39, "PXEClient", "ipxe-loong64.efi", None),
    (16, "HTTPClient", f"{URL}/snponly64.efi", None),
    (17, "HTTPClient", f"{URL}/snponly64.efi", None),
    (19, "HTTPClient", f"{URL}/snponly-arm64.efi", None),
    (28, "HTTPClient", f"{URL}/ipxe-riscv64.efi", None),
    (40, "HTTPClient", f"{URL}/ipxe-loong64.efi", None),
    (41, "PXEClient", "", 3),
])
def test_architecture(client, arch, word, file, control):
    packet = request(dhcp.DISCOVER, next(MACS), *pxe(arch, word))
    reply = client.ask(packet)
    assert_hygiene(reply, packet)
    assert (reply.options[60].decode(), reply.file, reply.control) == (word, file, control)


def test_raspberry_pi(client):
    """Its boot ROM calls itself a BIOS PC and looks for its own words in option 43."""
    packet = request(dhcp.DISCOVER, PI, (60, "PXEClient:Arch:00000:UNDI:002001"), (93, b"\0\0"))
    reply = client.ask(packet)
    assert_hygiene(reply, packet)
    assert reply.options[43] == bytes.fromhex("0601030a04005058450914000011") + \
        b"Raspberry Pi Boot\xff"
    assert reply.file == ""


def test_uboot_reads_the_header_only(client):
    packet = request(dhcp.DISCOVER, next(MACS), (60, "U-Boot.armv8"), (93, b"\0\x16"))
    reply = client.ask(packet)
    assert_hygiene(reply, packet)
    assert (reply.file, reply.options[60], reply.control) == \
        ("snponly-arm64.efi", b"U-Boot.armv8", None)


def test_vendors_own_class_comes_back(client):
    reply = client.ask(request(dhcp.DISCOVER, next(MACS), (60, "HW-Client:Arch:00007"), (93, b"\0\7")))
    assert (reply.file, reply.options[60]) == ("snponly64.efi", b"HW-Client")


def test_uefi_with_its_guid_as_hardware_address(client):
    """EDK2 can be built to send the SMBIOS GUID in chaddr, 16 bytes long."""
    reply = client.ask(request(dhcp.DISCOVER, "00112233445566778899aabbccddeeff", *pxe(7), hlen=16))
    assert reply.file == "snponly64.efi"
    assert reply.chaddr.hex() == "00112233445566778899aabbccddeeff"


def test_port_4011(scene, proxy):
    """EDK2 asks again, from 4011 to 4011, once it has an address."""
    with Client(scene[1]) as broadcast:
        broadcast.ask(with_mac(vector("edk2-x64-discover"), "02:00:00:00:40:11"))
    scene[1].address("eth0", "192.0.2.202/24")
    try:
        with Client(scene[1], port=4011) as c:
            packet = with_mac(vector("edk2-x64-request-4011"), "02:00:00:00:40:11")
            packet = packet[:12] + bytes([192, 0, 2, 202]) + packet[16:]
            reply = c.ask(packet, US, 4011)
        assert (reply.type, reply.file, reply.siaddr) == (dhcp.ACK, "snponly64.efi", US)
        assert reply.peer == (US, 4011) and reply.ciaddr == "192.0.2.202"
        assert reply.control is None
        with Client(scene[1], port=68) as c:  # iPXE and BIOS ROMs ask from port 68
            reply = c.ask(request(dhcp.REQUEST, "02:00:00:00:40:12", *pxe(0), ciaddr="192.0.2.202",
                                  ), US, 4011)
            assert (reply.type, reply.file, reply.peer) == (dhcp.ACK, "undionly.kpxe", (US, 4011))
            item = option(43, bytes([71, 4, 0x80, 0, 0, 0, 255]))
            reply = c.ask(request(dhcp.REQUEST, "02:00:00:00:40:12", *pxe(0), item,
                                  ciaddr="192.0.2.202"), US, 4011)
            assert reply.options[43] == bytes([71, 4, 0x80, 0, 0, 0, 255])
            c.silence(request(dhcp.DISCOVER, "02:00:00:00:40:12", *pxe(0)), US, 4011)
    finally:
        scene[1].run("ip", "addr", "flush", "dev", "eth0")


@pytest.mark.parametrize("why,packet", [
    ("no network boot", request(dhcp.DISCOVER, next(MACS), (60, "MSFT 5.0"), (55, b"\1\3\6"))),
    ("no network boot", request(dhcp.DISCOVER, next(MACS))),
    ("BOOTP", request(None, next(MACS))),
    ("BOOTP", request(None, next(MACS), size=236)),
    ("a request to another server",
     request(dhcp.REQUEST, next(MACS), *pxe(7), (54, b"\xc0\0\2\xc8"), (50, b"\xc0\0\2\xca"))),
    ("a message that asks for nothing", request(dhcp.RELEASE, next(MACS), *pxe(7))),
    ("a server's reply", b"\2" + request(dhcp.OFFER, next(MACS), *pxe(7))[1:]),
    ("neither a request nor a reply", b"\7" + request(dhcp.DISCOVER, next(MACS), *pxe(7))[1:]),
    ("shorter than a BOOTP header", request(dhcp.DISCOVER, next(MACS), *pxe(7))[:200]),
    ("hardware address longer than its field",
     request(dhcp.DISCOVER, next(MACS), *pxe(7), hlen=255)),
    ("an option runs over the end",
     request(dhcp.DISCOVER, next(MACS), *pxe(7), b"\x0c\xff", size=0)),
    ("option 53 is no message type", request(77, next(MACS), *pxe(7))),
    ("option 52 is none of 1, 2, 3", request(dhcp.DISCOVER, next(MACS), *pxe(7), (52, b"\x09"))),
    ("longer than any client's request", request(dhcp.DISCOVER, next(MACS), *pxe(7), size=1472)
     + bytes(200)),
])
def test_silence_has_a_reason(client, proxy, why, packet):
    def drops():
        return [e.values["why"] for e in proxy.events() if e.event == "drop"]

    before = len(drops())
    client.silence(packet)
    wait_for(lambda: any(why in said for said in drops()[before:]))


@pytest.mark.parametrize("arch,words", [
    (6, "snponly32.efi is an empty slot"), (10, "snponly-arm32.efi is an empty slot"),
    (15, "snponly32.efi is an empty slot"), (25, "no ROM for this architecture")])
def test_empty_slot_says_how_it_is_filled(client, proxy, arch, words):
    mac = next(MACS)
    client.silence(request(dhcp.DISCOVER, mac, *pxe(arch, "HTTPClient" if arch == 15 else "PXEClient")))
    event = proxy.logged(mac.replace(":", "-"), "dhcp-silent", level="WARNING")
    assert words in event.line
    assert arch == 25 or "--roms" in event.line


def test_echoes(client):
    """Client identifier (RFC 6842), GUID (PXE 2.1), relay's option last (RFC 3046)."""
    guid = bytes(range(17))
    relay = bytes.fromhex("0104deadbeef0203616263")
    reply = client.ask(request(dhcp.DISCOVER, next(MACS), (60, "PXEClient"), (93, b"\0\7"), (82, relay),
                               (97, guid), (61, b"\1\2\3\4")))
    assert (reply.options[61], reply.options[97], reply.options[82]) == (b"\1\2\3\4", guid, relay)
    assert reply.order[0] == 53 and reply.order[-1] == 82


def test_long_options_in_pieces_and_overloaded_fields(client):
    """RFC 3396 and option 52: the class lies in the file field, in two pieces."""
    packet = bytearray(request(dhcp.DISCOVER, next(MACS), (52, b"\1")))
    hidden = option(60, "PXEClient:Arch:") + option(93, b"\0\7") + option(60, "00007:UNDI") + b"\xff"
    packet[108:108 + len(hidden)] = hidden
    assert client.ask(bytes(packet)).file == "snponly64.efi"


def test_large_relay_information_is_echoed_whole(client):
    relay = option(1, bytes(range(253))) + option(2, bytes(143))  # tshark joins no pieces
    pieces = option(82, relay[:255]) + option(82, relay[255:])
    packet = request(dhcp.DISCOVER, next(MACS), *pxe(7), pieces)
    reply = client.ask(packet)
    assert reply.options[82] == relay and len(reply.raw) > 548
    assert reply.raw.rstrip(b"\0")[-1] == 255
    # ... and where it cannot be whole there is no reply.
    client.silence(request(dhcp.DISCOVER, next(MACS), (60, "PXEClient"), (93, b"\0\7"), pieces))


def test_all_shapes_of_all_attempts_dissect(client):
    """What a client that never goes on is offered, all round."""
    for arch, mac in ((0, next(MACS)), (7, next(MACS))):
        replies = []
        for _ in range(6):
            packet = request(dhcp.DISCOVER, mac, *pxe(arch))
            client.send(packet)
            replies += client.replies(struct.unpack("!I", packet[4:8])[0])
            time.sleep(0.55)
        dissect(*replies)
        kinds = [r.control for r in replies]
        assert kinds == ([8, 8, None, None, 7, 7] if arch == 0 else [None, None, 8, 8, 7, 7])


def test_each_question_has_one_answer(client):
    for _ in range(50):
        packet = client.send(request(dhcp.DISCOVER, next(MACS), *pxe(7)))
        xid = struct.unpack("!I", packet[4:8])[0]
        assert len(client.replies(xid)) == 1
        assert not client.replies(xid, 0.05)
