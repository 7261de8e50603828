"""proxyDHCP on real networks: interfaces, VLANs, relays, other DHCP servers, floods, learning."""
import contextlib
import json
import os
import random
import shutil
import socket
import struct
import time

import pytest

from lib import dhcp, netns, pixie, rawhttp
from lib.dhcp import Client, pxe, request, running
from lib.fixtures import Site

US, THEM = "192.0.2.1", "192.0.2.2"
MAC = "02:00:00:00:00:77"
LABEL = MAC.replace(":", "-")


@pytest.fixture
def space():
    """space() makes a namespace that goes away with the test."""
    with contextlib.ExitStack() as stack:
        def make():
            ns = netns.Namespace()
            stack.callback(ns.close)
            return ns
        yield make


@pytest.fixture
def serve(own_site):
    with contextlib.ExitStack() as stack:
        def begin(ns, *args, **kw):
            process = pixie.Pixie(ns, *own_site.options(), "-v", "DEBUG", *args, **kw)
            stack.callback(process.stop)
            return process
        yield begin


def cable(space, ours="eth0", **kw):
    server, client = space(), space()
    netns.veth(server, ours, client, "eth0", **kw)
    server.address(ours, f"{US}/24")
    return server, client


def discover(mac=MAC, arch=7, *more, **kw):
    return request(dhcp.DISCOVER, mac, *pxe(arch), *more, **kw)


def xid_of(packet):
    return struct.unpack("!I", packet[4:8])[0]


# --- configuration ------------------------------------------------------------------------

@pytest.mark.parametrize("args,env,on", [
    (["--proxy-dhcp"], {}, True), (["-proxy-dhcp=eth0"], {}, True), ([], {"PROXY_DHCP": "1"}, True),
    ([], {"PROXY_DHCP": "eth0,eth9"}, True), (["--proxy-dhcp=eth9"], {}, False),
    (["--proxy-dhcp=off"], {"PROXY_DHCP": "1"}, False), ([], {}, False)])
def test_spellings(space, serve, args, env, on):
    server, client = cable(space)
    serve(server, *args, env=env)
    with Client(client) as c:
        if on:
            c.ask(discover())
        else:
            c.silence(discover())


def test_it_is_off_by_default(space, serve):
    server, _ = cable(space)
    serve(server)
    sockets = server.run("ss", "-Hlnu").stdout
    assert ":67 " not in sockets and ":4011 " not in sockets


@pytest.mark.parametrize("args,words", [
    (["--proxy-dhcp=an-interface-with-a-long-name"], "no name of an interface"),
    (["--proxy-dhcp=eth0,,eth1"], "no name of an interface"),
    (["--proxy-dhcp", "--answer", "some"], "all or known")])
def test_mistakes(own_site, args, words):
    done = pixie.command("-d", own_site.scripts, *args)
    assert done.returncode == 64 and words in done.stderr


# --- interfaces ---------------------------------------------------------------------------

def vlan(a, a_parent, b, b_parent, name):
    """A VLAN on a cable; in kernels that have none, a cable of that name."""
    for ns, parent in ((a, a_parent), (b, b_parent)):
        made = ns.run("ip", "link", "add", "link", parent, "name", name, "type", "vlan", "id", "7",
                      check=False)
        if made.returncode != 0:
            assert "Unknown device type" in made.stderr
            netns.veth(a, name, b, name)
            return
        ns.up(name)


def test_each_interface_and_vlan_names_its_own_address(space, serve):
    """Two cards and a VLAN on the second, each a subnet; one more that was not asked for."""
    server, one, two, three = space(), space(), space(), space()
    netns.veth(server, "eth1", one, "eth0")
    netns.veth(server, "eth2", two, "eth0")
    netns.veth(server, "eth3", three, "eth0")
    vlan(server, "eth2", two, "eth0", "vlan7")
    addresses = {"eth1": "10.1.0.1", "eth2": "10.2.0.1", "vlan7": "10.7.0.1", "eth3": "10.3.0.1"}
    for interface, address in addresses.items():
        server.address(interface, f"{address}/24")
    serve(server, "--proxy-dhcp=eth1,eth2,vlan7")
    for ns, interface, expected in ((one, "eth0", "10.1.0.1"), (two, "eth0", "10.2.0.1"),
                                    (two, "vlan7", "10.7.0.1")):
        with Client(ns, interface) as c:
            reply = c.ask(discover())
            assert (reply.siaddr, reply.server_id, reply.peer[0]) == (expected,) * 3
            reply = c.ask(request(dhcp.DISCOVER, "02:00:00:00:00:79", *pxe(16, "HTTPClient")))
            assert reply.file == f"http://{expected}:80/snponly64.efi"
    with Client(three) as c:
        c.silence(discover())
    # All at once: nobody hears another link's answer.
    with Client(one) as a, Client(two) as b:
        packet = a.send(discover())
        assert len(a.replies(xid_of(packet))) == 1
        assert not b.replies(xid_of(packet), 0.3)


