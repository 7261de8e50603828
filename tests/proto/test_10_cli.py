"""The command line: the original's flags, variables and spellings, and mistakes.

A mistake is one line that says what and how to cure it, and a status of sysexits(3).
"""
import contextlib
import os
import pathlib
import re

import pytest

from lib import pixie, rawhttp, tftp
from lib.fixtures import Site
from lib.netns import Lan, Namespace

USAGE, NO_INPUT, UNAVAILABLE, NO_PERMISSION = 64, 66, 69, 77
NOBODY = 65534
ROOT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def running(lan, *args, **kw):
    process = pixie.Pixie(lan.server, *args, **kw)
    try:
        yield process
    finally:
        process.stop()


def answers(lan, tftp_port=69, http_port=80):
    """Both servers give the machine's script at these ports."""
    over_tftp = tftp.get(lan.client, Lan.SERVER, "ipxe/00-11-22-33-44-55.ipxe", port=tftp_port)
    over_http = rawhttp.get(lan.client, Lan.SERVER, "/ipxe/00-11-22-33-44-55.ipxe",
                            port=http_port).body
    return over_tftp == over_http == b"#!ipxe\necho the script of 55\n"


# -- it teaches ---------------------------------------------------------------

@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
def test_help_goes_to_stdout_and_names_every_option(flag):
    done = pixie.command(flag)
    assert done.returncode == 0 and done.stderr == ""
    table = (ROOT / "src/conf/conf.def").read_text()
    options = re.findall(r'OPT\(\w+, \w+, [^,]+, "([\w-]+)"', table)
    assert len(options) >= 16
    for word in ("-t", "-u", "-d", "-e", "-v", *(f"--{name}" for name in options), "TFTP",
                 "HTTP", "SCRIPTS", "EXTRA", "LEVEL", "0.0.0.0:69", "0.0.0.0:80", "INFO", "roms"):
        assert word in done.stdout, word
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_version_is_one_line():
    done = pixie.command("--version")
    assert (done.returncode, done.stderr) == (0, "")
    name, version = done.stdout.split()
    assert name == "pixie" and version[0].isdigit()


def test_roms_lists_names_hashes_and_empty_slots():
    done = pixie.command("roms")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("undionly.kpxe", "snponly64.efi", "snponly.efi", "ipxe64.efi", "ipxe.efi",
                 "snponly-arm64.efi", "ipxe-arm64.efi", "snponly32.efi", "ipxe32.efi",
                 "snponly-arm32.efi", "ipxe-riscv64.efi", "ipxe-loong64.efi"):
        assert name in done.stdout, name
    empty = [line for line in done.stdout.splitlines() if line.startswith("snponly32.efi")]
    assert "empty" in empty[0] and "--roms" in empty[0]


# -- the spellings of the original's parser (go-arg) --------------------------------

SPELLINGS = [
    ["-t", ":1069", "-u", ":1080", "-d", "DIR"],
    ["-t=:1069", "-u=:1080", "-d=DIR"],
    ["--tftp", ":1069", "--http", ":1080", "--scripts", "DIR"],
    ["--tftp=:1069", "--http=:1080", "--scripts=DIR"],
    ["-tftp", ":1069", "-http", ":1080", "-scripts", "DIR"],
    ["-tftp=:1069", "-http=:1080", "-scripts=DIR"],
    ["-t", "0.0.0.0:1069", "-u", "192.0.2.1:1080", "-d", "DIR", "-e", "", "-v", "debug"],
]


@pytest.mark.parametrize("words", SPELLINGS, ids=" ".join)
def test_flags_as_the_original_takes_them(lan, site, words):
    with running(lan, *[w.replace("DIR", site.scripts) for w in words]):
        assert answers(lan, 1069, 1080)


def test_defaults_are_port_69_and_80_everywhere(lan, site):
    with running(lan, "-d", site.scripts):
        assert answers(lan)
        for address in (Lan.SECOND, Lan.SERVER6):
            assert tftp.get(lan.client, address, "chain.ipxe")
            assert rawhttp.get(lan.client, address, "/chain.ipxe").status == 200


def test_environment_of_the_original(lan, site):
    env = {"TFTP": ":1069", "HTTP": ":1080", "SCRIPTS": site.scripts, "EXTRA": site.extra,
           "LEVEL": "DEBUG"}
    with running(lan, env=env) as process:
        assert answers(lan, 1069, 1080)
        assert rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin", port=1080).body == b"x"
        assert any(e.level == "DEBUG" for e in process.events())


def test_flags_win_over_the_environment(lan, site):
    env = {"TFTP": "nonsense", "HTTP": ":1", "SCRIPTS": "/nonexistent", "LEVEL": "nonsense"}
    with running(lan, "-t", ":1069", "-u", ":1080", "-d", site.scripts, "-v", "ERROR", env=env):
        assert answers(lan, 1069, 1080)


