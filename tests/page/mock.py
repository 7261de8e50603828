"""A server that speaks pixie's API as a test wishes, for what a real one does not do at
will: ten thousand machines, streams that break, stores in trouble. The page's files and
its policy are the real ones."""
import contextlib
import http.server
import json
import os
import queue
import re
import threading
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASSETS = os.path.join(TOP, "assets")
TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
         "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def page_fields():
    """The fields that src/http/page.c sends, read from there."""
    with open(os.path.join(TOP, "src", "http", "page.c")) as f:
        text = re.search(r"page_fields\[] =\n(.*?);\n\n", f.read(), re.S)[1]
    lines = "".join(re.findall(r'"(.*)"', text)).split(r"\r\n")
    return [line.split(": ", 1) for line in lines if line]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json", fields=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *fields]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/" or path.startswith("/page/"):
            return self.file("/page/index.html" if path == "/" else path)
        if path == "/api/v1/events":
            return self.stream()
        if self.server.mock.refuse_reads:
            status, words = self.server.mock.refuse_reads
            return self.reply(status, {"error": words})
        answer = self.server.mock.get(path)
        if self.server.mock.held and path.startswith("/api/v1/machines/"):
            answer = json.loads(json.dumps(answer))  # as it was when it was asked for
            self.server.mock.held.pop().wait(20)
        self.reply(*((200, answer) if answer is not None else (404, {"error": f"no {path}"})))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.reply(*self.server.mock.put(path, json.loads(body), self.headers))

    def file(self, path):
        with open(ASSETS + path, "rb") as f:
            self.reply(200, f.read(), TYPES[path.rsplit(".", 1)[1]], page_fields())

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError), self.server.mock.reader(self.headers) as inbox:
            while (piece := inbox.get()) is not None:
                self.wfile.write(piece)
                self.wfile.flush()
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        """A browser that goes away in the middle is no news."""


class Mock:
    TOKEN = "a-token-of-the-mock"

    def __init__(self, ns, port=8080, machines=(), changes="token"):
        self.ns, self.port = ns, port
        self.machines = {m["id"]: m for m in machines}
        self.boots = {}   # id → [B with events]
        self.roms = []
        self.version = {"version": "0.1.0", "api": 1, "started": "2026-11-23T08:00:00.000Z",
                        "uptime": 1, "changes": changes,
                        "store": {"ok": True, "why": "", "path": "/var/lib/pixie/pixie.db"}}
        self.seq, self.ring, self.readers = 0, [], []
        self.resumed = []  # (?after, Last-Event-ID) of each stream
        self.lock = threading.Lock()
        self.refuse = self.refuse_reads = None  # (status, words) for what is asked next
        self.puts = []
        self.held = []  # for each of the next machines asked for, the event to wait for
        self.up()

    # -- its life ---------------------------------------------------------

    def up(self):
        with self.ns.inside():
            self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.mock = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()
        self.hang_up()

    def hang_up(self):
        with self.lock:
            for inbox in self.readers:
                inbox.put(None)
            self.readers.clear()

    def restart(self):
        """Another process: numbers begin anew."""
        self.version["started"] = "2026-11-23T09:00:00.000Z"
        self.seq, self.ring = 0, []
        self.up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    # -- what it is asked -------------------------------------------------

    def get(self, path):
        if path == "/api/v1/version":
            return self.version
        if path == "/api/v1/machines":
            return {"seq": self.seq, "machines": list(self.machines.values())}
        if path == "/api/v1/roms":
            return {"roms": self.roms}
        name = urllib.parse.unquote(path.removeprefix("/api/v1/machines/"))
        if name in self.machines:
            return {**self.machines[name], "boots": self.boots.get(name, []), "lost": 0}
        return None

    def put(self, path, body, headers):
        self.puts.append((path, body, dict(headers)))
        if self.refuse:
            return self.refuse[0], {"error": self.refuse[1]}
        if headers["Authorization"] != f"Bearer {self.TOKEN}":
            return 401, {"error": "this is not the admin token"}
        machine = self.machines[path.split("/")[4]]
        machine.update(state=body["state"], state_by=body.get("by", "api"))
        self.tell(machine["id"], "state", name=body["state"], text=machine["state_by"], boot=0)
        return 200, machine

    @contextlib.contextmanager
    def reader(self, headers):
        inbox = queue.Queue()
        with self.lock:
            after = int(headers["Last-Event-ID"] or 0)
            self.resumed.append(after)
            inbox.put(b'retry: 2000\n\nevent: hello\ndata: {"seq":1}\n\n')
            for seq, piece in self.ring:
                if seq > after:
                    inbox.put(piece)
            self.readers.append(inbox)
        try:
            yield inbox
        finally:
            with self.lock:
                if inbox in self.readers:
                    self.readers.remove(inbox)

    # -- what it tells ----------------------------------------------------

    def _send(self, piece):
        for inbox in self.readers:
            inbox.put(piece)

    def tell(self, ident, kind, **event):
        """One event to every stream, and into the story of its boot."""
        with self.lock:
            self.seq += 1
            event = {"seq": self.seq, "id": ident, "kind": kind, "via": "",
                     "time": "2026-11-23T10:00:00.000Z", **event}
            boots = self.boots.get(ident, [])
            if boots and boots[-1]["number"] == event.get("boot"):
                boots[-1]["events"].append(event)
            piece = f"id: {self.seq}\nevent: {kind}\ndata: {json.dumps(event)}\n\n".encode()
            self.ring.append((self.seq, piece))
            self._send(piece)

    def progress(self, *transfers, more=0):
        with self.lock:
            for ident in {t["id"] for t in transfers} & self.machines.keys():
                self.machines[ident]["transfers"] = [t for t in transfers if t["id"] == ident]
            data = json.dumps({"transfers": transfers, **({"more": more} if more else {})})
            self._send(f"event: progress\ndata: {data}\n\n".encode())

    def lose(self, n):
        with self.lock:
            self._send(f'event: lost\ndata: {{"lost":{n}}}\n\n'.encode())
