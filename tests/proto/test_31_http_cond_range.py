"""Ranges and conditions: RFC 9110 §13, §14; what iPXE's sanboot and EDK2's resume need."""
import email.utils
import os

import pytest

from lib import rawhttp
from lib.netns import Lan
from lib.fixtures import noise

SIZE = 2000
OLD, NEW = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture
def http(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as connection:
        yield connection


@pytest.fixture
def small(site):
    """Written a while ago: a date of the running second is a weak validator (§8.8.2.2)."""
    os.utime(site.path("extra/small.bin"), (1_700_000_000, 1_700_000_000))
    return site.read("extra/small.bin")


SATISFIABLE = {"0-0": (0, 1), "0-1999": (0, 2000), "0-": (0, 2000), "500-999": (500, 1000),
               "1999-": (1999, 2000), "1990-5000": (1990, 2000), "-1": (1999, 2000),
               "-500": (1500, 2000), "-2000": (0, 2000), "-9999": (0, 2000),
               "0-99999999999999999999": (0, 2000)}


@pytest.mark.parametrize("text", SATISFIABLE)
def test_one_range(http, small, text):
    first, end = SATISFIABLE[text]
    got = http.get("/extra/small.bin", f"Range: bytes={text}")
    assert got.status == 206
    assert got["content-range"] == f"bytes {first}-{end - 1}/{SIZE}"
    assert got["content-length"] == str(end - first)
    assert got.body == small[first:end]
    assert got.has("etag")


@pytest.mark.parametrize("text", ["2000-", "2000-2001", "99999999999-", "-0"])
def test_unsatisfiable_is_416_with_the_size(http, text):
    got = http.get("/extra/small.bin", f"Range: bytes={text}")
    assert got.status == 416
    assert got["content-range"] == f"bytes */{SIZE}"
    assert http.get("/extra/one.bin").status == 200  # the connection lives


@pytest.mark.parametrize("text", ["bytes=5-4", "bytes=a-b", "bytes=", "bytes=-", "bytes", "",
                                  "bytes=1", "lines=1-2", "bytes=0-1x", "bytes:0-1", "bytes 0-1",
                                  "bytes=--1", "bytes=0--1", "bytes=0x0-0x5"])
def test_malformed_or_foreign_range_is_ignored(http, small, text):
    """RFC 9110 §14.2; bootimus#140."""
    got = http.get("/extra/small.bin", f"Range: {text}")
    assert got.status == 200 and got.body == small


def test_several_ranges_give_the_whole_file(http, small):
    """One range is what boot clients ask for; a list may be ignored."""
    got = http.get("/extra/small.bin", "Range: bytes=0-1,5-6")
    assert got.status == 200 and got.body == small


def test_range_of_an_empty_file(http):
    assert http.get("/extra/empty.bin", "Range: bytes=0-").status in (200, 416)
    assert http.get("/extra/empty.bin", "Range: bytes=0-").body == b""


def test_range_with_head_is_the_head_of_the_whole(http):
    """§14.2: Range is defined for GET only."""
    got = http.get("/extra/small.bin", "Range: bytes=0-1", method="HEAD")
    assert got.status == 200 and got["content-length"] == str(SIZE)


def test_range_unit_in_any_case(http, small):
    got = http.get("/extra/small.bin", "Range: BYTES=1-2")
    assert got.status == 206 and got.body == small[1:3]


def test_range_on_roms_and_scripts_in_memory(http):
    for name in ("/undionly.kpxe", "/chain.ipxe"):
        whole = http.get(name).body
        got = http.get(name, "Range: bytes=10-99")
        assert got.status == 206 and got.body == whole[10:100]


def test_ipxe_sanboot_reads_blocks_with_206(http, site):
    """Ranges of 2 KiB sectors all over an image past 4 GiB; a 200 is a failure to iPXE."""
    path = site.path("extra", "disk.iso")
    marks = {0: b"zero", 5 << 30: b"five", (4 << 30) - 4: b"edge"}
    with open(path, "wb") as f:
        f.truncate((5 << 30) + 2048)
        for at, text in marks.items():
            f.seek(at)
            f.write(text)
    assert http.get("/extra/disk.iso", method="HEAD")["content-length"] == str((5 << 30) + 2048)
    for at, text in marks.items():
        got = http.get("/extra/disk.iso", f"Range: bytes={at}-{at + 2047}")
        assert got.status == 206 and len(got.body) == 2048 and got.body.startswith(text)
        assert got["content-range"] == f"bytes {at}-{at + 2047}/{(5 << 30) + 2048}"


@pytest.mark.parametrize("size", [1, 4096, 65536, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_ranges_of_many_sizes(http, site, size):
    """Small ones are copied, large ones go by sendfile: the bytes are the same."""
    path = "extra/ranges.bin"
    if not os.path.exists(site.path(path)):
        site.write(path, noise(4_000_000, seed=31))
    content = site.read(path)
    for at in (0, 4095, 999_999):
        got = http.get("/" + path, f"Range: bytes={at}-{at + size - 1}")
        assert got.status == 206 and got.body == content[at:at + size]


# -- conditions ------------------------------------------------------------------------

def test_if_none_match(http):
    etag = http.get("/extra/small.bin")["etag"]
    for value in (etag, "*", f'"other", {etag}', f"W/{etag}"):
        got = http.get("/extra/small.bin", f"If-None-Match: {value}")
        assert got.status == 304 and got["etag"] == etag, value
    for value in ('"other"', 'W/"other"', "nonsense"):
        assert http.get("/extra/small.bin", f"If-None-Match: {value}").status == 200


def test_if_modified_since(http):
    modified = http.get("/extra/small.bin")["last-modified"]
    for value in (modified, NEW):
        assert http.get("/extra/small.bin", f"If-Modified-Since: {value}").status == 304
    for value in (OLD, "nonsense", ""):
        assert http.get("/extra/small.bin", f"If-Modified-Since: {value}").status == 200


def test_if_none_match_wins_over_if_modified_since(http):
    """§13.2.2."""
    got = http.get("/extra/small.bin", 'If-None-Match: "other"', f"If-Modified-Since: {NEW}")
    assert got.status == 200


def test_if_match_and_if_unmodified_since(http):
    """What EDK2 sends when it resumes a download."""
    first = http.get("/extra/small.bin")
    etag, modified = first["etag"], first["last-modified"]
    for field, status in ((f"If-Match: {etag}", 206), ("If-Match: *", 206),
                          ('If-Match: "other"', 412), (f"If-Match: W/{etag}", 412),
                          (f"If-Unmodified-Since: {modified}", 206),
                          (f"If-Unmodified-Since: {OLD}", 412)):
        got = http.get("/extra/small.bin", field, "Range: bytes=1000-")
        assert got.status == status, field


def test_if_range(http, site, small):
    site.write("extra/aged.bin", small)
    os.utime(site.path("extra", "aged.bin"), (1_600_000_000, 1_600_000_000))
    first = http.get("/extra/aged.bin")
    etag, modified = first["etag"], first["last-modified"]
    for value, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200), (modified, 206),
                          (OLD, 200), (NEW, 200), ("nonsense", 200)):
        got = http.get("/extra/aged.bin", f"If-Range: {value}", "Range: bytes=10-19")
        assert got.status == status, value
        assert got.body == (small[10:20] if status == 206 else small)


def test_if_range_with_the_date_of_a_file_written_just_now(http, site):
    """§8.8.2.2: within the same second it may change again, so that date is weak."""
    for _ in range(100):
        content = site.write("extra/new.bin", noise(1000))
        modified = http.get("/extra/new.bin")["last-modified"]
        got = http.get("/extra/new.bin", f"If-Range: {modified}", "Range: bytes=10-19")
        if got["date"] == modified:  # all of it in that second
            break
    assert (got["date"], got.status, got.body) == (modified, 200, content)


def test_if_range_after_the_file_changed(http, site):
    """The resumed half must not be glued to a half of another file."""
    path = site.path("extra", "resumed.bin")
    site.write("extra/resumed.bin", noise(1000, seed=1))
    os.utime(path, (1e9, 1e9))  # not both in one step of the clock
    etag = http.get("/extra/resumed.bin", "Range: bytes=0-499")["etag"]
    content = site.write("extra/resumed.bin", noise(1000, seed=2))
    os.utime(path, (1e9 + 10, 1e9 + 10))
    got = http.get("/extra/resumed.bin", f"If-Range: {etag}", "Range: bytes=500-")
    assert got.status == 200 and got.body == content


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                  "%a %b %e %H:%M:%S %Y"])
def test_the_three_forms_of_a_date(http, form):
    """§5.6.7: a server reads all three."""
    modified = http.get("/extra/small.bin")["last-modified"]
    text = email.utils.parsedate_to_datetime(modified).strftime(form)
    assert http.get("/extra/small.bin", f"If-Modified-Since: {text}").status == 304


def test_scripts_are_fresh_on_every_request(http, site):
    """An admin edits a script: the next boot sees it, nothing is cached."""
    for text in ("first", "second"):
        content = site.write("scripts/00-11-22-33-44-66.ipxe", f"#!ipxe\necho {text}\n")
        got = http.get("/ipxe/00-11-22-33-44-66.ipxe")
        assert got.body == content


def test_304_keeps_the_connection(http):
    etag = http.get("/extra/small.bin")["etag"]
    http.get("/extra/small.bin", f"If-None-Match: {etag}")
    assert http.get("/extra/one.bin").body == b"x"