def test_original_container_environment_with_single_port(lan, site):
    env = {"TFTP": ":6969", "HTTP": ":8080", "SCRIPTS": site.scripts, "TFTP_SINGLE_PORT": "1"}
    with running(lan, env=env):
        assert answers(lan, 6969, 8080)


def test_zero_address_and_empty_host_mean_both_families(lan, site):
    for host in ("0.0.0.0", ""):
        with running(lan, "-t", f"{host}:1069", "-u", f"{host}:1080", "-d", site.scripts):
            for address in (Lan.SERVER, Lan.SERVER6):
                assert tftp.get(lan.client, address, "chain.ipxe", port=1069)
                assert rawhttp.get(lan.client, address, "/chain.ipxe", port=1080).status == 200


def test_one_ipv6_address_means_only_that_one(lan, site):
    with running(lan, "-t", f"[{Lan.SERVER6}]:1069", "-u", f"[{Lan.SERVER6}]:1080",
                 "-d", site.scripts):
        assert tftp.get(lan.client, Lan.SERVER6, "chain.ipxe", port=1069)
        assert rawhttp.get(lan.client, Lan.SERVER6, "/chain.ipxe", port=1080).status == 200
        for address in (Lan.SERVER, Lan.SECOND6):
            with pytest.raises(ConnectionRefusedError):
                rawhttp.Connection(lan.client, address, 1080)


def test_a_machine_without_ipv6_is_served_by_the_default(site):
    ns = Namespace()
    ns.sysctl("ipv6/conf/all/disable_ipv6", 1)
    process = pixie.Pixie(ns, "-d", site.scripts)
    assert tftp.get(ns, "127.0.0.1", "chain.ipxe").startswith(b"#!ipxe")
    process.stop()
    ns.close()


def test_relative_script_directory(lan, site):
    with running(lan, "-d", "scripts", cwd=site.root):
        assert answers(lan)


# -- levels ---------------------------------------------------------------------

@pytest.mark.parametrize("level", ["ERROR", "WARNING", "INFO", "DEBUG"])
def test_verbosity_shows_its_level_and_worse(lan, site, level):
    order = ["ERROR", "WARNING", "INFO", "DEBUG"]
    with running(lan, "-d", site.scripts, "-v", level) as process:
        with pytest.raises(tftp.Refused):
            tftp.get(lan.client, Lan.SERVER, "snponly32.efi")
        assert answers(lan)                                    # a script served is INFO
        with tftp.Conversation(lan.client, Lan.SERVER) as talk:
            talk.send(b"\0\x09junk")                           # a drop is DEBUG
        assert answers(lan)
        if level in ("INFO", "DEBUG"):
            process.logged("00-11-22-33-44-55", level="INFO")
        if level == "DEBUG":
            process.logged("drop", level="DEBUG")
        seen = {e.level for e in process.events()}
        assert seen <= set(order[:order.index(level) + 1])
        assert seen or level in ("ERROR", "WARNING")


# -- mistakes --------------------------------------------------------------------

def one_line(done, status, *words):
    assert done.returncode == status, done
    assert done.stdout == "", done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], (word, lines[0])


