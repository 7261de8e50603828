"""Several threads behind one port: each client has one of them, nobody else gets in."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading

import pytest

from lib import dhcp, pixie, rawhttp, tftp
from lib.dhcp import Client, pxe, request
from lib.fixtures import MAC, noise
from lib.netns import Lan, Namespace, veth

HIGH = ["-t", ":1069", "-u", ":1080"]
PORTS = {4000, 4001, 4002, 4003}  # with four workers each has one: it tells who answered
FOUR = [*HIGH, "--workers", "4", "--tftp-ports", "4000-4003"]
UNAVAILABLE = 69
MS = 1_000_000  # in nanoseconds


def threads(process):
    """The workers' threads, and nanoseconds of CPU: who has nothing to do uses none."""
    found = {}
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/comm") as f:
            name = f.read().strip()
        if int(task) == process.pid:
            name = "main"
        elif not re.fullmatch(r"pixie-\d+", name):
            continue  # the store's, the API's, a sanitizer's
        with open(f"/proc/{process.pid}/task/{task}/schedstat") as f:
            found[name] = int(f.read().split()[0])
    return found


def at_once(count, work):
    """Runs work(n) for n < count, all at the same time; returns what they returned."""
    results, failures = [None] * count, []

    def one(n):
        try:
            results[n] = work(n)
        except BaseException as e:
            failures.append(e)

    crowd = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join()
    assert failures == []
    return results


# -- how many ------------------------------------------------------------------------------

@pytest.mark.parametrize("asked", [1, 2, 7])
def test_as_many_threads_as_asked_for(start, asked):
    process = start(*HIGH, "--workers", asked)
    assert set(threads(process)) == {"main"} | {f"pixie-{n}" for n in range(1, asked)}
    assert process.logged("started").values["workers"] == str(asked)


def test_by_default_one_for_each_core_it_may_use(lan, site):
    core = min(os.sched_getaffinity(0))
    process = pixie.Pixie(lan.server, *site.options(), env={"WORKERS": "auto"},
                          before_exec=lambda: os.sched_setaffinity(0, {core}))
    assert len(threads(process)) == 1
    process.stop()
    process = pixie.Pixie(lan.server, *site.options(), env={"WORKERS": "auto"})
    assert len(threads(process)) == min(len(os.sched_getaffinity(0)), 4)
    process.stop()


@pytest.mark.parametrize("count", ["0", "65", "-1", "two", "1x", ""])
def test_mistake(site, count):
    done = pixie.command("-d", site.scripts, "--workers", count)
    assert done.returncode == 64 and "--workers" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# -- every client gets its file ------------------------------------------------------------

@pytest.mark.parametrize("options", [
    {}, {"blksize": 1468}, {"blksize": 1428, "windowsize": 4}, {"blksize": 1400, "windowsize": 64}],
    ids=str)
def test_tftp_clients_are_spread_and_all_get_their_bytes(lan, site, start, options):
    start(*FOUR)
    content = site.read("extra/medium.bin")
    seen = []

    def client(n):
        with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
            talk.rrq("one.bin").data(1)
            talk.ack(1)
            seen.append(talk.peer[1])
        return tftp.get(lan.client, Lan.SERVER, "medium.bin", port=1069, **options)

    assert all(got == content for got in at_once(32, client))
    assert len(set(seen)) > 1 and set(seen) <= PORTS, seen


def test_transfers_of_all_workers_run_at_the_same_time(lan, site, start):
    """In lockstep with 60 clients by turns, over both families."""
    start(*FOUR)
    talks = [tftp.Conversation(lan.client, (Lan.SERVER, Lan.SERVER6)[n % 2], 1069)
             for n in range(60)]
    for talk in talks:
        talk.rrq("small.bin", blksize=500).oack()
    for talk in talks:
        talk.ack(0)
    for block in range(1, 5):
        for talk in talks:
            assert talk.data(block) == site.read("extra/small.bin")[500 * block - 500:500 * block]
            talk.ack(block)
    assert {talk.peer[1] for talk in talks} == PORTS
    for talk in talks:
        assert talk.data(5) == b""
        talk.ack(5).close()


def test_http_clients_are_spread_and_all_get_their_bytes(lan, site, start):
    process = start(*HIGH, "--workers", "4")
    contents = {name: site.read(f"extra/{name}") for name in ("small.bin", "medium.bin")}
    before = threads(process)

    def client(n):
        with rawhttp.Connection(lan.client, (Lan.SERVER, Lan.SERVER6)[n % 2], 1080) as c:
            return all(c.get(f"/extra/{name}").body == content
                       for _ in range(5) for name, content in contents.items())

    assert all(at_once(48, client))
    after = threads(process)
    assert len([name for name in after if after[name] > before[name] + MS]) > 1, (before, after)


