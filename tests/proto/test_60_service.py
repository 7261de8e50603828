"""Life as a service: signals, systemd's readiness and sockets, the log, what it leaves."""
import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from lib import pixie, rawhttp, tftp
from lib.fixtures import noise
from lib.netns import Lan


def serves(lan, site, tftp_port=69, http_port=80):
    assert tftp.get(lan.client, Lan.SERVER, "small.bin", port=tftp_port) == site.read("extra/small.bin")
    got = rawhttp.get(lan.client, Lan.SERVER, "/extra/small.bin", port=http_port)
    assert got.body == site.read("extra/small.bin")


# -- signals --------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_with_status_0(lan, site, number):
    process = pixie.Pixie(lan.server, *site.options())
    serves(lan, site)
    process.stop(number)  # checks the status


def test_ends_cleanly_with_transfers_under_way(lan, site):
    """Clients are told or cut off, the process does not wait for them."""
    site.write("extra/big.bin", noise(5_000_000))
    process = pixie.Pixie(lan.server, *site.options())
    with tftp.Conversation(lan.client, Lan.SERVER) as talk, \
            rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as reader, \
            rawhttp.Connection(lan.client, Lan.SERVER) as idle:
        talk.rrq("big.bin").data(1)
        reader.ask("/extra/big.bin").head()
        idle.get("/extra/small.bin")
        process.stop()
        assert idle.ended()
        with pytest.raises(rawhttp.Closed):
            reader.body(5_000_000)
        packets = talk.drain(0.3)
        assert any(isinstance(p, tftp.Error) for p in packets), "the TFTP client was not told"


def test_starts_again_at_once_on_the_same_ports(lan, site):
    """Connections in TIME_WAIT must not make the port busy."""
    for _ in range(3):
        process = pixie.Pixie(lan.server, *site.options())
        with rawhttp.Connection(lan.client, Lan.SERVER) as c:
            c.get("/extra/small.bin")
            process.stop()


def test_sighup_is_harmless(lan, site, start):
    server = start()
    with tftp.Conversation(lan.client, Lan.SERVER) as talk, \
            rawhttp.Connection(lan.client, Lan.SERVER) as c:
        talk.rrq("small.bin").data(1)
        c.get("/extra/one.bin")
        for _ in range(5):
            os.kill(server.pid, signal.SIGHUP)
            time.sleep(0.02)
        assert c.get("/extra/one.bin").body == b"x"
        talk.ack(1)
        assert talk.rest(2) == site.read("extra/small.bin")[512:]
    serves(lan, site)


def test_sigpipe_and_others_do_not_end_it(lan, site, start):
    """A client that resets in mid-file makes EPIPE; it must not be a signal."""
    site.write("extra/big.bin", noise(5_000_000))
    start()
    for _ in range(20):
        with rawhttp.Connection(lan.client, Lan.SERVER) as c:
            c.ask("/extra/big.bin").ask("/extra/big.bin").head()
            c.reset()
    serves(lan, site)


def test_stopped_and_continued(lan, site, start):
    """A suspended virtual machine: time jumps, transfers go on."""
    server = start()
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("small.bin").data(1)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(server.pid, signal.SIGCONT)
        talk.ack(1)
        while isinstance(packet := talk.recv(), tftp.Data) and packet.block == 1:
            pass
        assert packet.block == 2
    serves(lan, site)


# -- systemd ----------------------------------------------------------------------------

def test_ready_is_notified_once_when_it_really_serves(lan, site, start):
    server = start()  # Pixie waits for READY=1
    serves(lan, site)
    server.notify.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            server.notified.append(server.notify.recv(4096).decode())
    ready = [n for n in server.notified if "READY=1" in n.split("\n")]
    assert len(ready) == 1


def test_stopping_is_notified(lan, site, start):
    server = start()
    server.notify.settimeout(60)
    os.kill(server.pid, signal.SIGTERM)
    try:
        said = server.notify.recv(4096).decode()
    finally:
        status = server.wait()
        server.kill()
    assert "STOPPING=1" in said.split("\n") and status == 0