def test_an_interface_without_an_address_is_silent(space, serve):
    server, client = cable(space)
    other = space()
    netns.veth(server, "eth5", other, "eth0")
    process = serve(server, "--proxy-dhcp")
    with Client(other) as c:
        c.silence(discover())
    process.logged("no IPv4 address of ours on this interface")


def test_an_interface_may_come_later(space, serve):
    server = space()
    process = serve(server, "--proxy-dhcp=eth7")
    process.logged("dhcp-interface", "eth7", level="WARNING")
    client = space()
    netns.veth(server, "eth7", client, "eth0")
    server.address("eth7", f"{US}/24")
    with Client(client) as c:
        assert c.ask(discover()).siaddr == US


def test_advertise_and_ports(space, serve):
    server, client = cable(space)
    serve(server, "--proxy-dhcp", "--advertise", "198.51.100.9", "-u", ":8080")
    with Client(client) as c:
        reply = c.ask(request(dhcp.DISCOVER, MAC, *pxe(16, "HTTPClient")))
    assert reply.file == "http://198.51.100.9:8080/snponly64.efi"
    assert (reply.siaddr, reply.server_id) == ("198.51.100.9",) * 2
    assert reply.peer == (US, 67)


# --- relays -------------------------------------------------------------------------------

def test_reply_to_a_relay_goes_to_giaddr(space, serve):
    """RFC 2131 §4.1, whatever the broadcast flag says."""
    server, relay = cable(space)
    relay.address("eth0", "192.0.2.9/24")
    serve(server, "--proxy-dhcp")
    with Client(relay, port=67) as c:
        for flags in (0, 0x8000):
            reply = c.ask(discover(giaddr="192.0.2.9", hops=1, flags=flags), US)
            assert reply.giaddr == "192.0.2.9" and reply.hops == 0 and reply.peer == (US, 67)
            assert reply.flags == 0x8000  # the relay has no yiaddr to unicast to


def test_isc_relay_between(space, serve, tmp_path):
    """client -- relay -- pixie, with option 82 added on the way and taken off again."""
    server, relay, inner = space(), space(), space()
    netns.veth(server, "eth1", relay, "wan")
    netns.veth(relay, "lan", inner, "eth0")
    server.address("eth1", "10.9.0.1/24")
    relay.address("wan", "10.9.0.2/24")
    relay.address("lan", "10.8.0.1/24")
    relay.sysctl("ipv4/ip_forward", 1)
    server.run("ip", "route", "add", "10.8.0.0/24", "via", "10.9.0.2")
    process = serve(server, "--proxy-dhcp")
    program = shutil.copy(shutil.which("dhcrelay", path="/usr/sbin:/sbin"), tmp_path)
    argv = [program, "-4", "-d", "-a", "-id", "lan", "-iu", "wan", "10.9.0.1"]
    with running(relay, argv, str(tmp_path), "Sending on   Socket/fallback"), Client(inner) as c:
        reply = c.ask(discover())
        assert (reply.siaddr, reply.giaddr) == ("10.9.0.1", "10.8.0.1")
        assert reply.file == "snponly64.efi" and 82 not in reply.options
        # On its way to the DHCP server the machine says its address, and then uses it.
        c.send(request(dhcp.REQUEST, MAC, *pxe(7), (54, b"\x0a\x08\0\1"), (50, b"\x0a\x08\0\x07")))
        process.logged(LABEL, "a request to another server")
        inner.address("eth0", "10.8.0.7/24")
        inner.run("ip", "route", "add", "default", "via", "10.8.0.1")
        assert rawhttp.get(inner, "10.9.0.1", "/chain.ipxe").status == 200
        process.logged(LABEL, "dhcp-learned", "TFTP or HTTP")