def test_a_request_said_again_reaches_the_same_worker(lan, start):
    """Conversation checks that all packets come from one port, so from one worker."""
    start(*FOUR)
    ports = set()
    for _ in range(40):
        with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
            talk.rrq("small.bin").data(1)
            talk.rrq("small.bin").rrq("small.bin")
            talk.ack(1).data(2)
            assert {p.block for p in talk.drain(0.02)} <= {1, 2}
            talk.error(0)
            ports.add(talk.peer[1])
    assert ports == PORTS


def test_a_second_request_from_the_same_port_ends_the_first_transfer(lan, site, start):
    start(*FOUR)
    for _ in range(20):
        with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
            talk.rrq("small.bin").data(1)
            first = talk.peer
            talk.new_transfer().rrq("medium.bin").data(1)
            assert talk.peer == first  # the worker has but that one port
            talk.ack(1)
            assert talk.data(2) == site.read("extra/medium.bin")[512:1024]
            talk.error(0)


def test_single_port(lan, site, start):
    """What a client sends to the one port reaches the worker that has its transfer."""
    start(*HIGH, "--workers", "4", "--tftp-single-port")

    def client(n):
        return tftp.get(lan.client, (Lan.SERVER, Lan.SERVER6)[n % 2], "medium.bin", port=1069,
                        blksize=1400, windowsize=1 + n % 5)

    assert all(got == site.read("extra/medium.bin") for got in at_once(40, client))


@pytest.mark.parametrize("address", ["255.255.255.255", Lan.BROADCAST])
def test_a_broadcast_request_is_answered_once(lan, site, start, address):
    """The kernel gives it to every worker's socket."""
    start(*FOUR)
    with tftp.Conversation(lan.client, address, 1069) as talk:
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        talk.answers_from = Lan.SERVER
        talk.rrq("small.bin").data(1)
        assert {tftp.name_of(p) for p in talk.drain(0.3)} <= {"DATA 1"}  # all from one port
        talk.ack(1)
        assert talk.rest(2) == site.read("extra/small.bin")[512:]


def test_machines_heard_by_any_worker_are_learned_by_proxydhcp(site):
    """--proxy-dhcp runs in the first worker; the others tell it who went on to TFTP or HTTP."""
    server, client = Namespace(), Namespace()
    veth(server, "eth0", client, "eth0")
    server.address("eth0", "192.0.2.1/24")
    machines = {f"02:00:00:00:00:{n:02x}": f"192.0.2.{n}" for n in range(20, 36)}
    client.address("eth0", *[f"{address}/24" for address in machines.values()])
    process = pixie.Pixie(server, *site.options(), "--proxy-dhcp", "--workers", "4",
                          "--tftp-ports", "4000-4003")
    ports = set()
    for mac, address in machines.items():
        with Client(client) as c:
            c.ask(request(dhcp.DISCOVER, mac, *pxe(7)))
            c.send(request(dhcp.REQUEST, mac, *pxe(7), (54, b"\xc0\0\2\xfe"),
                           (50, socket.inet_aton(address))))
    for mac, address in machines.items():
        with tftp.Conversation(client, "192.0.2.1", source=(address, 0)) as talk:
            talk.rrq("one.bin").data(1)
            talk.ack(1)
            ports.add(talk.peer[1])
    assert len(ports) > 1
    for mac in machines:
        process.logged(mac.replace(":", "-"), "dhcp-learned", "TFTP or HTTP")
    process.stop()
    server.close()
    client.close()