def test_not_ready_when_it_fails(lan, site):
    first = pixie.Pixie(lan.server, *site.options())
    second = pixie.Pixie(lan.server, *site.options(), ready=False)
    assert second.wait() == 69
    second.notify.setblocking(False)
    with pytest.raises(BlockingIOError):
        second.notify.recv(4096)
    second.kill()
    first.stop()


def bound(lan, kind, address, port, family=socket.AF_INET):
    sock = lan.server.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    return sock


ACTIVATED = {
    "IPv4": [(socket.AF_INET, "0.0.0.0")],
    "one address": [(socket.AF_INET, Lan.SERVER)],
    "dual stack, systemd's default": [(socket.AF_INET6, "::")],
    "IPv6 only and IPv4": [(socket.AF_INET6, Lan.SERVER6), (socket.AF_INET, "0.0.0.0")],
}


@pytest.mark.parametrize("case", ACTIVATED)
@pytest.mark.parametrize("single", [[], ["--tftp-single-port"]])
def test_socket_activation(lan, site, case, single):
    """sd_listen_fds(3): datagram sockets are TFTP, stream sockets HTTP, at whatever port."""
    sockets = [bound(lan, kind, address, port, family) for family, address in ACTIVATED[case]
               for kind, port in ((socket.SOCK_DGRAM, 5069), (socket.SOCK_STREAM, 5080))]
    process = pixie.Pixie(lan.server, *site.options(), *single, pass_sockets=sockets, uid=65534)
    serves(lan, site, 5069, 5080)
    if case not in ("IPv4", "one address"):
        assert tftp.get(lan.client, Lan.SERVER6, "small.bin", port=5069) == site.read("extra/small.bin")
        assert rawhttp.get(lan.client, Lan.SERVER6, "/extra/one.bin", port=5080).body == b"x"
    process.stop()
    for sock in sockets:
        sock.close()


def test_sockets_for_another_process_are_not_taken(lan, site):
    process = pixie.Pixie(lan.server, *site.options(), env={"LISTEN_PID": "1", "LISTEN_FDS": "2"})
    serves(lan, site)
    process.stop()


def test_only_one_socket_passed_opens_the_other_itself(lan, site):
    sock = bound(lan, socket.SOCK_DGRAM, "0.0.0.0", 5069)
    process = pixie.Pixie(lan.server, *site.options(), "-u", ":5080", pass_sockets=[sock])
    serves(lan, site, 5069, 5080)
    process.stop()
    sock.close()


# -- the log -----------------------------------------------------------------------------

def test_every_line_has_the_form(lan, site, start):
    """TIME LEVEL WHO EVENT key=value…; Pixie.events() fails on any other line."""
    server = start()
    serves(lan, site)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.rrq("nowhere \"quoted\" \\ = name").refused(tftp.NOT_FOUND)
        talk.send_to_start(b"\0\x09")
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        c.get("/extra/%e2%98%83%20snow", "User-Agent: a \"b\" \\ =")
    server.logged("quoted")
    server.logged("snow")
    assert len(server.events()) >= 5
    assert server.output() == ""  # the log is on standard error


def test_first_lines_say_where_it_listens(lan, site, start):
    server = start("-t", ":1069", "-u", ":1080")
    text = "\n".join(e.line for e in server.events() if e.level == "INFO")
    assert "1069" in text and "1080" in text


def test_who_is_the_neighbours_mac_or_the_address(lan, site, start):
    server = start()
    tftp.get(lan.client, Lan.SERVER, "one.bin")
    assert server.logged("tftp-sent", "one.bin").who == Lan.CLIENT_MAC.replace(":", "-")
    tftp.get(lan.server, "127.0.0.1", "small.bin")  # loopback has no neighbours
    assert server.logged("tftp-sent", "small.bin").who == "127.0.0.1"


