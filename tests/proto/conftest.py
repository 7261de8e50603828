import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import netns, pixie, rawhttp  # noqa: E402
from lib.fixtures import Site, noise  # noqa: E402
from lib.plugin import *  # noqa: E402,F401,F403


class Crowd:
    """Clients that hold what they can get: connections opened, and then nothing."""

    EACH = 30
    PORT = 80

    def __init__(self):
        self.lan, self.site = netns.Lan(), Site()
        self.site.write("extra/big.bin", noise(30_000_000))
        self.site.write("extra/small.bin", noise(2000))
        self.server = pixie.Pixie(self.lan.server, *self.site.options())
        self.clients = {kind: [self.client(kind) for _ in range(self.EACH)] for kind in (
            "silent", "half a head", "a byte now and then", "no body", "idle", "no reader")}

    def client(self, kind):
        c = rawhttp.Connection(self.lan.client, self.lan.SERVER, receive_buffer=4096)
        if kind == "half a head":
            c.send("GET /extra/small.bin HTTP/1.1\r\nHost: x\r\n")
        elif kind == "a byte now and then":
            c.send("GET /extra/small.bin HTTP/1.1\r\nX: ")
        elif kind == "no body":
            c.ask("/extra/small.bin", "Content-Length: 1000", method="POST").send("only this")
        elif kind == "idle":
            assert c.get("/extra/small.bin").status == 200
        elif kind == "no reader":
            c.ask("/extra/big.bin")
        return c

    def close(self):
        for c in sum(self.clients.values(), []):
            c.close()
        self.server.stop()
        self.site.close()
        self.lan.close()


@pytest.fixture(scope="session")
def crowd():
    """Opened by the file about limits; the last file looks whether they are gone."""
    people = Crowd()
    yield people
    people.close()