# --- beside a DHCP server -----------------------------------------------------------------

def dnsmasq(folder, address):
    path = os.path.join(folder, "dnsmasq.conf")
    with open(path, "w") as f:
        f.write(f"dhcp-range=192.0.2.100,192.0.2.199,1h\nlisten-address={address}\n")
    return [shutil.copy(shutil.which("dnsmasq", path="/usr/sbin"), folder), "--conf-file=" + path,
            "--port=0", "--user=root", "--dhcp-leasefile=" + folder + "/leases", "--pid-file",
            "--no-daemon", "--log-dhcp", "--no-ping"], "DHCP, IP range"


def dhcpd(folder, address):
    path, leases = os.path.join(folder, "dhcpd.conf"), os.path.join(folder, "leases")
    open(leases, "w").close()
    with open(path, "w") as f:
        f.write("ping-check false;\nsubnet 192.0.2.0 netmask 255.255.255.0 "
                "{ range 192.0.2.100 192.0.2.199; }\n")
    return [shutil.copy(shutil.which("dhcpd", path="/usr/sbin"), folder), "-4", "-cf", path, "-lf",
            leases, "-pf", folder + "/dhcpd.pid", "-d", "-f", "eth0"], "Server starting service"


def kea(folder, address):
    path = os.path.join(folder, "kea.conf")
    with open(path, "w") as f:
        json.dump({"Dhcp4": {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": {"type": "memfile", "persist": False},
            "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}],
            "subnet4": [{"subnet": "192.0.2.0/24",
                         "pools": [{"pool": "192.0.2.100 - 192.0.2.199"}]}]}}, f)
    return [shutil.copy(shutil.which("kea-dhcp4", path="/usr/sbin"), folder), "-c", path], \
        "DHCP4_STARTED"


def offers(c, packet):
    """The address offered, and what the proxy says."""
    c.send(packet)
    found = c.replies(xid_of(packet), enough=2)
    assert len(found) == 2, [(r.peer, r.yiaddr) for r in found]
    dhcp.dissect(*found)
    found.sort(key=lambda r: r.yiaddr == "0.0.0.0")
    assert found[0].yiaddr.startswith("192.0.2.1") and found[1].yiaddr == "0.0.0.0"
    return found


def whole_conversation(client):
    """DISCOVER, REQUEST, then port 4011 from the address that was given; as EDK2 does."""
    with Client(client) as c:
        server, proxy = offers(c, discover(flags=0x8000))
        assert proxy.options[60] == b"PXEClient" and proxy.peer[1] == 67
        given = server.yiaddr
        packet = request(dhcp.REQUEST, MAC, *pxe(7), (54, server.options[54]),
                         (50, socket.inet_aton(given)), flags=0x8000)
        c.send(packet)
        assert [a.yiaddr for a in c.replies(xid_of(packet))] == [given]
        assert not c.replies(xid_of(packet), 1.0)  # the proxy keeps out of it
    client.address("eth0", f"{given}/24")
    with Client(client, port=4011) as c:
        reply = c.ask(request(dhcp.REQUEST, MAC, *pxe(7), ciaddr=given), proxy.siaddr, 4011)
    assert reply.file == "snponly64.efi" and reply.peer == (proxy.siaddr, 4011)


@pytest.fixture
def dhcp_env(tmp_path):
    return dict(os.environ, KEA_LOCKFILE_DIR=str(tmp_path), KEA_PIDFILE_DIR=str(tmp_path))


@pytest.mark.parametrize("daemon", [dnsmasq, dhcpd, kea])
def test_dhcp_server_on_another_host(space, serve, tmp_path, dhcp_env, daemon):
    switch, server, other, client = space(), space(), space(), space()
    for i, ns in enumerate((server, other, client)):
        netns.veth(switch, f"port{i}", ns, "eth0")
    netns.bridge(switch, "br0", "port0", "port1", "port2")
    server.address("eth0", f"{US}/24")
    other.address("eth0", f"{THEM}/24")
    argv, ready = daemon(str(tmp_path), THEM)
    process = serve(server, "--proxy-dhcp")
    with running(other, argv, str(tmp_path), ready, env=dhcp_env):
        whole_conversation(client)
    process.logged("dhcp-listening", "UDP sockets")