def test_under_systemd_priorities_instead_of_time(lan, site):
    """sd-daemon(3): <6> for INFO, <7> for DEBUG; the journal has its own clock."""
    process = pixie.Pixie(lan.server, *site.options(), "-v", "DEBUG",
                          env=lambda fd: {"JOURNAL_STREAM": "%d:%d" % (
                              os.fstat(fd).st_dev, os.fstat(fd).st_ino)})
    serves(lan, site)
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        talk.send(b"\0\x09junk")
    serves(lan, site)
    lines = process.log().splitlines()
    process.stop()
    assert all(re.match(r"<[3467]>(ERROR|WARNING|INFO|DEBUG) \S+ [a-z-]+", x) for x in lines), lines
    assert any(x.startswith("<6>INFO") for x in lines)
    assert any(x.startswith("<7>DEBUG") for x in lines)


def wait_serving(lan, site, process):
    """For servers started without Pixie, which would wait for READY."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin")
            return serves(lan, site)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError(f"it does not serve; status {process.poll()}")


def test_log_to_a_full_pipe_does_not_stop_it(lan, site):
    """A logger that hangs must not hang the boots."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)  # as a shell's pipe is
    process = lan.server.popen([pixie.binary(), *site.options(), "-v", "DEBUG"], stderr=writer,
                               env=pixie.environment(), stdin=subprocess.DEVNULL)
    try:
        wait_serving(lan, site, process)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        os.close(reader)
        os.close(writer)
    assert status == 0


def test_reader_of_the_log_goes_away(lan, site):
    """`pixie 2>&1 | head`: the lines are lost, the boots go on."""
    reader, writer = os.pipe()
    process = lan.server.popen([pixie.binary(), *site.options(), "-v", "DEBUG"], stderr=writer,
                               stdout=writer, env=pixie.environment(), stdin=subprocess.DEVNULL)
    os.close(writer)
    try:
        assert os.read(reader, 100)
        os.close(reader)
        wait_serving(lan, site, process)
        serves(lan, site)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 0


def test_closed_standard_descriptors(lan, site):
    """Started with 0, 1, 2 closed: a served file must not land on descriptor 2."""
    process = pixie.Pixie(lan.server, *site.options(), before_exec=lambda: os.closerange(0, 3))
    serves(lan, site)
    for fd in (0, 1, 2):
        path = f"/proc/{process.pid}/fd/{fd}"
        if os.path.lexists(path):
            assert "socket" not in os.readlink(path) and not stat.S_ISREG(os.stat(path).st_mode)
    process.stop()


# -- what it leaves ------------------------------------------------------------------------

@pytest.mark.parametrize("state", ["none", "elsewhere"])
def test_it_writes_nothing_into_its_directories(lan, own_site, start, tmp_path, state):
    """But .pixie.db, where the state is not told to be elsewhere (test_85)."""
    if state == "elsewhere":
        state = tmp_path / "state.db"
    own_site.write("extra/small.bin", b"x")
    def tree():
        return sorted((d, tuple(f)) for d, _, f in os.walk(own_site.root))
    before = tree()
    start("-t", ":1069", "-u", ":1080", "--roms", own_site.roms, "--state", state, site=own_site)
    tftp.get(lan.client, Lan.SERVER, "small.bin", port=1069)
    rawhttp.get(lan.client, Lan.SERVER, "/extra/small.bin", port=1080)
    assert tree() == before


def test_descriptors_are_close_on_exec(lan, site, start):
    server = start()
    serves(lan, site)
    for fd in os.listdir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # the store looks at its file now and then
            with open(f"/proc/{server.pid}/fdinfo/{fd}") as f:
                flags = int(re.search(r"flags:\s+(\d+)", f.read())[1], 8)
            assert int(fd) <= 2 or flags & os.O_CLOEXEC, os.readlink(f"/proc/{server.pid}/fd/{fd}")
