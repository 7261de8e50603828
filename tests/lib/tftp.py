"""A TFTP client that does only what the test says, packet by packet.

    talk = Conversation(lan.client, "192.0.2.1")
    talk.rrq("small.bin", blksize=512)
    assert talk.oack() == {"blksize": "512"}
    talk.ack(0)
    assert talk.data(1) == content[:512]

It checks by itself only what holds for every conversation: whole packets, all
from the address that was asked, all from one port. While it waits for a packet it
passes over repeats of earlier ones, as every client must: the server repeats when
the machine is slow. `fetch()` is the other kind, a client that wants its file over
a bad wire.
"""
import collections
import contextlib
import dataclasses
import socket
import struct

RRQ, WRQ, DATA, ACK, ERROR, OACK = 1, 2, 3, 4, 5, 6
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # not in the socket module
NOT_FOUND, ACCESS, BAD_OPERATION, UNKNOWN_TID, BAD_OPTIONS = 1, 2, 4, 5, 8


@dataclasses.dataclass
class Data:
    block: int
    payload: bytes


@dataclasses.dataclass
class Oack:
    options: dict


@dataclasses.dataclass
class Error:
    code: int
    text: str


class Silence(AssertionError):
    """Nothing came."""


class Refused(AssertionError):
    """The server answered with an ERROR that the test had not asked for."""


def text(value):
    return value if isinstance(value, bytes) else str(value).encode()


def request(name, mode="octet", opcode=RRQ, tail=b"", **options):
    """The bytes of a request. Options in the order given; values as text."""
    words = [name, mode]
    for key, value in options.items():
        words += [key, value]
    return struct.pack(">H", opcode) + b"".join(text(w) + b"\0" for w in words) + tail


def ack_packet(block):
    return struct.pack(">HH", ACK, block & 0xFFFF)


def error_packet(code, message=""):
    return struct.pack(">HH", ERROR, code) + text(message) + b"\0"


def parse(raw):
    assert len(raw) >= 4, f"a packet of {len(raw)} bytes: {raw!r}"
    opcode, number = struct.unpack_from(">HH", raw)
    if opcode == DATA:
        return Data(number, raw[4:])
    if opcode == ERROR:
        assert raw.endswith(b"\0") and raw.count(b"\0", 4) == 1, f"malformed ERROR: {raw!r}"
        return Error(number, raw[4:-1].decode())
    assert opcode == OACK, f"a server may not send this: {raw[:64]!r}"
    assert raw.endswith(b"\0"), f"malformed OACK: {raw!r}"
    words = [w.decode() for w in raw[2:-1].split(b"\0")]
    assert len(words) % 2 == 0, f"malformed OACK: {raw!r}"
    names = [w.lower() for w in words[::2]]
    assert len(set(names)) == len(names), f"an option twice: {raw!r}"
    return Oack(dict(zip(names, words[1::2])))


def name_of(packet):
    if isinstance(packet, Data):
        return f"DATA {packet.block}"
    return "OACK" if isinstance(packet, Oack) else f"ERROR {packet.code}"


