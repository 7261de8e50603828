"""HTTP/1.1 as iPXE and EDK2 need it: GET, HEAD, lengths, types, kept connections, no redirects."""
import email.utils
import os
import re

import pytest

from lib import rawhttp
from lib.fixtures import MAC, noise
from lib.netns import Lan


@pytest.fixture
def http(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as connection:
        yield connection


FILES = {
    f"/ipxe/{MAC}.ipxe": f"scripts/{MAC}.ipxe",
    "/ipxe/sub/inner.ipxe": "scripts/sub/inner.ipxe",
    "/extra/empty.bin": "extra/empty.bin",
    "/extra/one.bin": "extra/one.bin",
    "/extra/medium.bin": "extra/medium.bin",
    "/extra/boot/grub/grub.cfg": "extra/boot/grub/grub.cfg",
    "/small.bin": "extra/small.bin",  # the root falls back to the extra directory
}


@pytest.mark.parametrize("target", FILES)
def test_get_and_head(http, site, target):
    content = site.read(FILES[target])
    got = http.get(target)
    assert got.status == 200 and got.body == content
    assert got["content-length"] == str(len(content))
    head = http.get(target, method="HEAD")
    assert head.status == 200
    for name in ("content-length", "etag", "content-type", "last-modified"):
        assert head[name] == got[name], name


def test_head_sends_no_body(http):
    http.ask("/extra/medium.bin", method="HEAD").answer("HEAD")
    assert http.get("/extra/one.bin").body == b"x"  # the next answer begins at once


def test_a_big_file_by_sendfile(http, site, lan):
    content = site.write("extra/big.bin", noise(20_000_000))
    assert http.get("/extra/big.bin").body == content
    assert rawhttp.get(lan.client, Lan.SERVER6, "/extra/big.bin").body == content


def test_query_is_not_part_of_the_name(http):
    assert http.get("/extra/one.bin?x=/../y").body == b"x"


# -- what EDK2 and iPXE look at -----------------------------------------------------

@pytest.mark.parametrize("name", ["snponly.efi", "ipxe.efi", "snponly-arm64.efi"])
def test_edk2_type_of_efi_is_the_whole_value(http, name):
    """EDK2 compares the whole field: no charset, no parameters."""
    assert http.get(f"/{name}", method="HEAD")["content-type"] == "application/efi"


def test_type_of_scripts_and_files(http, site):
    site.write("extra/page.html", "<p>")
    assert http.get(f"/ipxe/{MAC}.ipxe")["content-type"].startswith("text/plain")
    assert http.get("/chain.ipxe")["content-type"].startswith("text/plain")
    assert http.get("/extra/page.html")["content-type"].startswith("text/html")
    assert http.get("/extra/medium.bin")["content-type"] == "application/octet-stream"


def test_edk2_http_boot_is_head_then_get_on_one_connection_then_rst(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        size = int(c.get("/snponly.efi", "Accept: */*", "User-Agent: UefiHttpBoot/1.0",
                         method="HEAD")["content-length"])
        assert len(c.get("/snponly.efi", "Accept: */*", "User-Agent: UefiHttpBoot/1.0").body) == size
        c.reset()
    server.logged("snponly.efi", level="INFO")


def test_ipxe_reuses_its_connection_for_script_kernel_and_initrd(http, site):
    for _ in range(3):
        for target in (f"/ipxe/{MAC}.ipxe", "/extra/small.bin", "/extra/medium.bin"):
            got = http.get(target, "Connection: keep-alive", "User-Agent: iPXE/1.21.1")
            assert got.status == 200 and got.body == site.read(FILES.get(target, target[1:]))


def test_ipxe_status_line_has_a_space_after_the_code(http):
    http.ask("/nowhere")
    assert re.match(rb"HTTP/1\.1 404 ", http.head().raw_head)


def test_double_slashes_are_no_redirect(http):
    """smee#229: a 301 for a // path stopped the boot; EDK2 follows none."""
    for target in ("//extra//one.bin", "/extra/./one.bin", "///extra/one.bin"):
        assert http.get(target).body == b"x", target


@pytest.mark.parametrize("target", ["/ipxe", "/ipxe/", "/extra", "/extra/", "/extra/boot",
                                    "/ipxe/sub", "/", "/extra/one.bin/", "/ipxe/../extra",
                                    "/chain.ipxe/", "/nowhere"])
def test_nothing_redirects(http, target):
    got = http.get(target)
    assert not 300 <= got.status < 400 and not got.has("location")


# -- fields -------------------------------------------------------------------------

def test_fields_every_answer_has(http):
    for target, method in (("/extra/one.bin", "GET"), ("/nowhere", "GET"), ("/extra/", "GET"),
                           ("/chain.ipxe", "HEAD"), ("/extra/one.bin", "DELETE")):
        got = http.get(target, method=method)
        assert got["content-length"].isdigit()
        assert email.utils.parsedate_to_datetime(got["date"]).tzinfo
        assert got["date"].endswith(" GMT")
        assert got.has("content-type")


def test_validators(http, site):
    got = http.get("/extra/small.bin")
    assert re.fullmatch(r'"[^"]+"', got["etag"])  # strong: no W/
    when = email.utils.parsedate_to_datetime(got["last-modified"]).timestamp()
    assert when == int(os.stat(site.path("extra", "small.bin")).st_mtime)
    assert got["accept-ranges"] == "bytes"


def test_etag_changes_with_the_file(http, site):
    site.write("extra/changing.txt", "first")
    os.utime(site.path("extra", "changing.txt"), (1e9, 1e9))  # not both in one step of the clock
    first = http.get("/extra/changing.txt")["etag"]
    assert http.get("/extra/changing.txt")["etag"] == first
    site.write("extra/changing.txt", "other")  # same length
    os.utime(site.path("extra", "changing.txt"), (1e9 + 10, 1e9 + 10))
    again = http.get("/extra/changing.txt")
    assert again.body == b"other" and again["etag"] != first


# -- refusals -------------------------------------------------------------------------

def test_404_is_words_for_a_person_and_keeps_the_connection(http):
    got = http.get("/extra/nowhere.bin")
    assert got.status == 404 and "nowhere.bin" in got.text
    assert got["content-type"].startswith("text/plain")
    assert http.get("/extra/one.bin").body == b"x"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "POST", "OPTIONS", "TRACE"])
