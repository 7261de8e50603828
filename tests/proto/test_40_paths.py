"""Names: nothing in a request leaves the tree, by either protocol; the admin's links do."""
import os
import socket

import pytest

from lib import rawhttp, tftp
from lib.fixtures import MAC
from lib.netns import Lan

SECRET = b"outside of the tree\n"


@pytest.fixture(scope="module")
def tree(site):
    """Outside of the served directories: a secret. Inside: links, and things that are no files."""
    site.write("secret.txt", SECRET)
    site.write("outside/deep/file.bin", b"linked to")
    site.write("extra/in/file.bin", b"inside")
    site.write("extra/win/Boot/BCD", b"hive")
    os.symlink(site.path("outside"), site.path("extra", "link-to-folder"))
    os.symlink("../outside/deep/file.bin", site.path("extra", "link-to-file"))
    os.symlink("in/file.bin", site.path("extra", "link-inside"))
    os.symlink("nowhere", site.path("extra", "link-dangling"))
    os.symlink("link-loop", site.path("extra", "link-loop"))
    os.symlink(site.path("outside", "deep", "file.bin"),
               site.path("scripts", "00-11-22-33-44-77.ipxe"))
    os.mkfifo(site.path("extra", "fifo"))
    os.mknod(site.path("extra", "device"), 0o20666, os.makedev(1, 5))  # /dev/zero
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(site.path("extra", "socket"))
    sock.close()
    os.symlink("/dev/zero", site.path("extra", "link-to-device"))
    return site


def by_tftp(lan, name):
    """The bytes, or the ERROR packet."""
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        packet = talk.rrq(name).recv()
        if isinstance(packet, tftp.Error):
            return packet
        talk.ack(packet.block)
        assert len(packet.payload) < 512
        return packet.payload


def by_http(lan, target):
    return rawhttp.get(lan.client, Lan.SERVER, target)


# -- out of the tree ------------------------------------------------------------------

CLIMBERS = [
    "../secret.txt", "/../secret.txt", "extra/../../secret.txt", "extra/../secret.txt",
    "ipxe/../../secret.txt", "in/../../secret.txt", "in/../../../../../../etc/passwd",
    "..\\secret.txt", "extra\\..\\..\\secret.txt", "....//secret.txt", "in/./../../secret.txt",
    "/etc/passwd", "//etc/passwd", "extra//etc/passwd", "C:\\secret.txt", "..", "../", "extra/..",
    "ipxe/..", "in/..", ".../secret.txt", "link-to-folder/../secret.txt",
    "link-to-folder/deep/../../secret.txt", "../extra/../secret.txt", "~root/.profile",
    "%2e%2e/secret.txt", "extra/%2e%2e/%2e%2e/secret.txt",
]


@pytest.mark.parametrize("name", CLIMBERS)
def test_tftp_name_stays_in_the_tree(lan, server, tree, name):
    got = by_tftp(lan, name)
    assert isinstance(got, tftp.Error) and got.code in (tftp.NOT_FOUND, tftp.ACCESS), got


@pytest.mark.parametrize("name", CLIMBERS + [
    "%2e%2e%2fsecret.txt", "extra/%2e%2e%2fsecret.txt", "extra/..%2f..%2fsecret.txt",
    "extra/..%5c..%5csecret.txt", "extra/%252e%252e/secret.txt", "extra/%2fetc%2fpasswd",
    "extra/..%00/secret.txt", "extra/.%2e/secret.txt", "extra/%c0%ae%c0%ae/secret.txt",
    "extra/..%c0%afsecret.txt", "ipxe/%2e%2e/%2e%2e/etc/passwd",
])
def test_http_target_stays_in_the_tree(lan, server, tree, name):
    got = by_http(lan, "/" + name.lstrip("/") if not name.startswith("//") else name)
    assert got.status in (400, 403, 404), got
    assert SECRET not in got.body and b"root:" not in got.body


