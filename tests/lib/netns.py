"""Network namespaces of a test's own.

They have no name: a namespace lives as long as something holds it open, so that
nothing is left behind whatever way a test run ends. A socket stays in the
namespace it was made in, and so does a child process.
"""
import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def _checked(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)} (these tests need root)")


def _here():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(fd):
    _checked(_libc.setns(fd, _CLONE_NEWNET), "setns")


class Namespace:
    """An empty network with a loopback interface."""

    def __init__(self):
        home = _here()
        try:
            _checked(_libc.unshare(_CLONE_NEWNET), "unshare")
            self.fd = _here()
        finally:
            _enter(home)
            os.close(home)
        self.sysctl("ipv6/conf/default/accept_dad", 0)  # addresses usable at once
        self.sysctl("ipv6/conf/default/accept_ra", 0)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def path(self):
        """For `ip link … netns PATH`."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def inside(self):
        home = _here()
        try:
            _enter(self.fd)
            yield
        finally:
            _enter(home)
            os.close(home)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM, protocol=0):
        with self.inside():
            return socket.socket(family, kind, protocol)

    def popen(self, argv, before_exec=None, **kw):
        def child():
            _enter(self.fd)
            if before_exec:
                before_exec()
            # Nothing outlives the tests; last, because a change of user takes it back.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        return subprocess.Popen(argv, preexec_fn=child, **kw)

    def run(self, *argv, timeout=60, check=True, **kw):
        """Runs a command to its end; returns it with .stdout and .stderr as text."""
        kw.setdefault("text", True)
        process = self.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{argv} did not end in {timeout} s: {out!r} {err!r}") from None
        if check and process.returncode != 0:
            raise RuntimeError(f"{argv}: status {process.returncode}: {err!r}")
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def sysctl(self, name, value):
        with self.inside(), open(f"/proc/sys/net/{name}", "w") as f:
            f.write(str(value))

    def address(self, interface, *addresses):
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            brd = [] if ":" in address else ["brd", "+"]
            self.run("ip", "addr", "add", address, *brd, "dev", interface, *nodad)

    def up(self, interface, mtu=None):
        with_mtu = ["mtu", str(mtu)] if mtu else []
        self.run("ip", "link", "set", interface, *with_mtu, "up")

    def mac(self, interface):
        # Not from /sys: that shows the namespace it was mounted in.
        return json.loads(self.run("ip", "-j", "link", "show", interface).stdout)[0]["address"]

    def datagrams_sent(self):
        """UDP messages given to the kernel in here; one that it cuts (GSO) counts once."""
        with self.inside():
            v4, v6 = (open(f"/proc/thread-self/net/{name}").read() for name in ("snmp", "snmp6"))
        names, values = (line.split() for line in v4.splitlines() if line.startswith("Udp:"))
        return (int(values[names.index("OutDatagrams")]) +
                int(re.search(r"^Udp6OutDatagrams\s+(\d+)", v6, re.M)[1]))

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def veth(a, a_name, b, b_name, mtu=1500, mac=None):
    """A cable between two namespaces, both ends up. `mac` is the one of b's end."""
    with_mac = ["address", mac] if mac else []
    a.run("ip", "link", "add", a_name, "type", "veth", "peer", "name", b_name, *with_mac,
          "netns", b.path)
    a.up(a_name, mtu)
    b.up(b_name, mtu)


def bridge(ns, name, *ports):
    """A switch in `ns` with the given interfaces as ports."""
    ns.run("ip", "link", "add", name, "type", "bridge")
    for port in ports:
        ns.run("ip", "link", "set", port, "master", name, "up")
    ns.up(name)


class Lan:
    """The usual scene: a server and a client on one cable.

    The server has two addresses of each family, so that a test can ask the second.
    """

    SERVER, SECOND, CLIENT = "192.0.2.1", "192.0.2.100", "192.0.2.7"
    SERVER6, SECOND6, CLIENT6 = "2001:db8::1", "2001:db8::100", "2001:db8::7"
    BROADCAST = "192.0.2.255"
    CLIENT_MAC = "02:00:5e:10:00:07"

    def __init__(self, mtu=1500, cable=True):
        self.server, self.client = Namespace(), Namespace()
        if cable:
            veth(self.server, "eth0", self.client, "eth0", mtu, self.CLIENT_MAC)
            self.number("eth0")

    def number(self, interface):
        self.server.address(interface, f"{self.SERVER}/24", f"{self.SECOND}/24",
                            f"{self.SERVER6}/64", f"{self.SECOND6}/64")
        self.client.address(interface, f"{self.CLIENT}/24", f"{self.CLIENT6}/64")

    def close(self):
        self.server.close()
        self.client.close()
