"""What pixie knows, as JSON and as server-sent events, held against doc/openapi.json."""
import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from lib import pixie, rawhttp, tftp
from lib.api import CHANGED, Api
from lib.dhcp import DISCOVER, Client, pxe, request
from lib.fixtures import MAC, Site, noise
from lib.netns import Lan
from lib.openapi import Description

READERS = [Lan.CLIENT, "192.0.2.21", "192.0.2.22", "192.0.2.23"]
CLIENT = Lan.CLIENT_MAC.replace(":", "-")
IPXE = ("?mac={0}&uuid=4c4c4544-0042-3510-8054-b4c04f4d4e31&serial=B5T4MN1&manufacturer=Dell%20Inc."
        "&product=PowerEdge%20R640&buildarch=x86_64&platform=efi&version=1.21.1")


@pytest.fixture(scope="module")
def description():
    return Description()


@pytest.fixture(scope="module")
def served():
    folders = Site()
    folders.write(f"scripts/{CLIENT}.ipxe", "#!ipxe\nkernel /extra/vmlinuz\nboot\n")
    folders.write("extra/vmlinuz", noise(2_000_000))
    folders.write("extra/tiny", b"x")
    yield folders
    folders.close()


@pytest.fixture(scope="module")
def pixies(lan, served, tmp_path_factory):
    token = tmp_path_factory.mktemp("t") / "token"
    process = pixie.Pixie(lan.server, *served.options(), "-v", "DEBUG", "--proxy-dhcp",
                          "--admin-token", token)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def api(lan, pixies, description):
    with open(pixies.args[-1]) as f:
        return Api(lan, token=f.read().strip(), description=description)


@pytest.fixture(scope="module")
def boot(lan, pixies, api):
    """A machine boots, and something goes wrong in between."""
    with Client(lan.client) as c:
        c.ask(request(DISCOVER, Lan.CLIENT_MAC, *pxe(7)))
    with tftp.Conversation(lan.client, Lan.SERVER) as c:  # EDK2 asks for the size first
        c.rrq("snponly64.efi", tsize="0", blksize="1468")
        c.oack()
        c.error(8, "User aborted the transfer")
    with tftp.Conversation(lan.client, Lan.SERVER) as c:  # a packet is lost
        c.rrq("snponly64.efi", blksize="1468")
        c.oack()
        c.ack(0)
        c.data(1)
        c.data(1)
        c.rest(1, 1468)
    with pytest.raises(tftp.Refused):
        tftp.get(lan.client, Lan.SERVER, "nothing.efi")
    for path in ("/chain.ipxe", f"/ipxe/{CLIENT}.ipxe" + IPXE.format(CLIENT), "/extra/vmlinuz"):
        assert rawhttp.get(lan.client, Lan.SERVER, path).status == 200
    assert rawhttp.get(lan.client, Lan.SERVER, "/extra/initrd").status == 404


@pytest.fixture(scope="module", autouse=True)
def addresses(lan):
    """More addresses of the client's: one may follow the events 32 times only."""
    lan.client.address("eth0", *(f"{a}/24" for a in READERS if a != Lan.CLIENT))


