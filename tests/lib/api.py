"""The API, over TCP or the Unix socket, and its stream of events."""
import json
import socket

from . import rawhttp
from .netns import Lan

CHANGED = (200, 202)  # on disk, or not yet: one may take its time


class Control(rawhttp.Connection):
    """A connection by the Unix socket."""

    def __init__(self, path, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.server, self.port, self.buffer = path, 0, b""


class Api:
    """ask() gives (status, JSON); each answer that is JSON is held against `description`."""

    def __init__(self, lan, control=None, token=None, description=None, port=80):
        self.lan, self.control, self.token = lan, control, token
        self.description, self.port = description, port

    def connect(self, **kw):
        if self.control:
            return Control(self.control)
        return rawhttp.Connection(self.lan.client, Lan.SERVER, self.port, **kw)

    def raw(self, method, path, *fields, body=None, host=None, kind="application/json"):
        fields = list(fields)
        if self.token:
            fields.append(f"Authorization: Bearer {self.token}")
        if body is not None:
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
            body = body if isinstance(body, bytes) else body.encode()
            fields += [f"Content-Length: {len(body)}"]
            fields += [f"Content-Type: {kind}"] if kind else []
        with self.connect() as c:
            c.ask(path, *fields, method=method, host=host or Lan.SERVER)
            if body:
                c.send(body)
            return c.answer(method)

    def ask(self, method, path, *fields, **kw):
        answer = self.raw(method, path, *fields, **kw)
        assert answer["content-type"] == "application/json", answer
        assert answer["cache-control"] == "no-store"
        value = json.loads(answer.body)
        if self.description:
            self.description.check(method, path, answer.status, value)
        return answer.status, value

    def get(self, path, status=200, **kw):
        found, value = self.ask("GET", path, **kw)
        assert found == status, value
        return value

    def set(self, machine, state, **kw):
        return self.ask("PUT", f"/api/v1/machines/{machine}/state", body={"state": state}, **kw)

    def events(self, query="", *fields, **kw):
        return Events(self, query, fields, **kw)


class Events:
    """An open stream; next() gives (id or None, event, data) and skips comments."""

    def __init__(self, api, query, fields, **kw):
        self.description = api.description
        self.connection = api.connect(**kw)
        self.connection.ask("/api/v1/events" + query, *fields, host=Lan.SERVER)
        head = self.connection.head()
        assert head.status == 200, head
        assert head["content-type"] == "text/event-stream"
        assert not head.has("content-length")
        self.comments = 0
        if self.description:
            self.description.check_stream()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def _frame(self):
        while b"\n\n" not in self.connection.buffer:
            self.connection._more()
        frame, self.connection.buffer = self.connection.buffer.split(b"\n\n", 1)
        return frame.decode().split("\n")

    def next(self):
        while True:
            fields = {}
            for line in self._frame():
                name, _, value = line.partition(":")
                self.comments += name == ""
                fields[name] = value.strip()
            if "data" not in fields:
                continue
            data = json.loads(fields["data"])
            if self.description:
                special = {"hello": "Hello", "progress": "Progress", "lost": "Lost"}
                self.description.check_schema(special.get(fields["event"], "Event"), data)
            number = int(fields["id"]) if "id" in fields else None
            assert number is None or (number, fields["event"]) == (data["seq"], data["kind"])
            return number, fields["event"], data

    def until(self, *kinds, limit=2000):
        """The next event of one of these kinds, and what came before it."""
        before = []
        for _ in range(limit):
            number, kind, data = self.next()
            if kind in kinds:
                return data, before
            before.append((kind, data))
        raise AssertionError(f"no {kinds} in {before}")
