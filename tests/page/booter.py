"""A machine that boots over the real wire as far, and as slowly, as it is told."""
import contextlib
import struct
import time
import urllib.parse

from lib import dhcp, netns, rawhttp, tftp

BLOCK = 1468


class Booter:
    """In `ns`, on interface eth0, whose MAC is its."""

    def __init__(self, ns, server, vendor="QEMU", product="Standard PC (Q35 + ICH9, 2009)", serial=""):
        self.ns, self.server = ns, server
        self.mac = ns.mac("eth0").replace(":", "-")
        self.says = {"manufacturer": vendor, "product": product, "serial": serial}

    def discover(self, arch=7):
        """Asks as firmware does; the answer to it, or None."""
        with dhcp.Client(self.ns) as client:
            packet = client.send(dhcp.request(dhcp.DISCOVER, self.mac, *dhcp.pxe(arch)))
            found = client.replies(struct.unpack("!I", packet[4:8])[0])
        return found[0] if found else None

    def tftp(self, name):
        return tftp.get(self.ns, self.server, name)

    @contextlib.contextmanager
    def slow_tftp(self, name):
        """Yields steps(n): n blocks more, acknowledged, or to the end without n."""
        with tftp.Conversation(self.ns, self.server) as talk:
            size = int(talk.rrq(name, blksize=BLOCK, tsize=0).oack()["tsize"])
            talk.ack(0)
            at = [1]

            def steps(n=None):
                last = size // BLOCK + 1
                for block in range(at[0], last + 1 if n is None else min(last + 1, at[0] + n)):
                    talk.data(block)
                    talk.ack(block)
                    at[0] = block + 1

            steps.size = size
            yield steps

    def query(self):
        """What our menu has iPXE say of itself."""
        return urllib.parse.urlencode({"mac": self.mac, **self.says}, quote_via=urllib.parse.quote)

    def http(self, path, *fields):
        return rawhttp.get(self.ns, self.server, path, "User-Agent: iPXE/1.21.1+", *fields, host=self.server)

    def chain(self):
        return self.http(f"/chain.ipxe?{self.query()}")

    def script(self):
        return self.http(f"/ipxe/{self.mac}.ipxe?{self.query()}")

    @contextlib.contextmanager
    def slow_http(self, path):
        """Yields read(part): up to that part of the whole, as it comes."""
        with rawhttp.Connection(self.ns, self.server, receive_buffer=65536) as talk:
            talk.ask(path, "User-Agent: iPXE/1.21.1+", host=self.server)
            size, had = int(talk.head()["content-length"]), [0]

            def read(part=1.0, pace=0):
                while had[0] < int(size * part):
                    had[0] += len(talk.body(min(65536, size - had[0])))
                    time.sleep(pace)

            read.size = size
            yield read


def machines(server_ns, n, first=10):
    """The namespaces of n machines on a switch with the server, whose interface is `lan`."""
    found, ports = [], []
    for i in range(n):
        ns, port = netns.Namespace(), f"port{i}"
        netns.veth(server_ns, port, ns, "eth0", mac="52:54:00:70:78:%02x" % (i + 1))
        ns.address("eth0", f"192.168.0.{first + i}/24")
        ports.append(port)
        found.append(ns)
    netns.bridge(server_ns, "lan", *ports)
    server_ns.address("lan", "192.168.0.100/24")
    return found