@pytest.mark.parametrize("daemon", [dnsmasq, dhcpd, kea])
def test_dhcp_server_on_this_host(space, serve, tmp_path, dhcp_env, daemon):
    """It owns port 67; pixie hears the broadcasts and answers from 67 all the same."""
    server, client = cable(space)
    argv, ready = daemon(str(tmp_path), US)
    with running(server, argv, str(tmp_path), ready, env=dhcp_env):
        process = serve(server, "--proxy-dhcp")
        process.logged("dhcp-listening", "packet socket")
        whole_conversation(client)


def test_dhcpd_started_later_on_this_host(space, serve, tmp_path, dhcp_env):
    """pixie had port 67 first, and shares it with who asks for that."""
    server, client = cable(space)
    process = serve(server, "--proxy-dhcp")
    process.logged("dhcp-listening", "UDP sockets")
    argv, ready = dhcpd(str(tmp_path), US)
    with running(server, argv, str(tmp_path), ready, env=dhcp_env):
        whole_conversation(client)
        # A lease is renewed by unicast, which must reach who gave it.
        with Client(client) as c:
            mine = client.run("ip", "-4", "-o", "addr", "show", "eth0").stdout.split()[3].split("/")[0]
            reply = c.ask(request(dhcp.REQUEST, MAC, ciaddr=mine), US)
            assert (reply.type, reply.yiaddr) == (dhcp.ACK, mine)


def test_on_this_host_beside_a_relay_and_on_named_interfaces(space, serve, tmp_path, dhcp_env):
    """Packet socket: unicast from a relay, an interface not asked for, hostile bytes."""
    server, client = cable(space)
    other = space()
    netns.veth(server, "eth1", other, "eth0")
    server.address("eth1", "198.51.100.1/24")
    client.address("eth0", "192.0.2.9/24")
    argv, ready = dnsmasq(str(tmp_path), US)
    with running(server, argv, str(tmp_path), ready, env=dhcp_env):
        process = serve(server, "--proxy-dhcp=eth0")
        with Client(client, port=67) as c:
            packet = c.send(discover(giaddr="192.0.2.9", hops=1), US)
            found = [r for r in c.replies(xid_of(packet), enough=2) if r.yiaddr == "0.0.0.0"]
            assert [(r.peer, r.file) for r in found] == [((US, 67), "snponly64.efi")]
            c.send(b"\1", US)
            process.logged("shorter than a BOOTP header")
        with Client(other) as c:
            c.silence(discover())
        process.logged("not an interface of --proxy-dhcp", "on=eth1")


@pytest.mark.parametrize("port", [4011])
def test_taken_port_4011_is_said(space, own_site, port):
    """The other program may be dnsmasq with pxe-service: two PXE servers on one host."""
    server, _ = cable(space)
    with server.socket() as taken:
        taken.bind(("", port))
        process = pixie.Pixie(server, *own_site.options(), "--proxy-dhcp", ready=False)
        assert process.wait() == 69
        assert "another program has port 4011" in process.log()
        process._close()


# --- policy -------------------------------------------------------------------------------

def test_answer_known(space, serve, own_site):
    server, client = cable(space)
    process = serve(server, "--proxy-dhcp", "--answer", "known")
    guid = bytes.fromhex("33221100554477668899aabbccddeeff")  # as SMBIOS orders it
    by_guid = [(60, "PXEClient:Arch:00007"), (93, b"\0\7"), (97, b"\0" + guid)]
    with Client(client) as c:
        c.silence(discover())
        event = process.logged(LABEL, "dhcp-silent", level="INFO")
        assert "left to boot from disk" in event.values["why"]
        own_site.write("scripts/02-00-00-00-00-77.ipxe", "#!ipxe\n")
        c.ask(discover())
        c.silence(discover("02:00:00:00:00:78"))
        c.silence(request(dhcp.DISCOVER, "02:00:00:00:00:79", *by_guid))
        own_site.write("scripts/00112233-4455-6677-8899-AABBCCDDEEFF.ipxe", "#!ipxe\n")
        c.ask(request(dhcp.DISCOVER, "02:00:00:00:00:79", *by_guid))
        c.silence(discover("02:00:00:00:00:78"))
        own_site.write("scripts/default.ipxe", "#!ipxe\n")
        c.ask(discover("02:00:00:00:00:78"))


# --- learning -----------------------------------------------------------------------------