def wait_for(what, seconds=60):
    """What happens in a server's own time."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


# -- what it answers ----------------------------------------------------------

def test_version(api):
    value = api.get("/api/v1/version")
    assert value["version"] == pixie.command("--version").stdout.split()[1]
    assert value["changes"] == "token" and value["store"]["ok"]


def test_roms_are_those_of_pixie_roms(api):
    listed = pixie.command("roms").stdout
    roms = api.get("/api/v1/roms")["roms"]
    assert len(roms) == 10
    for rom in roms:
        assert rom["name"] in listed
        assert (rom["sha256"] is None) == (rom["bytes"] is None)
        assert rom["sha256"] is None or rom["sha256"] in listed


def test_the_story_of_a_boot(api, boot):
    machine = api.get(f"/api/v1/machines/{CLIENT}")
    assert (machine["id"], machine["address"]) == (CLIENT, Lan.CLIENT)
    assert machine["script"] == f"{CLIENT}.ipxe"
    assert machine["serial"] == "B5T4MN1" and machine["vendor"] == "Dell Inc."
    assert machine["arch"] == 7 and machine["arch_name"] == "UEFI x86-64"
    assert len(machine["boots"]) == 1 and machine["lost"] == 0
    events = machine["boots"][0]["events"]
    kinds = [e["kind"] for e in events]
    for kind in ("boot", "discover", "offer", "probed", "asked", "sent", "missing"):
        assert kind in kinds, kinds
    assert [e["seq"] for e in events] == sorted(e["seq"] for e in events)
    rom = next(e for e in events if e["kind"] == "sent" and e["name"] == "snponly64.efi")
    assert rom["resent"] >= 1 and rom["via"] == "tftp"
    assert rom["say"].startswith("Has fetched snponly64.efi by TFTP: ")
    by_address = api.get(f"/api/v1/machines/{Lan.CLIENT}")
    assert by_address["id"] == CLIENT


def test_machines_and_search(api, boot):
    everyone = api.get("/api/v1/machines")
    assert CLIENT in [m["id"] for m in everyone["machines"]]
    for text in ("poweredge", CLIENT.replace("-", "%3A"), Lan.CLIENT, "B5T4"):
        assert [m["id"] for m in api.get(f"/api/v1/machines?q={text}")["machines"]] == [CLIENT]
    assert api.get("/api/v1/machines?q=nobody")["machines"] == []


def test_a_state_and_what_is_made_of_it(api):
    for state in ("once", "local", "ignore", "boot"):
        status, value = api.set("02:00:00:00:99:01", state)
        assert status in CHANGED
        assert (value["state"], value["id"]) == (state, "02-00-00-00-99-01")
    assert api.ask("DELETE", "/api/v1/machines/02-00-00-00-99-01")[0] in CHANGED
    api.get("/api/v1/machines/02-00-00-00-99-01", 404)


BAD = [
    ("{", 422), ("", 422), ("[]", 422), ('{"state":"on"}', 422), ('{"state":null}', 422),
    (b'{"state":"\xff"}', 422), ('{"state":"once"}' + " " * 5000, 413), ("[" * 4000, 422),
]


@pytest.mark.parametrize("body,status", BAD, ids=lambda v: str(v)[:12])
def test_bad_bodies(api, body, status):
    assert api.ask("PUT", f"/api/v1/machines/{MAC}/state", body=body)[0] == status
    api.get(f"/api/v1/machines/{MAC}", 404)


def test_bad_paths(api, lan):
    for path in ("/api/v1/", "/api/v1/machines/", "/api/v1/machines//state", "/api/v1/version/",
                 "/api/v1/nothing", "/api/v1/machines/x/y/z", "/api/v1/machines/" + "a" * 4000):
        answer = Api(lan).raw("GET", path)
        assert answer.status in (404, 405), path
        assert "error" in json.loads(answer.body)
    api.get("/api/v1/machines/not-a-machine", 404)
    assert api.set("not-a-machine", "once")[0] == 404


def test_methods(lan, api):
    for path, method, allow in (("/api/v1/machines", "POST", "GET, HEAD"),
                                (f"/api/v1/machines/{MAC}", "PUT", "GET, HEAD, DELETE"),
                                (f"/api/v1/machines/{MAC}/state", "GET", "PUT")):
        answer = Api(lan).raw(method, path)
        assert (answer.status, answer["allow"]) == (405, allow)


def test_head_is_get_without_its_body(lan, api):
    for path in ("/api/v1/roms", "/api/v1/machines/nobody"):
        head, get = Api(lan).raw("HEAD", path), Api(lan).raw("GET", path)
        assert (head.status, head["content-length"]) == (get.status, get["content-length"])
        assert head.body == b""
    assert Api(lan).raw("HEAD", "/api/v1/events").status == 200


def test_answers_come_in_order_on_one_connection(lan, api):
    """The API's come later, the file's at once."""
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        for path in ("/api/v1/roms", "/extra/tiny", "/api/v1/version", "/extra/tiny"):
            c.ask(path, host=Lan.SERVER)
        assert "roms" in json.loads(c.answer().body)
        assert c.answer().body == b"x"
        assert "version" in json.loads(c.answer().body)
        assert c.answer().body == b"x"


def test_who_leaves_before_the_answer(lan, pixies, api):
    """Hundreds ask for what takes long, and are gone."""
    before = pixies.descriptors()
    for i in range(300):
        c = rawhttp.Connection(lan.client, Lan.SERVER)
        c.ask("/api/v1/roms", host=Lan.SERVER)
        c.reset() if i % 2 else c.close()
    wait_for(lambda: api.ask("GET", "/api/v1/version")[0] == 200)
    wait_for(lambda: pixies.descriptors() <= before + 2)


# -- what happens, as it happens ----------------------------------------------

def test_events_come_as_they_happen(lan, api):
    with api.events() as stream:
        assert stream.next()[1] == "hello"
        api.set(MAC, "local")
        data, _ = stream.until("state")
        assert (data["id"], data["name"], data["text"]) == (MAC, "local", "api")
        tftp.get(lan.client, Lan.SERVER, "extra/tiny")
        data, _ = stream.until("sent")
        assert data["name"] == "extra/tiny" and data["id"] == CLIENT


def test_a_server_that_stops_while_a_page_is_open_warns_of_nothing(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080",
                          "-v", "DEBUG", "--control", "none")
    with Api(lan, port=1080).events() as stream:
        assert stream.next()[1] == "hello"
        os.kill(process.pid, signal.SIGTERM)
        status = process.wait()
    aborted = process.logged("http-aborted", "/api/v1/events")
    process.kill()
    assert aborted.level == "DEBUG" and status == 0


def test_events_resume(api):
    first = api.get("/api/v1/machines")["seq"]
    for state in ("local", "once", "boot"):
        api.set(MAC, state)
    with api.events(f"?after={first}") as stream:
        one, _ = stream.until("state")
        two, _ = stream.until("state")
    with api.events("?after=0", f"Last-Event-ID: {one['seq']}") as stream:
        again, before = stream.until("state")
        assert again == two
        assert [kind for kind, _ in before if kind not in ("hello", "progress")] == []


def test_a_number_of_another_process_is_told(api):
    with api.events("", "Last-Event-ID: 999999999") as stream:
        data, _ = stream.until("lost")
        assert data == {"lost": 0}
        assert stream.next()[0] is not None  # from the oldest on


def test_nonsense_numbers_begin_now(api):
    newest = api.get("/api/v1/machines")["seq"]
    for number in ("x", "-1", "1e9", "9" * 30, ""):
        with api.events("?after=" + number) as stream:
            assert stream.next()[2]["seq"] >= newest


def test_progress_of_a_slow_transfer(lan, pixies, api):
    with api.events() as stream, rawhttp.Connection(
            lan.client, Lan.SERVER, receive_buffer=4096) as c:
        c.ask("/extra/vmlinuz", host=Lan.SERVER)
        for _ in range(60):
            data, _ = stream.until("progress")
            if data["transfers"] and data["transfers"][0]["bytes"]:
                break
        found = data["transfers"][0]
        assert (found["id"], found["via"], found["total"]) == (CLIENT, "http", 2_000_000)
        assert 0 < found["bytes"] < 2_000_000
        mine = api.get(f"/api/v1/machines/{CLIENT}")["transfers"]
        assert [t["name"] for t in mine] == ["extra/vmlinuz"]
        status, answer = api.ask("DELETE", f"/api/v1/machines/{CLIENT}")
        assert status == 409 and "transfer" in answer["error"]
        assert len(c.answer().body) == 2_000_000
        wait_for(lambda: stream.until("progress")[0]["transfers"] == [])


def test_http10_and_a_client_that_goes(lan, pixies, api):
    before = pixies.descriptors()
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        c.ask("/api/v1/events", version="HTTP/1.0", host=Lan.SERVER)
        assert c.head()["connection"] == "close"
        c.sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(rawhttp.Closed):
            c.body(1)  # it ends, or goes on
    wait_for(lambda: pixies.descriptors() <= before)


@pytest.mark.timeout(400)
def test_a_slow_reader_is_told_what_it_missed(lan, start, served):
    """It misses events when the ring goes round, the others miss none, nothing grows."""
    process = start("-t", ":1069", "-u", ":1080", "-v", "ERROR", site=served)
    control = Api(lan, control=process.control)
    slow = Api(lan, port=1080).events(receive_buffer=2048)
    seq = control.get("/api/v1/machines")["seq"]
    before = process.resident_kib()
    ring = 16 << 20  # bytes; an event has at least 250
    flood(lan, 1080, 20000)
    for _ in range(40):
        if control.get("/api/v1/machines?q=none")["seq"] - seq > ring // 250:
            break
        flood(lan, 1080, 20000)
    assert pixie.sanitized() or process.resident_kib() - before < 40_000
    told, lost, last, newest = 0, 0, seq, seq + 1
    while last < newest:
        number, kind, data = slow.next()
        if kind == "lost":
            lost += data["lost"]
        if number is not None:
            told, last = told + 1, number
        if last >= newest:
            newest = control.get("/api/v1/machines?q=none")["seq"]
    slow.connection.close()
    assert lost > 0 and told > 0
    assert lost + told == last - seq


def flood(lan, port, n):
    """`n` requests, pipelined: events as fast as they can be. No two in turn are alike."""
    two = b"".join(b"GET /extra/%s HTTP/1.1\r\nHost: x\r\n\r\n" % name
                   for name in (b"./" * 60 + b"tiny", b"not-there" * 15))
    with rawhttp.Connection(lan.client, Lan.SERVER, port) as c:
        sender = threading.Thread(target=c.send, args=(two * (n // 2),))
        sender.start()
        seen, tail = 0, b""
        while seen < n:
            piece = tail + c.sock.recv(1 << 20)
            seen += piece.count(b"HTTP/1.1 ")
            tail = piece[-8:]
        sender.join()


@pytest.mark.timeout(400)
def test_a_hundred_readers_and_a_storm(lan, pixies, api):
    """Every reader sees every transfer; every machine gets its file."""
    readers = [api.events(source=source) for source in READERS for _ in range(25)]
    api.set(MAC, "once")  # the mark before it: some readers were there earlier than others
    machines = 60

    def load(_):
        return len(tftp.get(lan.client, Lan.SERVER, "extra/vmlinuz", blksize="1468",
                            windowsize="16"))

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        sizes = list(pool.map(load, range(machines)))
    assert sizes == [2_000_000] * machines
    api.set(MAC, "boot")  # the mark behind it
    seen = []
    for reader in readers:
        names = []
        while True:
            number, kind, data = reader.next()
            if kind == "state" and data["name"] == "boot":
                break
            assert kind != "lost"
            names += [number] if number is not None else []
            if kind == "state" and data["name"] == "once":
                names = []
        reader.connection.close()
        seen.append(names)
    assert all(names == seen[0] for names in seen) and len(seen[0]) > 1


def ids(stream, last):
    """The numbers of all events until that one; nothing is lost."""
    numbers = []
    while not numbers or numbers[-1] < last:
        number, kind, _ = stream.next()
        assert kind != "lost"
        numbers += [number] if number is not None else []
    return numbers


@pytest.mark.timeout(400)
def test_readers_of_all_there_was(lan, start, served):
    """Each gets all of it, once, and whoever boots meanwhile gets what it asks for."""
    start("-t", ":1069", "-u", ":1080", "-v", "ERROR", site=served)
    plain = Api(lan, port=1080)
    flood(lan, 1080, 6000)
    newest = plain.get("/api/v1/machines")["seq"]
    streams = [plain.events("?after=0", source=source) for source in READERS for _ in range(25)]
    booted = [rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe", port=1080).status
              for _ in range(50)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda s: ids(s, newest), streams))
    for stream in streams:
        stream.connection.close()
    assert booted == [200] * 50
    assert all(numbers[:newest] == list(range(1, newest + 1)) for numbers in seen)


def test_readers_are_bounded(lan, pixies, api):
    """256, and 32 from one address."""
    plain = Api(lan)
    readers = []
    for source in READERS * 2:
        for _ in range(32):
            c = plain.connect(source=source)
            c.ask("/api/v1/events", host=Lan.SERVER)
            readers.append((source, c, c.head().status))
    of = {source: [status for s, _, status in readers if s == source] for source in READERS}
    assert of == {source: [200] * 32 + [429] * 32 for source in READERS}
    for n in range(128):  # the Unix socket counts for all
        c = Api(lan, control=pixies.control).connect()
        c.ask("/api/v1/events", host="localhost")
        assert c.head().status == 200, n
        readers.append((None, c, 200))
    for who, status in ((api, 503), (Api(lan, control=pixies.control), 503)):
        answer = who.raw("GET", "/api/v1/events")
        assert answer.status == status and answer["retry-after"] == "5"
    for _, c, _ in readers:
        c.close()
    wait_for(lambda: probe(plain) == 200)
    assert tftp.get(lan.client, Lan.SERVER, "extra/tiny") == b"x"


def test_one_address_is_told_that_it_follows_enough(lan, pixies, api):
    wait_for(lambda: "pixie_event_readers 0" in Api(lan).raw("GET", "/metrics").text)
    streams = [api.events() for _ in range(32)]
    status, answer = api.ask("GET", "/api/v1/events")
    assert status == 429 and "32" in answer["error"]
    for stream in streams:
        stream.connection.close()
    wait_for(lambda: probe(api) == 200)


def probe(api):
    with api.connect() as c:
        c.ask("/api/v1/events", host=Lan.SERVER)
        return c.head().status


def test_the_server_ends_while_readers_follow(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080")
    readers = [Api(lan, port=1080).events() for _ in range(20)]
    asking = Api(lan, port=1080).connect()
    asking.ask("/api/v1/roms", host=Lan.SERVER)
    process.stop()
    for reader in readers:
        reader.next()
        assert reader.connection.ended()
    asking.close()


@pytest.mark.parametrize("how", ["by TCP", "by the socket"])
def test_the_server_ends_while_states_are_set(lan, tmp_path, served, how):
    """What is on its way to the disk then finds nobody, or is answered."""
    token = tmp_path / "token"
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080",
                          "--admin-token", token, "--state", tmp_path / "state.db")
    control = process.control if how == "by the socket" else None
    api = Api(lan, control=control, token=token.read_text().strip(), port=1080)
    acknowledged = []

    def change(n):
        with contextlib.suppress(OSError, AssertionError):
            while True:
                machine = f"02-00-00-00-{n:02x}-{len(acknowledged) % 256:02x}"
                if api.raw("PUT", f"/api/v1/machines/{machine}/state",
                           body={"state": "once"}).status == 200:
                    acknowledged.append(machine)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) > 20)
    process.stop()
    for thread in threads:
        thread.join()
    again = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080",
                        "--state", tmp_path / "state.db")
    states = {m["id"]: m["state"] for m in Api(lan, port=1080).get("/api/v1/machines")["machines"]}
    again.stop()
    assert {states.get(machine) for machine in acknowledged} == {"once"}


# -- the description ----------------------------------------------------------

def test_all_that_is_described_was_answered(lan, api, description, boot):
    """Last in the file: what the tests above have asked, and a verdict."""
    ill = "02-00-00-00-77-01"
    assert rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{ill}.ipxe").status == 404
    wait_for(lambda: api.get(f"/api/v1/machines/{ill}")["boots"][-1]["verdict"])
    description.check_text("/metrics")
    assert description.unanswered() == set()
    schemas = set(description.schemas) - {"State", "Progress", "ChangedMachine", "Forgotten"}
    assert description.missing(schemas) == set()