@pytest.mark.parametrize("query", ["uuid=../../secret.txt%00", "serial=../../secret.txt",
                                   "serial=..%2f..%2fsecret.txt", "serial=../secret",
                                   "serial=/etc/passwd", "uuid=..", "serial=.."])
def test_uuid_and_serial_cannot_climb(lan, server, tree, query):
    tree.write("secret.ipxe", SECRET)
    got = by_http(lan, f"/ipxe/02-00-00-00-00-99.ipxe?{query}")
    assert got.status in (400, 404) and SECRET not in got.body


# -- bytes nobody honest sends -----------------------------------------------------------

def test_nul_in_an_http_name(lan, server, tree):
    for target in ("/extra/one.bin%00", "/extra/one.bin%00.efi", "/extra/%00", "/%00"):
        assert by_http(lan, target).status in (400, 404), target


@pytest.mark.parametrize("name", [b"one\x01.bin", b"\x07one.bin", b"one\r\n.bin", b"on\x1b[31me.bin"])
def test_control_bytes_inside_are_refused(lan, server, tree, name):
    got = by_tftp(lan, name)
    assert isinstance(got, tftp.Error) and got.code in (tftp.NOT_FOUND, tftp.ACCESS)
    target = b"/extra/" + b"".join(b"%%%02x" % b for b in name)
    assert by_http(lan, target).status in (400, 404)


@pytest.mark.parametrize("tail", [b"\xff", b"\xff\xff", b"\x01\x02", b"\r", b"\n", b"\xff\x01"])
def test_tail_of_ff_and_control_bytes_is_dropped(lan, server, tree, tail):
    """Firmware that reads past option 67 (netboot.xyz#1198)."""
    assert by_tftp(lan, b"one.bin" + tail) == b"x"
    target = b"/extra/one.bin" + b"".join(b"%%%02x" % b for b in tail)
    assert by_http(lan, target).body == b"x"


def test_inner_utf8_is_kept(lan, server, tree):
    tree.write("extra/grün/ß.bin", b"utf-8")
    assert by_tftp(lan, "grün/ß.bin".encode()) == b"utf-8"
    assert by_http(lan, "/extra/gr%C3%BCn/%C3%9F.bin").body == b"utf-8"


def test_encoded_slash_is_a_slash_or_refused(lan, server, tree):
    got = by_http(lan, "/extra%2fin%2ffile.bin")
    assert (got.status, got.body) == (200, b"inside") or got.status in (400, 404)


@pytest.mark.parametrize("target", ["/extra/%", "/extra/%4", "/extra/%zz", "/extra/one.bin%"])
def test_broken_percent_code(lan, server, tree, target):
    assert by_http(lan, target).status in (400, 404)


def test_percent_codes_are_decoded_once(lan, server, tree):
    tree.write("extra/a%20b", b"percent")
    tree.write("extra/a b", b"space")
    assert by_http(lan, "/extra/a%2520b").body == b"percent"
    assert by_http(lan, "/extra/a%20b").body == b"space"
    assert by_http(lan, "/extra/%6f%6E%65.bin").body == b"x"


# -- spellings that are meant well --------------------------------------------------------

GOOD = {"in/file.bin": b"inside", "/in/file.bin": b"inside", "//in///file.bin": b"inside",
        "in\\file.bin": b"inside", "\\in\\file.bin": b"inside", "./in/./file.bin": b"inside",
        "extra/in/file.bin": b"inside", "/extra/in/file.bin": b"inside",
        "extra\\in\\file.bin": b"inside"}


@pytest.mark.parametrize("name", GOOD)
def test_slashes_of_all_kinds_by_tftp(lan, server, tree, name):
    assert by_tftp(lan, name) == GOOD[name]


def test_backslash_by_http(lan, server, tree):
    assert by_http(lan, "/extra\\in\\file.bin").body == b"inside"
    assert by_http(lan, "/extra/in%5Cfile.bin").body == b"inside"


