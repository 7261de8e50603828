"""A DHCP client that sends what a test tells it to, and a second opinion on the answers."""
import contextlib
import os
import random
import select
import socket
import struct
import subprocess
import tempfile
import time

from . import pixie

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
COOKIE = b"\x63\x82\x53\x63"
VECTORS = os.path.join(pixie.ROOT, "tests", "vectors")
BROADCAST = "255.255.255.255"


def vector(name):
    """A captured packet, from tests/vectors."""
    with open(os.path.join(VECTORS, name + ".hex")) as f:
        return bytes.fromhex("".join(f.read().split()))


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", "").replace("-", ""))


def option(code, value):
    value = value.encode() if isinstance(value, str) else value
    return bytes([code, len(value)]) + value


def request(kind, mac, *options, xid=None, flags=0, ciaddr="0.0.0.0", giaddr="0.0.0.0", secs=0,
            hops=0, hlen=6, size=300):
    """A packet. `kind` None: BOOTP without any option. Options: bytes or (code, value)."""
    head = struct.pack("!BBBBIHH4s4s4s4s16s192x", 1, 1, hlen, hops,
                       random.getrandbits(32) if xid is None else xid, secs, flags,
                       socket.inet_aton(ciaddr), bytes(4), bytes(4), socket.inet_aton(giaddr),
                       mac_bytes(mac))
    body = b""
    if kind is not None:
        body = COOKIE + option(53, bytes([kind])) + b"".join(
            o if isinstance(o, bytes) else option(*o) for o in options) + b"\xff"
    return (head + body).ljust(size, b"\0")


def pxe(arch, word="PXEClient"):
    """The options by which firmware of this architecture makes itself known."""
    return (60, f"{word}:Arch:{arch:05}:UNDI:003016"), (93, struct.pack("!H", arch)), \
        (94, b"\1\3\x10"), (97, bytes(17)), (57, struct.pack("!H", 1472))


def with_mac(packet, mac, xid=None):
    """The same packet from another machine."""
    packet = bytearray(packet)
    packet[28:34] = mac_bytes(mac)
    if xid is not None:
        packet[4:8] = struct.pack("!I", xid)
    return bytes(packet)


class Reply:
    def __init__(self, raw, peer):
        self.raw, self.peer = raw, peer
        (self.op, _, _, self.hops, self.xid, self.secs, self.flags, ci, yi, si, gi,
         self.chaddr, _, name) = struct.unpack("!BBBBIHH4s4s4s4s16s64s128s", raw[:236])
        self.ciaddr, self.yiaddr, self.siaddr, self.giaddr = map(socket.inet_ntoa, (ci, yi, si, gi))
        self.file = name.split(b"\0")[0].decode()
        self.order, self.options = [], {}
        assert raw[236:240] == COOKIE
        at = 240
        while raw[at] != 255:
            if raw[at] == 0:
                at += 1
                continue
            code, length = raw[at], raw[at + 1]
            self.order.append(code)
            self.options[code] = self.options.get(code, b"") + raw[at + 2:at + 2 + length]
            at += 2 + length

    @property
    def type(self):
        return self.options[53][0]

    @property
    def server_id(self):
        return socket.inet_ntoa(self.options[54])

    @property
    def control(self):
        """The discovery control of option 43, None without."""
        v = self.options.get(43, b"")
        return v[2] if v[:2] == b"\6\1" else None


class Client:
    """One port of a machine's, on an interface that may have no address."""

    def __init__(self, ns, interface="eth0", port=68):
        self.sock = ns.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        self.sock.bind(("", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, packet, to=BROADCAST, port=67):
        self.sock.sendto(packet, (to, port))
        return packet

    def replies(self, xid, seconds=15, enough=1):
        """What comes for this transaction: `enough` of them, or as long as it lasts."""
        found, deadline = [], time.monotonic() + seconds
        while len(found) < enough:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                break
            raw, peer = self.sock.recvfrom(4096)
            if len(raw) >= 240 and raw[0] == 2 and raw[4:8] == struct.pack("!I", xid):
                found.append(Reply(raw, peer))
        return found

    def ask(self, packet, to=BROADCAST, port=67, seconds=15):
        """Sends and returns the one reply, checked by tshark too."""
        self.send(packet, to, port)
        found = self.replies(struct.unpack("!I", packet[4:8])[0], seconds)
        assert found, "no reply"
        dissect(found[0])
        return found[0]

    def silence(self, packet, to=BROADCAST, port=67, seconds=0.4):
        self.send(packet, to, port)
        found = self.replies(struct.unpack("!I", packet[4:8])[0], seconds)
        assert not found, f"a reply: {found[0].raw.hex()}"


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _frame(reply):
    """The reply as the IP packet it came in."""
    source, port = reply.peer
    udp = struct.pack("!HHHH", port, 68, 8 + len(reply.raw), 0) + reply.raw
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(BROADCAST))
    return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + udp


def dissect(*replies):
    """tshark finds nothing malformed and nothing to remark in these replies."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for reply in replies:
            frame = _frame(reply)
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
        f.flush()
        done = subprocess.run(
            ["tshark", "-n", "-r", f.name, "-T", "fields", "-E", "separator=|", "-e", "dhcp.type",
             "-e", "_ws.malformed", "-e", "_ws.expert.message"],
            capture_output=True, text=True, timeout=60, check=True,
            env=dict(os.environ, HOME=tempfile.gettempdir()))
    assert done.stdout.splitlines() == ["2||"] * len(replies), done.stdout


@contextlib.contextmanager
def running(ns, argv, folder, ready, seconds=60, **kw):
    """Somebody else's daemon in a namespace, until the block ends; its log in a file."""
    path = os.path.join(folder, os.path.basename(argv[0]) + ".log")
    with open(path, "w") as log:
        process = ns.popen(argv, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           cwd=folder, **kw)
    try:
        deadline = time.monotonic() + seconds
        while ready not in open(path, errors="replace").read():
            assert process.poll() is None and time.monotonic() < deadline, open(path).read()
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
