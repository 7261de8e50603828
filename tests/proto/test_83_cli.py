"""pixie status, explain and set: what an admin types, against a running server."""
import json
import os
import socket
import subprocess
import threading

import pytest

from lib import pixie, rawhttp, tftp
from lib.dhcp import DISCOVER, Client, pxe, request
from lib.fixtures import MAC, Site
from lib.netns import Lan

from test_81_api import IPXE, wait_for

USAGE, DATA, UNAVAILABLE, PROTOCOL, NO_PERMISSION = 64, 65, 69, 76, 77
FAILED, UNKNOWN = 1, 2
CLIENT = Lan.CLIENT_MAC.replace(":", "-")
NOBODY = 65534


@pytest.fixture(scope="module")
def served():
    folders = Site()
    folders.write(f"scripts/{CLIENT}.ipxe", "#!ipxe\nkernel /extra/vmlinuz\nboot\n")
    folders.write("extra/vmlinuz", b"k" * 100_000)
    yield folders
    folders.close()


@pytest.fixture(scope="module")
def pixies(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-v", "DEBUG", "--proxy-dhcp")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def run(pixies):
    def command(*words, **kw):
        return pixie.command(*words, env={"CONTROL": pixies.control}, **kw)
    return command


@pytest.fixture(scope="module")
def boot(lan, pixies):
    with Client(lan.client) as c:
        c.ask(request(DISCOVER, Lan.CLIENT_MAC, *pxe(7)))
    tftp.get(lan.client, Lan.SERVER, "snponly64.efi", blksize="1468")
    for path in ("/chain.ipxe", f"/ipxe/{CLIENT}.ipxe" + IPXE.format(CLIENT), "/extra/vmlinuz"):
        assert rawhttp.get(lan.client, Lan.SERVER, path).status == 200


@pytest.fixture(scope="module")
def ill(lan, pixies):
    """A machine without a script."""
    machine = "02-00-00-00-77-01"
    assert rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{machine}.ipxe").status == 404
    return machine


# -- status -------------------------------------------------------------------

def test_status_of_nobody(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080")
    done = pixie.command("status", "--control", process.control)
    assert (done.returncode, done.stdout) == (0, "No machine has been heard of yet.\n")
    process.stop()


def test_status_is_a_table_of_80_columns(run, boot, ill):
    done = run("status")
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["MACHINE", "ADDRESS", "STATE", "SEEN", "BOOT"]
    row = next(r for r in rows if r.startswith(CLIENT))
    assert row.split()[1:3] == [Lan.CLIENT, "boot"]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_status_in_json(run, boot):
    done = run("status", "--json")
    assert CLIENT in [m["id"] for m in json.loads(done.stdout)["machines"]]


def test_status_shows_what_is_on_its_way(lan, run, boot, served):
    served.write("extra/slow", b"s" * 2_000_000)
    with rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as c:
        c.ask("/extra/slow", host=Lan.SERVER)
        c.head()
        row = wait_for(lambda: next((r for r in run("status").stdout.splitlines()
                                     if r.startswith(CLIENT) and "%" in r), None))
        assert "extra/slow" in row and len(row) <= 80


# -- explain ------------------------------------------------------------------

@pytest.mark.parametrize("name", [CLIENT, Lan.CLIENT_MAC, CLIENT.replace("-", ""), Lan.CLIENT])
def test_explain_tells_the_story(run, boot, name):
    done = run("explain", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{CLIENT}, Dell Inc. PowerEdge R640, UEFI x86-64")
    for words in (f"script: {CLIENT}.ipxe", "Boot 1, begun 20", "Asks by DHCP what to boot",
                  "We offer", "Has fetched snponly64.efi by TFTP", "Has fetched extra/vmlinuz"):
        assert words in done.stdout, words
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_explain_gives_verdict_and_next_step(run, ill):
    done = wait_for(lambda: (d := run("explain", ill)).returncode == FAILED and d)
    assert "\nfailed    " in done.stdout and "\ndo        " in done.stdout
    assert "script" in done.stdout
    story = json.loads(run("explain", ill, "--json").stdout)
    assert story["boot"]["verdict"]["code"] == "script-missing"
    assert run("explain", ill, "--json").returncode == FAILED


def test_explain_amid_a_transfer(lan, served, run, boot):
    """What is on its way, how far it has come, and how fast."""
    served.write("extra/long.img", bytes(4_000_000))
    with Client(lan.client) as c:
        c.ask(request(DISCOVER, Lan.CLIENT_MAC, *pxe(7)))
    with rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as slow:
        slow.ask("/extra/long.img")
        said = wait_for(lambda: "On its way: extra/long.img" in (s := run("explain", CLIENT).stdout) and s)
    assert "of 4.0 MB (" in said and "/s" in said
    assert "\nrunning   All is well so far.\n" in said


def test_explain_of_a_stranger(run, boot):
    done = run("explain", "02:00:00:00:00:99")
    assert (done.returncode, done.stdout) == (UNKNOWN, "")
    assert "heard of" in done.stderr and "pixie status" in done.stderr
    done = run("explain", "192.0.2.222")
    assert done.returncode == UNKNOWN


def test_explain_of_half_a_mac(run):
    done = run("explain", "52-54-00-70-78")
    assert done.returncode == 64 and "no MAC" in done.stderr


def test_explain_of_one_that_never_booted(run):
    run("set", "02:00:00:00:00:42", "local")
    done = run("explain", "02:00:00:00:00:42")
    assert done.returncode == FAILED and "No boot of it is on record" in done.stdout


def test_names_cannot_steer_the_terminal(lan, run):
    machine = "02-00-00-00-77-02"
    rawhttp.get(lan.client, Lan.SERVER,
                f"/ipxe/{machine}.ipxe?mac={machine}&product=%1B[2J%07%0Dx%C2%9B2Jy")
    rawhttp.get(lan.client, Lan.SERVER, f"/extra/%1B]0;x%07/{machine}.ipxe")
    for words in (("status",), ("explain", machine)):
        out = run(*words).stdout
        assert not set(out) & {"\x1b", "\x07", "\r", "\x9b"}


# -- set ----------------------------------------------------------------------

@pytest.mark.parametrize("state", ["once", "local", "ignore", "boot"])
def test_set(run, state):
    done = wait_for(lambda: (d := run("set", MAC.replace("-", ":"), state)).returncode == 0 and d)
    assert done.stderr == ""
    assert done.stdout.startswith(f"{MAC} is now '{state}'")
    machine = json.loads(run("explain", MAC, "--json").stdout)
    assert (machine["state"], machine["state_by"]) == (state, "cli")


def test_set_of_one_that_was_never_seen(lan, run):
    """A slip of the pen shows at once."""
    machine = "02-00-00-00-77-04"
    assert run("set", machine, "local").stdout == \
        f"{machine} is now 'local' (no such machine has been seen yet)\n"
    assert f"{machine}  -                local   -        -\n" in run("status").stdout
    rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{machine}.ipxe")
    assert run("set", machine, "boot").stdout == f"{machine} is now 'boot'\n"


def test_a_once_that_is_used_up_is_told_apart(lan, served, run):
    machine = "02-00-00-00-77-03"
    served.write(f"scripts/{machine}.ipxe", "#!ipxe\nkernel /extra/vmlinuz\nboot\n")
    run("set", machine, "once")
    assert "State: once, set by cli" in run("explain", machine).stdout
    assert f"{machine}  -                once " in run("status").stdout
    assert rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{machine}.ipxe").status == 200
    assert "State: once (used up: its local disk is next), set by cli" in run("explain", machine).stdout
    assert " (once) " in run("status").stdout
    run("set", machine, "once")
    assert "used up" not in run("explain", machine).stdout


@pytest.mark.parametrize("nobody", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb"])
def test_set_of_what_no_machine_has(run, nobody):
    """It could never ask for anything, and would stay in the list for ever."""
    done = run("set", nobody, "local")
    assert done.returncode == DATA and "no card has the address" in done.stderr
    assert run("explain", nobody).returncode == UNKNOWN


def test_who_changed_what_is_in_the_log(run, pixies):
    run("set", MAC, "once")
    pixies.logged(MAC, "state-set", "state=once", "by=cli", level="INFO")


@pytest.mark.parametrize("spelling", [MAC.replace("-", "_"), MAC.replace("-", "").upper()])
def test_a_mac_however_it_is_written(run, spelling):
    assert MAC in run("set", spelling, "boot").stdout
    assert MAC in run("explain", spelling).stdout


def test_set_by_address(lan, run, boot):
    rawhttp.get(lan.client, Lan.SERVER, f"/chain.ipxe?mac={CLIENT}")
    assert run("set", Lan.CLIENT, "boot").stdout == f"{CLIENT} is now 'boot'\n"
    assert run("set", "192.0.2.222", "boot").returncode == DATA


# -- mistakes -----------------------------------------------------------------

MISTAKES = [
    (("set",), "usage: pixie set MAC"), (("set", MAC), "usage: pixie set MAC"),
    (("set", MAC, "on"), "boot, once, local"), (("set", "my-pc", "once"), "no MAC"),
    (("set", MAC, "once", "more"), "one word too many"), (("explain",), "usage: pixie explain MAC"),
    (("explain", "my-pc"), "no MAC"), (("explain", "../version"), "no MAC"),
    (("explain", "a b"), "no MAC"), (("explain", MAC, MAC), "one word too many"),
    (("explain", "::%lo"), "no MAC"), (("-d", "/tmp", "status"), "first word"),
    (("status", "all"), "no such command"), (("status", "--jsno"), "no such option"),
]


@pytest.mark.parametrize("words,says", MISTAKES, ids=lambda v: " ".join(v)[:20])
def test_mistakes(run, words, says):
    done = run(*words)
    assert done.returncode == USAGE and says in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ""


@pytest.mark.parametrize("command,words", [
    ("status", ["--json"]), ("explain", ["Exit status", "Example"]),
    ("set", ["once", "local", "ignore", "Exit status"]), ("roms", ["--roms"])])
def test_each_command_has_its_help(command, words):
    done = pixie.command(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: pixie {command}" in done.stdout
    for word in words:
        assert word in done.stdout
    assert all(len(line) <= 90 for line in done.stdout.splitlines())


@pytest.mark.parametrize("words", [("status",), ("explain", MAC), ("set", MAC, "once")])
def test_without_a_server(words, tmp_path):
    done = pixie.command(*words, "--control", tmp_path / "nobody")
    assert done.returncode == UNAVAILABLE and "nobody listens at" in done.stderr
    (tmp_path / "file").write_text("")
    assert pixie.command(*words, "--control", tmp_path / "file").returncode == UNAVAILABLE


def test_without_the_right(pixies):
    def as_nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    done = subprocess.run([pixie.binary(), "status", "--control", pixies.control],
                          preexec_fn=as_nobody, capture_output=True, text=True)
    assert done.returncode == NO_PERMISSION and "may not open it" in done.stderr


NONSENSE = [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"]


@pytest.mark.parametrize("words", NONSENSE, ids=lambda v: repr(v)[:20])
def test_something_else_listens_there(tmp_path, words):
    path = str(tmp_path / "c")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        peer, _ = listener.accept()
        peer.recv(4096)
        peer.sendall(words)
        peer.close()

    server = threading.Thread(target=serve)
    server.start()
    done = pixie.command("status", "--control", path)
    server.join()
    listener.close()
    assert done.returncode == PROTOCOL and len(done.stderr.splitlines()) == 1


def test_the_default_places(lan, served, tmp_path):
    """Who is not root has the socket in the run-time directory, and finds it there."""
    env = {"CONTROL": "", "XDG_RUNTIME_DIR": str(tmp_path)}
    os.chmod(tmp_path, 0o777)
    for folder in tmp_path.parents:
        if str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080", uid=NOBODY,
                          env=env)
    assert os.path.exists(tmp_path / "pixie" / "control.sock")

    def as_nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    done = subprocess.run([pixie.binary(), "status"], preexec_fn=as_nobody, capture_output=True,
                          text=True, env=pixie.environment(env))
    assert (done.returncode, done.stderr) == (0, "")
    process.stop()