def test_other_methods_are_405_with_allow(http, method):
    got = http.get("/extra/one.bin", method=method)
    assert got.status == 405
    assert {"GET", "HEAD"} <= set(re.split(r",\s*", got["allow"]))
    assert http.get("/extra/one.bin").body == b"x"


def test_unknown_method(http):
    """RFC 9110 §9.1."""
    assert http.get("/extra/one.bin", method="BREW").status == 501


@pytest.mark.parametrize("method", ["get", "GeT"])
def test_methods_are_case_sensitive(http, method):
    assert http.get("/extra/one.bin", method=method).status in (400, 405, 501)


def test_without_extra_directory_there_is_no_extra(lan, site, start):
    start("-t", ":1069", "-u", ":1080", "-e", "")
    got = rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin", port=1080)
    assert got.status == 404 and "-e" in got.text


# -- connections ------------------------------------------------------------------------

def test_http_1_1_stays_open_until_close_is_asked(http):
    http.get("/extra/one.bin")
    got = http.get("/extra/one.bin", "Connection: close")
    assert got["connection"].lower() == "close"
    assert http.ended()


def test_http_1_0_closes(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        got = c.get("/extra/one.bin", version="HTTP/1.0", host=None)
        assert got.status == 200 and got.body == b"x" and c.ended()


def test_http_1_0_keep_alive(http):
    got = http.get("/extra/one.bin", "Connection: keep-alive", version="HTTP/1.0", host=None)
    assert got["connection"].lower() == "keep-alive"
    assert http.get("/extra/one.bin").body == b"x"


def test_a_request_in_single_bytes(http):
    for byte in b"GET /extra/one.bin HTTP/1.1\r\nHost: x\r\n\r\n":
        http.send(bytes([byte]))
    assert http.answer().body == b"x"


def test_bare_line_feeds_and_a_leading_empty_line(http):
    """RFC 9112 §2.2 allows both to a lenient reader; refusing is safe too."""
    http.send("\r\nGET /extra/one.bin HTTP/1.1\r\nHost: x\r\n\r\n")
    assert http.answer().body == b"x"
    http.send("GET /extra/one.bin HTTP/1.1\nHost: x\n\n")
    assert http.answer().status in (200, 400)


def test_missing_host_is_400_in_1_1(http):
    """RFC 9112 §3.2."""
    assert http.get("/extra/one.bin", host=None).status == 400


def test_two_hosts_are_400(http):
    assert http.get("/extra/one.bin", "Host: other").status == 400


def test_absolute_form(http):
    assert http.get("http://192.0.2.1/extra/one.bin").body == b"x"


def test_body_of_a_get_is_read_away(http):
    """iPXE and some clients send Content-Length: 0 or a body with GET."""
    http.ask("/extra/one.bin", "Content-Length: 5").send("hello")
    assert http.answer().body == b"x"
    assert http.get("/extra/one.bin", "Content-Length: 0").body == b"x"


def test_expect_100_continue_does_not_hang(http):
    http.ask("/extra/one.bin", "Content-Length: 5", "Expect: 100-continue", method="POST")
    assert http.head().status in (100, 405, 417)


SMUGGLING = [
    ["Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 5", "Content-Length: 6"],
    ["Content-Length: -1"],
    ["Content-Length: 5x"],
    ["Content-Length: +5"],
    ["Content-Length: 99999999999999999999999"],
    ["Content-Length : 0"],
    ["Foo: bar", " folded: line"],
    ["No colon here"],
    [": no name"],
    ["Nul: a\0b"],
    ["Bare: a\rb"],
]


@pytest.mark.parametrize("fields", SMUGGLING, ids=lambda f: "+".join(f).encode(
    "unicode_escape").decode())
def test_a_head_that_cannot_be_framed_for_certain_is_refused_and_closed(http, fields):
    """RFC 9112 §6.3, §11.2: request smuggling ends here."""
    got = http.get("/extra/one.bin", *fields)
    assert got.status in (400, 411, 413, 501), got
    assert http.ended()


@pytest.mark.parametrize("line", [
    b"GET /extra/one.bin", b"GET  /extra/one.bin HTTP/1.1", b"GET /extra/one.bin HTTP/1.1 x",
    b"GET /extra/one.bin HTTP/2.0", b"GET /extra/one.bin http/1.1", b"GET one.bin HTTP/1.1",
    b" GET /extra/one.bin HTTP/1.1", b"G\0ET / HTTP/1.1", b"GET /a b HTTP/1.1", b"\x16\x03\x01\x02",
    b"GET /extra/\x80 HTTP/1.1", b"GET / FTP/1.1"])
def test_malformed_request_line(http, line):
    got = http.send(line + b"\r\nHost: x\r\n\r\n").answer()
    assert got.status in (400, 404, 501, 505), got
    assert got.status == 404 or http.ended()


# -- the log ---------------------------------------------------------------------------

def test_log_of_a_request(http, server):
    http.get("/extra/small.bin", "User-Agent: test-agent")
    event = server.logged("/extra/small.bin", "test-agent", level="INFO")
    assert event.values["status"] == "200" and event.values["bytes"] == "2000"
    http.get("/extra/not-there")
    assert server.logged("/extra/not-there").values["status"] == "404"


def test_log_names_the_machine_by_its_script(http, server):
    http.get(f"/ipxe/{MAC}.ipxe")
    assert server.logged(f"/ipxe/{MAC}.ipxe").who == MAC


def test_log_names_a_neighbour_by_its_mac(http, server):
    http.get("/extra/one.bin?neighbour")
    assert server.logged("one.bin").who == Lan.CLIENT_MAC.replace(":", "-")


def test_log_cannot_be_forged(http, server):
    http.get("/extra/%0a2026-01-01T00:00:00.000Z%20ERROR%20-%20forged", 'User-Agent: a"b\\c')
    assert all(e.event != "forged" for e in server.events())  # and every line parses