class Conversation:
    """One client port. `server` is where requests go; the answer fixes the server's port."""

    def __init__(self, ns, server, port=69, timeout=30, source=None, deaf=0):
        self.family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self.server, self.port, self.timeout = server, port, timeout
        self.sock = ns.socket(self.family)
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        if source:
            self.sock.bind(source)
        self.deaf, self.arrived, self.lost = deaf, 0, 0
        if deaf:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.answers_from = server  # another address when the request is broadcast
        self.new_transfer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def new_transfer(self):
        """From the same port of ours: what is heard next may come from another of theirs."""
        self.peer = None  # (address, port) of the transfer, known from its first packet
        self.heard = collections.deque(maxlen=200)
        return self

    # -- we say -----------------------------------------------------------

    def send(self, raw):
        """To the transfer's port; before there is one, to the server's."""
        self.sock.sendto(raw, self.peer[:2] if self.peer else (self.server, self.port))
        return self

    def send_to_start(self, raw):
        """To the port where requests go, whatever transfer runs."""
        self.sock.sendto(raw, (self.server, self.port))
        return self

    def rrq(self, name, mode="octet", tail=b"", **options):
        return self.send_to_start(request(name, mode, tail=tail, **options))

    def ack(self, block):
        return self.send(ack_packet(block))

    def error(self, code, message=""):
        return self.send(error_packet(code, message))

    # -- we hear ----------------------------------------------------------

    def _next(self):
        """The next packet and its sender. After each we are deaf for so many seconds."""
        if not self.deaf:
            return self.sock.recvfrom(65536)
        while True:
            raw, ancillary, _, source = self.sock.recvmsg(65536, 64)
            seconds, nanos = struct.unpack("qq", ancillary[0][2])  # when the kernel had it
            before, self.arrived = self.arrived, seconds * 10**9 + nanos
            if self.arrived - before >= self.deaf * 1e9:
                return raw, source
            self.lost += 1

    def recv_raw(self, timeout=None):
        self.sock.settimeout(self.timeout if timeout is None else timeout)
        try:
            raw, source = self._next()
        except TimeoutError:
            raise Silence(f"the server is silent after {self.sock.gettimeout()} s") from None
        assert source[0] == self.answers_from, f"answer from {source}, asked {self.answers_from}"
        if self.peer is None:
            self.peer = source
        assert source[1] == self.peer[1], f"port changed from {self.peer} to {source}"
        return raw

    def recv(self, timeout=None):
        """The next packet, whatever it is."""
        packet = parse(self.recv_raw(timeout))
        self.heard.append(name_of(packet))
        return packet

    def _wait_for(self, wanted):
        """The packet of that name; before it may come repeats of others heard before."""
        for _ in range(1000):
            before = set(self.heard)
            packet = self.recv()
            if name_of(packet) == wanted:
                return packet
            if isinstance(packet, Error):
                raise Refused(f"error {packet.code}: {packet.text}")
            assert name_of(packet) in before, f"wanted {wanted}, got {packet!r:.200}"
        raise AssertionError(f"wanted {wanted}, got a thousand repeats")

    def data(self, block):
        """The payload of the DATA packet that must come now."""
        return self._wait_for(f"DATA {block & 0xFFFF}").payload

    def oack(self):
        return self._wait_for("OACK").options

    def refused(self, code):
        """The text of the ERROR that must come now."""
        return self._wait_for(f"ERROR {code}").text

    def quiet(self, seconds):
        """Nothing may come for so long (the one place where a test waits).

        But for one repeat: the server may have sent it before it read our last word. A
        server that goes on repeating sends the next within a second and a half.
        """
        repeats = 0
        with contextlib.suppress(Silence):
            while True:
                packet = parse(self.recv_raw(seconds))
                assert name_of(packet) in self.heard and not repeats, (
                    f"wanted silence, got {packet!r:.200}")
                repeats, seconds = 1, max(seconds, 1.5)
        return self

    def drain(self, seconds=0.2):
        """Everything that comes until it has been quiet for so long."""
        packets = []
        with contextlib.suppress(Silence):
            while len(packets) < 10000:
                packets.append(self.recv(seconds))
        return packets

    def rest(self, block=1, blksize=512):
        """Lockstep from `block` to the end, acknowledging; returns the bytes."""
        got = bytearray()
        while True:
            payload = self.data(block)
            got += payload
            self.ack(block)
            if len(payload) < blksize:
                return bytes(got)
            block += 1


@dataclasses.dataclass
class Fetched:
    size: int
    options: dict
    packets: int = 0
    retries: int = 0
    lost: int = 0  # packets that came while we were deaf
    content: bytes = b""


def fetch(ns, server, name, port=69, sink=None, timeout=1.0, tries=40, mode="octet",
          source=None, deaf=0, **options):
    """Gets a whole file as a patient client (RFC 1350, 7440) would.

    sink(offset, payload) sees the bytes in order; without one they are returned.
    """
    kept = bytearray()
    if sink is None:
        def sink(_, payload):
            kept.extend(payload)

    done = Fetched(0, {})
    with Conversation(ns, server, port, source=source, deaf=deaf) as talk:
        question = request(name, mode, **options)
        last, size, window, silent = 0, 512, 1, 0
        fresh, gap = 0, False  # blocks since our last ACK; whether it told of a hole

        def repeat():
            if done.packets == 0:
                talk.send_to_start(question)
            else:
                talk.ack(last)

        repeat()
        while True:
            try:
                packet = talk.recv(timeout)
                done.packets += 1
                silent = 0
            except Silence:
                silent, fresh, gap = silent + 1, 0, False
                done.retries += 1
                if silent > tries:
                    raise
                repeat()
                continue
            if isinstance(packet, Error):
                raise Refused(f"error {packet.code}: {packet.text}")
            if isinstance(packet, Oack):
                if done.size == 0 and last == 0:
                    done.options = packet.options
                    size = int(packet.options.get("blksize", 512))
                    window = int(packet.options.get("windowsize", 1))
                    talk.ack(0)
                continue
            ahead = (packet.block - last) & 0xFFFF
            if ahead == 1:
                assert len(packet.payload) <= size, "a block longer than agreed"
                sink(done.size, packet.payload)
                done.size += len(packet.payload)
                last, fresh, gap = packet.block, fresh + 1, False
                if len(packet.payload) < size:
                    talk.ack(last)
                    break
                if fresh >= window:
                    talk.ack(last)
                    fresh = 0
            elif 1 < ahead < 0x8000:  # a hole: say once where it begins
                if not gap:
                    talk.ack(last)
                    fresh, gap = 0, True
            elif ahead == 0 and done.size > 0 and fresh == 0:  # our ACK was lost
                talk.ack(last)
        done.lost = talk.lost
    done.content = bytes(kept)
    return done


def get(ns, server, name, **kw):
    """The bytes of a file, fetched plainly."""
    return fetch(ns, server, name, **kw).content