MISTAKES = {
    "no script directory": ([], USAGE, ["-d"]),
    "unknown flag": (["-d", "DIR", "--nonsense"], USAGE, ["--nonsense"]),
    "unknown word": (["-d", "DIR", "nonsense"], USAGE, ["nonsense"]),
    "flag without value": (["-d"], USAGE, ["-d"]),
    "no port": (["-d", "DIR", "-t", "192.0.2.1"], USAGE, ["192.0.2.1", "port"]),
    "port zero": (["-d", "DIR", "-t", ":0"], USAGE, [":0"]),
    "port too big": (["-d", "DIR", "-u", ":65536"], USAGE, [":65536"]),
    "port a word": (["-d", "DIR", "-u", ":tftp"], USAGE, [":tftp"]),
    "port with a tail": (["-d", "DIR", "-u", ":80x"], USAGE, [":80x"]),
    "host a name": (["-d", "DIR", "-u", "localhost:80"], USAGE, ["localhost"]),
    "IPv6 without brackets": (["-d", "DIR", "-u", "2001:db8::1:80"], USAGE, ["2001:db8::1:80"]),
    "level": (["-d", "DIR", "-v", "LOUD"], USAGE, ["LOUD", "DEBUG"]),
    "advertise any": (["-d", "DIR", "--advertise", "0.0.0.0"], USAGE, ["0.0.0.0", "reach"]),
    "advertise a name": (["-d", "DIR", "--advertise", "boot.example"], USAGE, ["boot.example"]),
    "ports backwards": (["-d", "DIR", "--tftp-ports", "9-8"], USAGE, ["9-8"]),
    "ports one": (["-d", "DIR", "--tftp-ports", "4000"], USAGE, ["4000"]),
    "refuse unknown": (["-d", "DIR", "--tftp-refuse", "blksize,foo"], USAGE, ["foo"]),
    "pace without a number": (["-d", "DIR", "--pace", "fast"], USAGE, ["--pace", "fast", "10M"]),
    "pace in another unit": (["-d", "DIR", "--pace", "10MB"], USAGE, ["10MB"]),
    "timer zero": (["-d", "DIR", "--tftp-min-timer", "0"], USAGE, ["--tftp-min-timer", "2000"]),
    "timer not a number": (["-d", "DIR", "--tftp-min-timer", "10ms"], USAGE, ["10ms"]),
    "single port and ports": (["-d", "DIR", "--tftp-single-port", "--tftp-ports", "4000-4001"],
                              USAGE, ["--tftp-single-port", "--tftp-ports"]),
    "host name of two words": (["-d", "DIR", "--host-name", "a b"], USAGE, ["--host-name", "'a b'"]),
    "host name with its port": (["-d", "DIR", "--host-name", "boot,pxe:80"], USAGE, ["'pxe:80'"]),
    "host name that is a URL": (["-d", "DIR", "--host-name", "http://boot/"], USAGE, ["boot"]),
    "host name of nothing": (["-d", "DIR", "--host-name", "a,,b"], USAGE, ["--host-name", "''"]),
    "host name not as it is sent": (["-d", "DIR", "--host-name", "b\xf6\xf6t"], USAGE, ["xn--"]),
    "host name with an empty label": (["-d", "DIR", "--host-name", "a..b"], USAGE, ["'a..b'"]),
    "host name with a final dot": (["-d", "DIR", "--host-name", "a.b."], USAGE, ["'a.b.'"]),
    "host name too long": (["-d", "DIR", "--host-name", "a" * 64], USAGE, ["a" * 64]),
    "directory absent": (["-d", "/nonexistent"], NO_INPUT, ["/nonexistent"]),
    "directory a file": (["-d", "/dev/null"], NO_INPUT, ["/dev/null", "directory"]),
    "extra absent": (["-d", "DIR", "-e", "/nonexistent"], NO_INPUT, ["-extra", "/nonexistent"]),
    "roms absent": (["-d", "DIR", "--roms", "/nonexistent"], NO_INPUT, ["--roms"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake(site, case):
    words, status, says = MISTAKES[case]
    one_line(pixie.command(*[w.replace("DIR", site.scripts) for w in words]), status, *says)


@pytest.mark.parametrize("name, flag", [("TFTP", ":x"), ("HTTP", ":x"), ("LEVEL", "LOUD"),
                                        ("HOST_NAME", "a b"), ("EXTRA", "/nonexistent"), ("SCRIPTS", "/nonexistent")])
def test_mistake_in_the_environment_quotes_the_value(site, name, flag):
    env = {"SCRIPTS": site.scripts, name: flag}
    done = pixie.command(env=env)
    one_line(done, NO_INPUT if flag[0] == "/" else USAGE, flag)


@pytest.mark.parametrize("words, which", [(["-t", ":1069"], "1069"), (["-u", ":1080"], "1080")])
def test_busy_port(lan, site, words, which):
    with running(lan, "-t", ":1069", "-u", ":1080", "-d", site.scripts):
        second = pixie.Pixie(lan.server, "-t", ":2069", "-u", ":2080", *words, "-d",
                             site.scripts, ready=False)
        assert second.wait() == UNAVAILABLE
        lines = second.log().splitlines()
        second.kill()
        assert len(lines) == 1 and which in lines[0] and words[0] in lines[0], lines


def test_address_that_is_not_ours(lan, site):
    process = pixie.Pixie(lan.server, "-u", "203.0.113.9:80", "-d", site.scripts, ready=False)
    assert process.wait() == UNAVAILABLE
    assert "203.0.113.9" in process.log() and len(process.log().splitlines()) == 1
    process.kill()


def test_low_port_without_the_right(lan, site):
    process = pixie.Pixie(lan.server, "-d", site.scripts, uid=NOBODY, ready=False)
    assert process.wait() == NO_PERMISSION
    lines = process.log().splitlines()
    process.kill()
    assert len(lines) == 1 and "69" in lines[0] and "root" in lines[0], lines


def test_directory_without_the_right(lan):
    closed = Site()
    os.chmod(closed.scripts, 0o700)
    process = pixie.Pixie(lan.server, "-t", ":1069", "-u", ":1080", "-d", closed.scripts,
                          uid=NOBODY, ready=False)
    assert process.wait() == NO_PERMISSION
    lines = process.log().splitlines()
    process.kill()
    closed.close()
    assert len(lines) == 1 and closed.scripts in lines[0], lines


def test_high_ports_need_no_right(lan, site):
    with running(lan, "-t", ":1069", "-u", ":1080", "-d", site.scripts, uid=NOBODY):
        assert answers(lan, 1069, 1080)
