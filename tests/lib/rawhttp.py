"""HTTP over a bare socket, so that a test can also send what no library would."""
import contextlib
import dataclasses
import select
import socket
import time


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    fields: list  # [(name in lower case, value)], in order
    body: bytes
    raw_head: bytes = b""

    def __getitem__(self, name):
        """The one value of a field; missing or doubled fails."""
        values = [v for n, v in self.fields if n == name.lower()]
        assert len(values) == 1, f"{name}: {values} in {self.fields}"
        return values[0]

    def has(self, name):
        return any(n == name.lower() for n, _ in self.fields)

    @property
    def text(self):
        return self.body.decode("utf-8", "backslashreplace")


class Closed(AssertionError):
    """The server ended the connection before the whole answer had come."""


class Connection:
    def __init__(self, ns, server, port=80, timeout=60, receive_buffer=None, connect=True,
                 source=None):
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self.sock = ns.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        if source:
            self.sock.bind((source, 0))
        self.server, self.port, self.buffer = server, port, b""
        if connect:
            self.sock.connect((server, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Goes away without a word, as EDK2 does after HTTP Boot."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    # -- we say -----------------------------------------------------------

    def send(self, raw):
        self.sock.sendall(raw if isinstance(raw, bytes) else raw.encode())
        return self

    def ask(self, target, *fields, method="GET", version="HTTP/1.1", host="pixie.test"):
        """Sends a request's head. Fields are whole lines: "Range: bytes=0-1"."""
        lines = [b" ".join(_b(w) for w in (method, target, version))]
        lines += [b"Host: " + _b(host)] if host is not None else []
        lines += [_b(f) for f in fields]
        return self.send(b"\r\n".join(lines) + b"\r\n\r\n")

    # -- we hear ----------------------------------------------------------

    def _more(self):
        try:
            piece = self.sock.recv(1 << 20)
        except ConnectionResetError:
            piece = b""
        except TimeoutError:
            raise AssertionError(f"no answer; so far {self.buffer[:300]!r}") from None
        if not piece:
            raise Closed(f"closed after {self.buffer[:300]!r}")
        self.buffer += piece

    def head(self):
        """Status line and fields of the next answer."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        raw, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = raw.decode("latin-1").split("\r\n")
        version, status, reason = first.split(" ", 2)  # iPXE wants the space after the code
        assert version in ("HTTP/1.1", "HTTP/1.0"), first
        fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip(), f"malformed field {line!r}"
            fields.append((name.lower(), value.strip()))
        return Response(int(status), reason, fields, b"", raw)

    def body(self, length, sink=None):
        if sink is None:
            while len(self.buffer) < length:
                self._more()
            taken, self.buffer = self.buffer[:length], self.buffer[length:]
            return taken
        while length > 0:
            if not self.buffer:
                self._more()
            piece, self.buffer = self.buffer[:length], self.buffer[length:]
            length -= len(piece)
            sink(piece)
        return b""

    def answer(self, method="GET", sink=None):
        response = self.head()
        if method == "HEAD" or response.status in (204, 304):
            return response
        assert not response.has("transfer-encoding"), "iPXE is very slow with chunks"
        response.body = self.body(int(response["content-length"]), sink)
        return response

    def get(self, target, *fields, method="GET", sink=None, **kw):
        return self.ask(target, *fields, method=method, **kw).answer(method, sink)

    def ended(self, timeout=30):
        """Whether the server closes within so long, saying nothing more."""
        if self.buffer:
            return False
        self.sock.settimeout(timeout)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def _b(value):
    return value if isinstance(value, bytes) else value.encode()


def get(ns, server, target, *fields, port=80, **kw):
    """One request on a connection of its own."""
    with Connection(ns, server, port) as c:
        return c.get(target, *fields, **kw)


def wait_all_closed(connections, seconds):
    """Waits until the server has closed them all; returns those still open."""
    still = {c.sock: c for c in connections}
    deadline = time.monotonic() + seconds
    while still and time.monotonic() < deadline:
        for sock in select.select(list(still), [], [], 0.5)[0]:
            with contextlib.suppress(ConnectionResetError):
                if sock.recv(1 << 16):
                    continue
            del still[sock]
    return list(still.values())