def boots(client, mac, takes):
    """A scripted firmware: asks until an offer has this control, then fetches by TFTP.

    Returns how many DISCOVERs it took."""
    with Client(client) as c:
        for n in range(1, 7):
            packet = c.send(discover(mac))
            reply, = c.replies(xid_of(packet))
            if reply.control == takes:
                break
            time.sleep(0.6)
    with client.socket() as s:
        s.settimeout(30)
        s.sendto(b"\0\1" + reply.file.encode() + b"\0octet\0", (reply.siaddr, 69))
        assert s.recv(2048)[:4] == b"\0\3\0\1"
    return n


def test_learning(space, serve):
    """It ignores the first shape and boots by the second; the next time at once."""
    server, client = cable(space, mac=MAC)
    client.address("eth0", "192.0.2.7/24")
    process = serve(server, "--proxy-dhcp")
    assert boots(client, MAC, 8) == 3
    process.logged(LABEL, "dhcp-retry", "did not go on")
    event = process.logged(LABEL, "dhcp-learned", level="INFO")
    assert event.values["boots-by"] == "boot file in the offer"
    time.sleep(0.6)
    assert boots(client, MAC, 8) == 1


def test_learning_the_third_shape(space, serve):
    server, client = cable(space, mac=MAC)
    client.address("eth0", "192.0.2.7/24")
    process = serve(server, "--proxy-dhcp")
    assert boots(client, MAC, 7) == 5
    assert process.logged(LABEL, "dhcp-learned").values["boots-by"] == "list of boot servers"


def test_going_to_4011_counts(space, serve):
    server, client = cable(space, mac=MAC)
    client.address("eth0", "192.0.2.7/24")
    process = serve(server, "--proxy-dhcp")
    for _ in range(3):
        with Client(client) as c:
            assert c.ask(discover()).control is None
        with Client(client, port=4011) as c:
            c.ask(request(dhcp.REQUEST, MAC, *pxe(7), ciaddr="192.0.2.7"), US, 4011)
        time.sleep(0.6)
    process.logged(LABEL, "dhcp-learned", "port 4011")
    assert "dhcp-retry" not in process.log()


# --- floods -------------------------------------------------------------------------------

def flood(sock, count, began):
    """DISCOVERs from MACs nobody has, as fast as it goes."""
    packet = bytearray(discover())
    draw = random.Random(1)
    for _ in range(count):
        packet[4:8] = draw.randbytes(4)
        packet[29:34] = draw.randbytes(5)
        with contextlib.suppress(BlockingIOError, OSError):
            sock.sendto(packet, (dhcp.BROADCAST, 67))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("options,kept", [
    (["--no-timeline"], 1),
    ([], 40),  # MiB: sixteen thousand machines, and a ring of events
])
def test_flood_of_strangers(space, own_site, options, kept):
    """100,000 DISCOVERs from random MACs: memory stays, and a real client is answered."""
    switch, server, real, hostile = space(), space(), space(), space()
    for i, ns in enumerate((server, real, hostile)):
        netns.veth(switch, f"port{i}", ns, "eth0", mac=MAC if ns is real else None)
    netns.bridge(switch, "br0", "port0", "port1", "port2")
    server.address("eth0", f"{US}/24")
    process = pixie.Pixie(server, *own_site.options(), "--proxy-dhcp", *options)
    try:
        with Client(real) as c, Client(hostile) as h:
            c.ask(discover())
            flood(h.sock, 5000, time.monotonic())
            before = process.resident_kib()
            began, waits = time.monotonic(), []
            for _ in range(20):
                flood(h.sock, 5000, began)
                packet = c.send(discover())
                asked = time.monotonic()
                while not c.replies(xid_of(packet), 1.0):
                    assert time.monotonic() - asked < 10, "a real client got no answer"
                    c.send(packet)
                waits.append(time.monotonic() - asked)
            took = time.monotonic() - began
            print(f"\n100000 DISCOVERs in {took:.1f} s, a real client's answer after "
                  f"{1000 * max(waits):.0f} ms at most, {1000 * sum(waits) / 20:.0f} on average, "
                  f"{process.resident_kib() - before} KiB more")
        assert process.resident_kib() - before < (kept << 10 if not pixie.sanitized() else 1 << 16)
        assert len(process.log()) < 1_000_000  # and the disk is not filled either
    finally:
        process.stop()