def test_every_kind_of_request_on_all_workers_at_once(lan, site, start):
    """The same answers that one client alone gets, whoever else asks for what."""
    start(*FOUR[:6], "--roms", site.roms)
    site.write("roms/own.efi", noise(5000, 9))
    site.write("extra/huge.bin", noise(5_000_000, 8))  # too large for the shelf
    over_tftp = ["undionly.kpxe", "chain.ipxe", "autoexec.ipxe", f"ipxe/{MAC}.ipxe", "own.efi",
                 "snponly32.efi", "nowhere.bin", "boot/grub/GRUB.CFG", "huge.bin", "extra/../x"]
    over_http = ["/", "/extra/", "/chain.ipxe", "/undionly.kpxe", "/own.efi", "/extra/nowhere",
                 f"/ipxe/{MAC}.ipxe?uuid=x", "/ipxe/00-11-22-33-44-66.ipxe?serial=1",
                 "/extra/huge.bin", "/extra/%2e%2e/x"]

    def asked_by_tftp(name):
        try:
            return tftp.get(lan.client, Lan.SERVER, name, port=1069, blksize=1400, windowsize=16)
        except tftp.Refused as e:
            return str(e)

    def asked_by_http(path):
        with rawhttp.Connection(lan.client, Lan.SERVER, 1080) as c:
            whole, part = c.get(path), c.get(path, "Range: bytes=700-70000")
            return (whole.status, whole.body, part.status, part.body,
                    c.get(path, method="HEAD").status,
                    c.get(path, "Content-Length: 0", method="POST").status)

    work = [(asked_by_tftp, name) for name in over_tftp] + [(asked_by_http, path)
                                                            for path in over_http]
    alone = [ask(what) for ask, what in work]

    def client(n):
        order = random.Random(n).sample(range(len(work)), len(work))
        for i in order:
            ask, what = work[i]
            assert ask(what) == alone[i], what

    at_once(10, client)


# -- a storm, from the loads of bench/ -------------------------------------------------------

class Storm:
    """A rack's worth of TFTP clients and another of HTTP's, on the server's loopback."""

    def __init__(self, lan, file, transfers):
        folder = os.path.join(os.path.dirname(pixie.binary()), "bench")
        tftp_load, http_load = os.path.join(folder, "tftp_load"), os.path.join(folder, "http_load")
        name = os.path.basename(file)
        self.loads = [lan.server.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, text=True) for argv in (
            [tftp_load, "--port", "1069", "--clients", "150", "--transfers", str(transfers),
             "--window", "1", "--bound", "60", "127.0.0.1", name, file],
            [tftp_load, "--port", "1069", "--clients", "100", "--transfers", str(transfers),
             "--window", "8", "--loss", "0.5", "--bound", "60", "127.0.0.1", name, file],
            [http_load, "--connections", "100", "--requests", str(5 * transfers), "--check",
             "--bound", "60", "127.0.0.1", "1080", f"/extra/{name}", file])]

    def running(self):
        return any(load.poll() is None for load in self.loads)

    def results(self):
        return [json.loads(load.communicate(timeout=90)[0]) for load in self.loads]

    def cut_off(self):
        for load in self.loads:
            load.kill()
            load.communicate()


def test_a_storm_on_four_workers_while_files_change(lan, site, start):
    """Every byte right; who asks for a file that is being replaced gets one or the other."""
    process = start(*FOUR[:6], "-v", "ERROR")
    versions = {noise(3000, seed) for seed in range(4)}
    names = [f"changing-{n}.bin" for n in range(3)]
    for name in names:
        site.write(f"extra/{name}", noise(3000, 0))
        os.utime(site.path("extra", name), (1e9, 1e9))
    before = threads(process)
    storm = Storm(lan, site.path("extra", "medium.bin"), 300)
    turn = 0
    while storm.running():
        turn += 1
        for name in names:
            temporary = site.path("extra", name + ".new")
            with open(temporary, "wb") as f:
                f.write(noise(3000, turn % 4))
            os.utime(temporary, (1e9 + turn, 1e9 + turn))
            os.rename(temporary, site.path("extra", name))
            assert tftp.get(lan.client, Lan.SERVER, name, port=1069) in versions
            assert rawhttp.get(lan.client, Lan.SERVER, f"/extra/{name}", port=1080).body in versions
    for got in storm.results():
        assert got["failed"] == 0 and got["ok"] >= 300, got
    after = threads(process)
    assert all(after[name] > before[name] + MS for name in after), (before, after)


# -- the end -------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_clients_of_all_workers_are_told_at_the_end(lan, site, number):
    site.write("extra/big.bin", noise(5_000_000))
    process = pixie.Pixie(lan.server, *site.options(), *FOUR)
    talks = [tftp.Conversation(lan.client, Lan.SERVER, 1069) for _ in range(40)]
    readers = [rawhttp.Connection(lan.client, Lan.SERVER, 1080, receive_buffer=4096)
               for _ in range(20)]
    for talk in talks:
        talk.rrq("big.bin").data(1)
    for reader in readers:
        reader.ask("/extra/big.bin").head()
    process.stop(number)  # checks the status
    assert {talk.peer[1] for talk in talks} == PORTS
    for talk in talks:
        assert any(isinstance(p, tftp.Error) for p in talk.drain(0.02)), "not told"
        talk.close()
    for reader in readers:
        with pytest.raises(rawhttp.Closed):
            reader.body(5_000_000)
        reader.close()