@pytest.mark.parametrize("name", ["win/boot/bcd", "WIN/BOOT/BCD", "\\Win\\Boot\\bcd",
                                  "extra/win/bOOT/bCd"])
def test_bootmgr_asks_in_the_wrong_case(lan, server, tree, name):
    assert by_tftp(lan, name) == b"hive"
    assert by_http(lan, "/" + name.replace("\\", "/").lstrip("/")).body == b"hive"


def test_the_right_case_wins(lan, server, tree):
    tree.write("extra/case/File", b"upper")
    tree.write("extra/case/file", b"lower")
    assert by_tftp(lan, "case/File") == b"upper"
    assert by_tftp(lan, "case/file") == b"lower"
    assert by_tftp(lan, "case/FILE") in (b"upper", b"lower")


# -- what the admin placed ------------------------------------------------------------------

@pytest.mark.parametrize("name, content", [
    ("link-to-file", b"linked to"), ("link-to-folder/deep/file.bin", b"linked to"),
    ("link-inside", b"inside")])
def test_links_are_followed_also_out_of_the_tree(lan, server, tree, name, content):
    assert by_tftp(lan, name) == content
    assert by_http(lan, f"/extra/{name}").body == content


def test_script_that_is_a_link(lan, server, tree):
    assert by_http(lan, "/ipxe/00-11-22-33-44-77.ipxe").body == b"linked to"


def test_script_directory_that_is_a_link(lan, tree, start):
    os.symlink(tree.scripts, tree.path("scripts-link"))
    start("-t", ":1069", "-u", ":1080", "-d", tree.path("scripts-link"))
    got = rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{MAC}.ipxe", port=1080)
    assert got.body == tree.read(f"scripts/{MAC}.ipxe")


@pytest.mark.parametrize("name", ["link-dangling", "link-loop", "link-dangling/x", "one.bin/x"])
def test_dangling_and_looping_links_are_not_found(lan, server, tree, name):
    assert by_tftp(lan, name).code == tftp.NOT_FOUND
    assert by_http(lan, f"/extra/{name}").status == 404


@pytest.mark.parametrize("name", ["fifo", "device", "socket", "link-to-device"])
def test_what_is_no_file_is_refused_and_hangs_nobody(lan, server, tree, name):
    got = by_tftp(lan, name)
    assert isinstance(got, tftp.Error) and got.code in (tftp.NOT_FOUND, tftp.ACCESS)
    assert by_http(lan, f"/extra/{name}").status in (403, 404)
    assert by_tftp(lan, "one.bin") == b"x"


def test_proc_magic_links_are_no_way_out(lan, server, tree):
    """A link to /proc/self/root is the admin's; a path through its magic is nobody's."""
    if not os.path.lexists(tree.path("extra", "proc")):
        os.symlink("/proc", tree.path("extra", "proc"))
    got = by_http(lan, "/extra/proc/self/root/etc/passwd")
    assert got.status in (400, 403, 404) and b"root:" not in got.body


def test_unreadable_file_is_denied(lan, tree, start):
    tree.write("extra/locked.bin", b"mine")
    os.chmod(tree.path("extra", "locked.bin"), 0)
    server = start("-t", ":1069", "-u", ":1080", uid=65534)
    with tftp.Conversation(lan.client, Lan.SERVER, 1069) as talk:
        talk.rrq("locked.bin").refused(tftp.ACCESS)
    got = rawhttp.get(lan.client, Lan.SERVER, "/extra/locked.bin", port=1080)
    assert got.status == 403 and b"mine" not in got.body
    server.logged("locked.bin")


@pytest.mark.parametrize("length", [255, 256, 1000, 1023, 1024, 1500])
def test_long_names_are_refused_by_tftp(lan, server, tree, length):
    got = by_tftp(lan, "n" * length)
    assert isinstance(got, tftp.Error) and got.code in (tftp.NOT_FOUND, tftp.ACCESS)
