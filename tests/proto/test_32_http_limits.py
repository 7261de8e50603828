"""Slow, greedy and hasty clients: they end, and nobody else notices them."""
import re
import socket

import pytest

from lib import pixie, rawhttp, tftp
from lib.netns import Lan
from lib.fixtures import noise

def test_others_are_served_while_a_crowd_holds_its_connections(crowd):
    """See conftest.py for the crowd, and the last file for its end."""
    content = crowd.site.read("extra/small.bin")
    for _ in range(20):
        assert rawhttp.get(crowd.lan.client, Lan.SERVER, "/extra/small.bin").body == content
    assert tftp.get(crowd.lan.client, Lan.SERVER, "small.bin") == content


def test_slow_readers_cost_little_memory(crowd):
    """30 readers of a 30 MB file that read nothing: the file is not in our memory."""
    assert crowd.server.resident_kib() < (200_000 if pixie.sanitized() else 20_000)


# -- too much at once -----------------------------------------------------------------

@pytest.mark.parametrize("what", ["line", "field", "fields"])
def test_too_long_a_head_is_refused_and_closed(lan, server, what):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        if what == "line":
            c.send(b"GET /" + b"a" * 100_000)
        elif what == "field":
            c.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000)
        else:
            c.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000)
        got = c.answer()
        assert got.status in ((414, 400) if what == "line" else (431, 400)), got
        assert c.ended(10)


def test_head_of_4000_bytes_is_fine(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        assert c.get("/extra/one.bin", "Cookie: " + "a" * 4000).body == b"x"


def test_name_of_255_bytes_is_fine_and_a_longer_one_is_refused(lan, server, site):
    name = "n" * 251 + ".bin"
    site.write(f"extra/{name}", b"long")
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        assert c.get(f"/extra/{name}").body == b"long"
        assert c.get("/extra/" + "n" * 300).status in (400, 404, 414)
        assert c.get("/extra/" + "n/" * 2000).status in (400, 404, 414)
        assert c.get("/extra/one.bin").body == b"x"


def test_huge_body_is_refused_without_reading_it(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        c.ask("/extra/one.bin", "Content-Length: 100000000000", method="POST")
        assert c.answer().status in (405, 413)
        assert c.ended(10)


# -- pipelining -------------------------------------------------------------------------

def test_pipelined_requests_are_answered_in_order(lan, server, site):
    names = ["small.bin", "one.bin", "medium.bin", "empty.bin", "block.bin"] * 20
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        for name in names:
            c.ask(f"/extra/{name}")
        for name in names:
            got = c.answer()
            assert got.status == 200 and got.body == site.read(f"extra/{name}")


def test_pipelined_requests_in_one_packet_and_cut_anywhere(lan, server):
    request = b"GET /extra/one.bin HTTP/1.1\r\nHost: x\r\n\r\n"
    for cut in range(1, len(request), 5):
        with rawhttp.Connection(lan.client, Lan.SERVER) as c:
            c.send(request * 2 + request[:cut])
            assert c.answer().body == b"x" and c.answer().body == b"x"
            c.send(request[cut:])
            assert c.answer().body == b"x"


def test_pipelined_after_an_error_that_closes(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        c.send("GET /extra/one.bin HTTP/1.1\r\nHost: x\r\n\r\n"
               "GET /extra/one.bin HTTP/1.1\r\nContent-Length: x\r\nHost: x\r\n\r\n"
               "GET /extra/one.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert c.answer().status == 200
        assert c.answer().status == 400
        assert c.ended()


def test_pipeliner_that_never_reads_does_not_fill_our_memory(lan, server):
    before = server.resident_kib()
    with rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as c:
        c.sock.settimeout(2)
        request = b"GET /extra/medium.bin HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        try:
            for _ in range(500):  # 20 MB of requests for 150 GB of answers
                c.sock.sendall(request)
        except (TimeoutError, ConnectionError):
            pass
        else:
            raise AssertionError("the server read 20 MB of requests it cannot answer")
        assert server.resident_kib() < before + 8000
    assert rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin").body == b"x"


def test_half_closed_connection_still_gets_its_answer(lan, server, site):
    """`printf … | nc -N` and some simple clients shut their half after the request."""
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        c.ask("/extra/medium.bin")
        c.sock.shutdown(socket.SHUT_WR)
        assert c.answer().body == site.read("extra/medium.bin")
        assert c.ended()


def test_client_that_goes_away_in_mid_file(lan, site, start):
    site.write("extra/big.bin", noise(30_000_000))
    server = start("-t", ":2069", "-u", ":2080")
    before = server.descriptors()
    for _ in range(30):
        with rawhttp.Connection(lan.client, Lan.SERVER, 2080) as c:
            c.ask("/extra/big.bin").head()
            c.reset()
    server.logged("big.bin", level="WARNING")
    assert server.descriptors_left(before) <= before  # a large file stays open for ten seconds


def test_a_thousand_connections_at_once(lan, site, start):
    """Each served, or told 503 when that is over the limit; afterwards all is as before."""
    server = start("-t", ":2069", "-u", ":2080")
    before = server.descriptors()
    crowd = []
    for _ in range(1000):
        crowd.append(rawhttp.Connection(lan.client, Lan.SERVER, 2080))
    served = 0
    for c in crowd:
        try:
            got = c.get("/extra/small.bin")
        except (rawhttp.Closed, ConnectionError):
            continue
        assert got.status in (200, 503)
        served += got.status == 200
    assert served >= 64
    for c in crowd:
        c.close()
    assert server.descriptors_left(before) <= before  # a large file stays open for ten seconds
    assert rawhttp.get(lan.client, Lan.SERVER, "/extra/one.bin", port=2080).body == b"x"


# -- --pace -----------------------------------------------------------------------------

def paces(lan, port):
    """What the kernel lets each connection have at most, in Mbit/s."""
    shown = lan.server.run("ss", "-tinH", f"sport = :{port}").stdout
    return sorted(int(bits) / 1e6 for bits in re.findall(r"pacing_rate \d+bps/(\d+)bps", shown))


def test_the_connections_of_a_machine_share_its_pace(lan, own_site, start):
    """The kernel spaces the segments; ours is to divide the rate, as connections come and go."""
    content = own_site.write("extra/paced.bin", noise(400_000))
    start("-t", ":1132", "-u", ":1232", "--pace", "80M", site=own_site)
    with rawhttp.Connection(lan.client, Lan.SERVER, 1232) as first:
        assert first.get("/extra/paced.bin").body == content
        assert paces(lan, 1232) == [80]
        with rawhttp.Connection(lan.client, Lan.SERVER, 1232) as second:
            for c in (second, first):
                assert c.get("/extra/paced.bin").body == content
            assert paces(lan, 1232) == [40, 40]
        assert first.get("/extra/paced.bin").body == content
        assert paces(lan, 1232)[0] in (40, 80)  # the other may be closing


def test_without_pace_nothing_is_held_back(lan, server):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        assert c.get("/extra/small.bin").status == 200
        assert paces(lan, 80) == []