def test_it_ends_amid_a_storm(lan, site):
    """Signalled while all workers are busy; and it starts again at once."""
    for _ in range(3):
        process = pixie.Pixie(lan.server, *site.options(), *FOUR, "-v", "ERROR")
        stop = threading.Event()

        def client(n, stop=stop):
            while not stop.is_set():
                try:
                    if n % 2:
                        tftp.fetch(lan.client, Lan.SERVER, "medium.bin", port=1069, tries=0,
                                   timeout=0.5, blksize=1400, windowsize=8)
                    else:
                        rawhttp.get(lan.client, Lan.SERVER, "/extra/medium.bin", port=1080)
                except (AssertionError, OSError):
                    stop.wait(0.01)

        crowd = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for t in crowd:
            t.start()
        storm = Storm(lan, site.path("extra", "medium.bin"), 5000)
        stop.wait(0.5)
        try:
            process.stop()
        finally:
            storm.cut_off()
            stop.set()
            for t in crowd:
                t.join()


# -- ports ---------------------------------------------------------------------------------

def test_a_small_range_has_fewer_workers(lan, site, start):
    process = start(*HIGH, "--workers", "4", "--tftp-ports", "4000-4002")
    assert len(threads(process)) == 3
    event = process.logged("workers-fewer", level="WARNING")
    assert (event.values["workers"], event.values["wanted"]) == ("3", "4")
    for _ in range(10):
        assert tftp.get(lan.client, Lan.SERVER, "small.bin", port=1069) == site.read(
            "extra/small.bin")


@pytest.mark.parametrize("family, address", [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_each_worker_has_a_port_that_is_free(lan, site, start, family, address):
    """Two of four ports are somebody else's, and both would be one worker's of two."""
    others = []
    for port in (4002, 4003):
        others.append(lan.server.socket(family))
        if family == socket.AF_INET6:
            others[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        others[-1].bind((address, port))
    process = start(*HIGH, "--workers", "4", "--tftp-ports", "4000-4003")
    assert len(threads(process)) == 1
    for server in (Lan.SERVER, Lan.SERVER6):
        assert tftp.get(lan.client, server, "small.bin", port=1069) == site.read("extra/small.bin")
    for sock in others:
        sock.close()


@pytest.mark.parametrize("first, second", [(4, 4), (1, 4), (4, 1)])
@pytest.mark.parametrize("words, which", [(["-t", ":1069"], "1069"), (["-u", ":1080"], "1080")])
def test_a_second_process_is_refused(lan, site, start, first, second, words, which):
    """The workers' sockets share a port with each other, and with nobody else."""
    start(*HIGH, "--workers", first)
    other = pixie.Pixie(lan.server, "-t", ":2069", "-u", ":2080", *words, "-d", site.scripts,
                        "--workers", second, ready=False)
    assert other.wait() == UNAVAILABLE
    lines = other.log().splitlines()
    other.kill()
    assert len(lines) == 1 and which in lines[0] and words[0] in lines[0], lines
    for _ in range(20):
        assert tftp.get(lan.client, Lan.SERVER, "one.bin", port=1069) == b"x"
        assert rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin", port=1080).body == b"x"


def test_a_port_somebody_shares_already_is_refused(lan, site):
    """A program that would share it with us: half of the requests would be that one's."""
    other = lan.server.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    other.bind(("0.0.0.0", 1069))
    process = pixie.Pixie(lan.server, *HIGH, "-d", site.scripts, "--workers", "2", ready=False)
    assert process.wait() == UNAVAILABLE
    assert "1069" in process.log()
    process.kill()
    other.close()


def test_sockets_from_systemd_are_one_workers(lan, site):
    sock = lan.server.socket()
    sock.bind(("0.0.0.0", 5069))
    process = pixie.Pixie(lan.server, *site.options(), "-u", ":1080", "--workers", "4",
                          pass_sockets=[sock])
    assert process.logged("workers-fewer", "systemd", level="WARNING").values["workers"] == "1"
    assert tftp.get(lan.client, Lan.SERVER, "small.bin", port=5069) == site.read("extra/small.bin")
    assert len(threads(process)) == 1
    process.stop()
    sock.close()
