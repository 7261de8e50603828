"""The README's DHCPv6 rules, in the servers they are for: what a client is told, and that
pixie has it under that name over IPv6."""
import json
import os
import re
import select
import shutil
import socket
import struct
import time

import pytest

from lib import netns, pixie, rawhttp
from lib.dhcp import running
from lib.fixtures import Site

US = "2001:db8::100"
SOLICIT, ADVERTISE = 1, 2
CLIENT_ID, IA_NA, ORO, ELAPSED, USER_CLASS, VENDOR_CLASS, BOOTFILE_URL, ARCH = 1, 3, 6, 8, 15, 16, 59, 61


def readme(kind):
    with open(os.path.join(pixie.ROOT, "README.md")) as f:
        block, = re.findall(rf"^```{kind}\n(.*?)^```$", f.read(), re.M | re.S)
    return block


def option(code, value):
    return struct.pack("!HH", code, len(value)) + value


def options(data):
    found = {}
    while len(data) >= 4:
        code, length = struct.unpack("!HH", data[:4])
        found[code] = data[4:4 + length]
        data = data[4 + length:]
    return found


def solicit(sock, index, arch, *more):
    """Asks until there is an ADVERTISE; its options."""
    xid = os.urandom(3)
    packet = bytes([SOLICIT]) + xid + option(CLIENT_ID, b"\0\3\0\1\2\0\0\0\0" + bytes([arch])) + \
        option(IA_NA, bytes(12)) + option(ELAPSED, b"\0\0") + option(ARCH, struct.pack("!H", arch)) + \
        option(ORO, struct.pack("!HHH", BOOTFILE_URL, 60, VENDOR_CLASS)) + b"".join(more)
    for _ in range(20):
        sock.sendto(packet, ("ff02::1:2", 547, 0, index))
        end = time.monotonic() + 1
        while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            answer = sock.recv(2048)
            if answer[:1] == bytes([ADVERTISE]) and answer[1:4] == xid:
                return options(answer[4:])
    raise AssertionError("no ADVERTISE")


def dnsmasq(folder):
    path = os.path.join(folder, "dnsmasq.conf")
    with open(path, "w") as f:
        f.write(readme("dnsmasq6"))
    return [shutil.copy(shutil.which("dnsmasq", path="/usr/sbin"), folder), "--conf-file=" + path,
            "--port=0", "--user=root", "--dhcp-leasefile=" + folder + "/leases", "--pid-file",
            "--no-daemon", "--log-dhcp"], "DHCPv6, IP range"


def kea(folder):
    config = json.loads(readme("kea6"))
    config["Dhcp6"]["lease-database"] = {"type": "memfile", "persist": False}
    config["Dhcp6"]["server-id"] = {"type": "LL", "persist": False}
    config["Dhcp6"]["loggers"] = [{"name": "kea-dhcp6", "severity": "INFO",
                                   "output_options": [{"output": "stdout"}]}]
    path = os.path.join(folder, "kea.conf")
    with open(path, "w") as f:
        json.dump(config, f)
    return [shutil.copy(shutil.which("kea-dhcp6", path="/usr/sbin"), folder), "-c", path], \
        "DHCP6_STARTED"


@pytest.mark.parametrize("daemon", [dnsmasq, kea])
def test_dhcpv6_names_what_pixie_serves(tmp_path, daemon):
    server, client = netns.Namespace(), netns.Namespace()
    site = Site()
    netns.veth(server, "lan", client, "eth0")
    server.address("lan", f"{US}/64")
    client.address("eth0", "2001:db8::7/64")
    process = pixie.Pixie(server, *site.options())
    argv, ready = daemon(str(tmp_path))
    env = dict(os.environ, KEA_LOCKFILE_DIR=str(tmp_path), KEA_PIDFILE_DIR=str(tmp_path))
    try:
        with running(server, argv, str(tmp_path), ready, env=env), \
                client.socket(socket.AF_INET6) as sock:
            sock.bind(("::", 546))
            with client.inside():
                index = socket.if_nametoindex("eth0")
            for arch, url in ((7, f"tftp://[{US}]/snponly64.efi"),
                              (11, f"tftp://[{US}]/snponly-arm64.efi"),
                              (16, f"http://[{US}]/snponly64.efi"),
                              (19, f"http://[{US}]/snponly-arm64.efi")):
                answer = solicit(sock, index, arch)
                assert answer[BOOTFILE_URL].decode() == url
                # EDK2's HttpBootDxe looks for this, behind whatever enterprise number.
                http = answer.get(VENDOR_CLASS, b"")[4:] == b"\0\x0aHTTPClient"
                assert http == url.startswith("http"), answer
                name = url.rsplit("/", 1)[1]
                assert rawhttp.get(client, US, "/" + name).status == 200
            answer = solicit(sock, index, 7, option(USER_CLASS, b"\0\4iPXE"))
            assert answer[BOOTFILE_URL].decode() == f"http://[{US}]/chain.ipxe"
            chain = rawhttp.get(client, US, "/chain.ipxe", host=f"[{US}]")
            assert f"http://[{US}]" in chain.text
    finally:
        process.stop()
        site.close()
        server.close()
        client.close()
