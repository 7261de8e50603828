"""Directory listings as Go's FileServer in the original made them, without its redirects."""
import html
import os
import re
import urllib.parse

import pytest

from lib import rawhttp
from lib.netns import Lan

NAMES = ["a.txt", "B.txt", "with space.txt", "quote\"'.txt", "<script>.txt", "per%cent.txt",
         "ques?tion.txt", "hash#.txt", "co:lon.txt", "ünïcode.txt", ".hidden", "plus+amp&.txt",
         "back\\slash"]


@pytest.fixture
def http(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as connection:
        yield connection


@pytest.fixture
def folder(site):
    """A directory whose names need escaping, each file holding its own name."""
    for name in NAMES[:-1]:
        site.write(f"extra/list/{name}", name)
    site.write("extra/list/sub/inner.txt", "inner")
    return site.path("extra", "list")


def links(got):
    return re.findall(r'<a href="([^"]*)">(.*?)</a>\n', got.text)


def test_shape_is_the_originals(http, folder):
    got = http.get("/extra/list/")
    assert got.status == 200
    assert got["content-type"] == "text/html; charset=utf-8"
    assert "<pre>\n" in got.text and got.text.endswith("</pre>\n")
    assert '<a href="a.txt">a.txt</a>\n' in got.text
    assert '<a href="sub/">sub/</a>\n' in got.text
    assert '<a href="with%20space.txt">with space.txt</a>\n' in got.text
    assert "&lt;script&gt;.txt" in got.text and "<script>" not in got.text


def test_all_names_sorted_by_byte_each_once(http, folder):
    shown = [html.unescape(text) for _, text in links(http.get("/extra/list/"))]
    wanted = sorted((n + "/" if os.path.isdir(os.path.join(folder, n)) else n
                     for n in os.listdir(folder)), key=lambda n: n.rstrip("/").encode())
    assert shown == wanted


@pytest.mark.parametrize("target", ["/extra/list/", "/extra/list", "//extra//list//"])
def test_every_link_leads_to_its_file(http, folder, target):
    """With and without the slash at the end: there is no redirect to make it right."""
    base = "http://pixie.test" + target.replace("//", "/")
    found = links(http.get(target))
    assert len(found) == len(NAMES)
    for href, text in found:
        url = urllib.parse.urljoin(base, html.unescape(href))
        got = http.get(url.removeprefix("http://pixie.test"))
        assert got.status == 200, (href, url)
        if not href.endswith("/"):
            assert got.text == html.unescape(text)
        else:
            assert "inner.txt" in got.text


def test_head_of_a_listing(http, folder):
    body = http.get("/extra/list/").body
    head = http.get("/extra/list/", method="HEAD")
    assert head.status == 200 and head["content-length"] == str(len(body))


def test_empty_directory(http, site):
    os.makedirs(site.path("extra", "nothing"), exist_ok=True)
    got = http.get("/extra/nothing/")
    assert got.status == 200 and links(got) == [] and "<pre>" in got.text


def test_script_directory_is_listed(http, site):
    assert "00-11-22-33-44-55.ipxe" in http.get("/ipxe/").text
    assert "inner.ipxe" in http.get("/ipxe/sub/").text


def test_index_html_stands_for_its_directory(http, site):
    site.write("extra/page/index.html", "<p>my page")
    for target in ("/extra/page/", "/extra/page", "/extra/page/index.html"):
        got = http.get(target)
        assert got.status == 200 and got.body == b"<p>my page", target


def test_new_file_is_listed_at_once(http, site):
    site.write("extra/growing/one", "")
    assert len(links(http.get("/extra/growing/"))) == 1
    site.write("extra/growing/two", "")
    assert len(links(http.get("/extra/growing/"))) == 2


def test_five_thousand_names(lan, server, site):
    folder = site.path("extra", "many")
    os.makedirs(folder, exist_ok=True)
    for n in range(5000):
        open(os.path.join(folder, f"file-{n:05}"), "w").close()
    assert len(links(rawhttp.get(lan.client, Lan.SERVER, "/extra/many/"))) == 5000


def test_missing_directory(http):
    assert http.get("/extra/nowhere/").status == 404


def test_file_with_a_slash_behind_is_not_a_listing(http):
    got = http.get("/extra/one.bin/")
    assert got.status in (200, 404) and "<pre>" not in got.text


def test_root_says_what_is_here(http):
    got = http.get("/")
    assert "ipxe" in got.text and got.status in (200, 404)


def test_root_is_the_page_for_a_browser_only(http):
    html = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
    host = {"host": Lan.SERVER}
    got = http.get("/", html, "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0",
                   **host)
    assert got.status == 200 and got["content-type"] == "text/html; charset=utf-8"
    assert "/page/app.js" in got.text
    assert http.get("/", html, f"If-None-Match: {got['etag']}", **host).status == 304
    head = http.get("/", html, method="HEAD", **host)
    assert head.status == 200 and head["content-length"] == str(len(got.body))
    for fields in ([], ["Accept: */*"], [html, "User-Agent: iPXE/1.21.1+git-20220113"]):
        assert http.get("/", *fields, **host).status == 404
    # A name that somebody had point to our address.
    assert http.get("/", html, host="evil.test").status == 403


def test_every_file_of_the_page_is_there(http):
    """Whatever the page and its modules name, and nothing of it from elsewhere."""
    todo, seen = ["/page/index.html"], set()
    while todo:
        path = todo.pop()
        got = http.get(path, host=Lan.SERVER)
        assert got.status == 200 and got["x-content-type-options"] == "nosniff", path
        seen.add(path)
        assert not re.search(r"""["'(](https?:)?//""", got.text.replace("http://www.w3.org/2000/svg", "")), path
        named = re.findall(r"""(?:from '\.|(?:src|href)=")((?:/page)?/[\w.-]+\.\w+)""", got.text)
        todo += {p if p.startswith("/page/") else f"/page{p}" for p in named} - seen - set(todo)
    assert len(seen) > 10
