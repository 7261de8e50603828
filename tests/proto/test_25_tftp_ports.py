"""Addresses and ports: the answer comes from the address that was asked, the ports are ours."""
import socket

import pytest

from lib import tftp
from lib.netns import Lan, Namespace, veth

HIGH = ["-t", ":1069", "-u", ":1080"]


@pytest.mark.parametrize("address", [Lan.SERVER, Lan.SECOND, Lan.SERVER6, Lan.SECOND6])
def test_a_server_with_two_addresses_answers_from_the_one_asked(lan, server, site, address):
    """Conversation checks the source of every packet."""
    with tftp.Conversation(lan.client, address) as talk:
        talk.rrq("small.bin", tsize=0).oack()
        talk.ack(0)
        assert talk.rest() == site.read("extra/small.bin")
    with tftp.Conversation(lan.client, address) as talk:
        talk.rrq("nowhere.bin").refused(tftp.NOT_FOUND)


def test_repeats_too_come_from_the_address_asked(lan, server):
    with tftp.Conversation(lan.client, Lan.SECOND) as talk:
        first = talk.rrq("small.bin").data(1)
        assert talk.data(1) == first


@pytest.mark.parametrize("address", ["255.255.255.255", Lan.BROADCAST])
def test_broadcast_request_is_answered_from_the_interfaces_address(lan, server, site, address):
    with tftp.Conversation(lan.client, address) as talk:
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        talk.answers_from = Lan.SERVER
        talk.rrq("small.bin", blksize=1432).oack()
        talk.ack(0)
        assert talk.rest(blksize=1432) == site.read("extra/small.bin")


def test_ipv6_link_local(lan, server, site):
    """PXE over IPv6 may know no other address; the answer must go out by that interface."""
    listing = lan.server.run("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link")
    local = listing.stdout.split()[3].split("/")[0]
    with lan.client.inside():
        index = socket.if_nametoindex("eth0")
    sock = lan.client.socket(socket.AF_INET6)
    sock.settimeout(30)
    with sock:
        sock.sendto(tftp.request("one.bin"), (local, 69, 0, index))
        raw, source = sock.recvfrom(2000)
        assert source[0].split("%")[0] == local
        assert tftp.parse(raw) == tftp.Data(1, b"x")
        sock.sendto(tftp.ack_packet(1), source)


def test_two_networks(site, start):
    """One server, two cables that do not know of each other."""
    ours = Namespace()
    clients = {}
    for interface, net in (("eth0", "198.51.100"), ("eth1", "203.0.113")):
        clients[net] = Namespace()
        veth(ours, interface, clients[net], "eth0")
        ours.address(interface, f"{net}.1/24")
        clients[net].address("eth0", f"{net}.7/24")
    start(ns=ours)
    for net, client in clients.items():
        assert tftp.get(client, f"{net}.1", "small.bin") == site.read("extra/small.bin")


# -- ports ------------------------------------------------------------------------

def test_transfers_use_random_ports_of_their_own(lan, server):
    ports = set()
    for _ in range(40):
        with tftp.Conversation(lan.client, Lan.SERVER) as talk:
            talk.rrq("one.bin").data(1)
            talk.ack(1)
            ports.add(talk.peer[1])
    assert 69 not in ports and len(ports) >= 4, ports


def test_single_port_answers_everything_from_it(lan, site, start):
    start(*HIGH, "--tftp-single-port")
    for address in (Lan.SERVER, Lan.SECOND, Lan.SERVER6):
        with tftp.Conversation(lan.client, address, 1069) as talk:
            talk.rrq("medium.bin", blksize=1400, windowsize=4, tsize=0).oack()
            assert talk.peer[1] == 1069
            talk.error(8)
        with tftp.Conversation(lan.client, address, 1069) as talk:
            talk.rrq("nowhere.bin").refused(tftp.NOT_FOUND)
            assert talk.peer[1] == 1069
        got = tftp.fetch(lan.client, address, "medium.bin", port=1069, blksize=1400, windowsize=4)
        assert got.content == site.read("extra/medium.bin")


def test_single_port_keeps_many_clients_apart(lan, site, start):
    start(*HIGH, "--tftp-single-port")
    names = ["small.bin", "medium.bin", "block.bin", "one.bin"]
    talks = [(tftp.Conversation(lan.client, Lan.SERVER, 1069), name)
             for name in names for _ in range(10)]
    for talk, name in talks:
        talk.rrq(name)
    for talk, name in talks:
        assert talk.data(1) == site.read(f"extra/{name}")[:512]
    for talk, name in talks:
        talk.ack(1)
    for talk, name in talks:
        if len(site.read(f"extra/{name}")) >= 512:
            assert talk.data(2) == site.read(f"extra/{name}")[512:1024]
        talk.error(0)
        talk.close()


def test_single_port_duplicate_rrq_is_the_same_transfer(lan, site, start):
    start(*HIGH, "--tftp-single-port")
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("small.bin").data(1)
        talk.rrq("small.bin")
        talk.ack(1).data(2)  # recv() checks that the server's port is the same
        talk.ack(2).data(3)


def test_ports_of_a_range_only(lan, site, start):
    start(*HIGH, "--tftp-ports", "4000-4003")
    ports = set()
    for address in (Lan.SERVER, Lan.SERVER6):
        for _ in range(20):
            with tftp.Conversation(lan.client, address, 1069) as talk:
                talk.rrq("one.bin").data(1)
                talk.ack(1)
                ports.add(talk.peer[1])
    assert ports <= {4000, 4001, 4002, 4003}, ports


def test_ports_of_a_range_carry_more_transfers_than_ports(lan, site, start):
    start(*HIGH, "--tftp-ports", "4000-4001")
    talks = [tftp.Conversation(lan.client, Lan.SERVER, 1069) for _ in range(30)]
    for talk in talks:
        talk.rrq("small.bin")
    for talk in talks:
        assert talk.data(1) == site.read("extra/small.bin")[:512]
        assert talk.peer[1] in (4000, 4001)
    for talk in talks:
        talk.ack(1)
    for talk in talks:
        assert talk.rest(2) == site.read("extra/small.bin")[512:]
        talk.close()


def test_an_errors_port_is_in_the_range_too(lan, start):
    start(*HIGH, "--tftp-ports", "4000-4001")
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("nowhere.bin").refused(tftp.NOT_FOUND)
        assert talk.peer[1] in (1069, 4000, 4001)


def test_one_client_address_many_transfers(lan, server, site):
    """200 open at once from one address, each with its own bytes."""
    talks = [tftp.Conversation(lan.client, Lan.SERVER) for _ in range(200)]
    content = site.read("extra/medium.bin")
    for talk in talks:
        talk.rrq("medium.bin", blksize=1000).oack()
    for talk in talks:
        talk.ack(0)
    for talk in talks:
        assert talk.data(1) == content[:1000]
        talk.ack(1)
    for talk in talks:
        assert talk.data(2) == content[1000:2000]
        talk.error(0)
        talk.close()
