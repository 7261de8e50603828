"""States: what a machine gets, what outlives kill -9, and what a sick database does not stop."""
import glob
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from lib import dhcp, pixie, rawhttp, tftp
from lib.api import CHANGED, Api
from lib.fixtures import Site
from lib.netns import Lan

MAC = "52-54-00-ab-cd-01"
NOBODY = 65534
ONCE = "#!ipxe\n# pixie: once\nkernel /extra/small.bin done=${pixie-done}\nboot\n"


def is_local(script):
    return "sanboot --no-describe --drive 0x80" in script and "exit 1" in script


def script(lan, mac=MAC, *fields, **kw):
    return rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{mac}.ipxe", *fields, **kw)


def done_url(text):
    return re.search(r"done=http://[^/ ]+(/done/[0-9a-f]{32})\b", text)[1]


def rows(path, sql, *values):
    """What is on the disk, read as an admin would."""
    db = sqlite3.connect(path, timeout=20)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def reports_done(lan, url):
    """As an installer does it, again until it is on the disk, which may take its time."""
    until(lambda: rawhttp.get(lan.client, Lan.SERVER, url).status == 200, "reported")


@pytest.fixture
def database(own_site):
    return own_site.path("scripts", ".pixie.db")


@pytest.fixture
def live(lan, own_site):
    """live(option…) starts a server on the site; again() kills the last one with SIGKILL first."""
    own_site.write("extra/small.bin", b"x" * 3000)
    servers = []

    def begin(*args, **kw):
        servers.append(pixie.Pixie(lan.server, *own_site.options(), "-v", "DEBUG", *args, **kw))
        return servers[-1]

    def again(*args, **kw):
        servers[-1].kill()
        return begin(*args, **kw)

    begin.again = again
    yield begin
    for server in servers:
        server.stop()


# -- what a machine gets -----------------------------------------------------------------

def test_states_in_scripts(lan, own_site, live):
    live()
    for word, local in (("boot", False), ("once", False), ("local", True), ("ignore", True)):
        own_site.write(f"scripts/{MAC}.ipxe", f"#!ipxe\n# pixie: {word}\necho mine\n")
        got = script(lan)
        assert got.status == 200 and is_local(got.text) == local, word
        assert int(got["content-length"]) == len(got.body)
        over_tftp = tftp.get(lan.client, Lan.SERVER, f"ipxe/{MAC}.ipxe").decode()
        assert is_local(over_tftp) == local, word


def test_a_word_that_is_no_state_is_logged(lan, own_site, live):
    server = live()
    own_site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: onse\necho mine\n")
    assert "echo mine" in script(lan).text
    server.logged(MAC, "onse", "once", level="WARNING")


def test_menu_does_not_come_before_the_local_disk(lan, own_site, live):
    live()
    own_site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: local\n")
    ask = lambda target: rawhttp.get(lan.client, Lan.SERVER, target).text
    assert "menu" in ask("/chain.ipxe") and not is_local(ask("/chain.ipxe"))
    assert is_local(ask(f"/chain.ipxe?mac={MAC}")) and is_local(ask(f"/autoexec.ipxe?mac={MAC}"))
    # By the neighbour table, where it does not say who it is.
    own = Lan.CLIENT_MAC.replace(":", "-")
    own_site.write(f"scripts/{own}.ipxe", "#!ipxe\n# pixie: local\n")
    assert is_local(ask("/chain.ipxe"))
    assert is_local(tftp.get(lan.client, Lan.SERVER, "autoexec.ipxe").decode())


def test_menu_leaves_when_the_script_says_local(lan, own_site, live):
    """The menu that asked for the script must not take `exit 1` for a failure and come again."""
    live()
    own_site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: local\n")
    local = script(lan).text
    mark, = re.findall(r"^set (\S+) ", local, re.M)
    # Another machine's: by address alone it might still be this one's, as workers tell it.
    menu = rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe?mac=02:00:00:00:00:99").text
    install = menu.split("\n:install\n")[1]
    lines = install.split("\n")
    assert lines[0].startswith("chain ") and lines[1] == f"isset ${{{mark}}} && goto exit ||"


def test_ignore_is_silence_of_proxy_dhcp_with_its_reason(lan, own_site, live):
    server = live("--proxy-dhcp")
    mac = MAC.replace("-", ":")

    def discover():
        return dhcp.request(dhcp.DISCOVER, mac, *dhcp.pxe(7))

    with dhcp.Client(lan.client) as c:
        assert c.ask(discover()).siaddr == Lan.SERVER
        own_site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: ignore\n")
        c.silence(discover())
        server.logged(MAC, "dhcp-silent", "ignore")
        own_site.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: local\n")
        assert c.ask(discover()).siaddr == Lan.SERVER


@pytest.mark.parametrize("name", [MAC.upper().replace("-", ":"), MAC.replace("-", ""), "default"])
def test_ignore_in_a_script_of_any_name_that_is_the_machines(lan, own_site, live, name):
    server = live("--proxy-dhcp")
    own_site.write(f"scripts/{name}.ipxe", "#!ipxe\n# pixie: ignore\n")
    with dhcp.Client(lan.client) as c:
        c.silence(dhcp.request(dhcp.DISCOVER, MAC.replace("-", ":"), *dhcp.pxe(7)))
    server.logged(MAC, "dhcp-silent", "ignore")


UUID = "4c4c4544-0042-3510-8054-b4c04f4d4e31"
SWAPPED = "44454c4c-4200-1035-8054-b4c04f4d4e31"  # as SMBIOS has it


@pytest.mark.parametrize("name", [UUID, UUID.upper(), SWAPPED])
def test_ignore_and_scripts_that_are_named_by_uuid(lan, own_site, live, name):
    live("--proxy-dhcp")
    with dhcp.Client(lan.client) as c:
        def discover():
            options = [o for o in dhcp.pxe(7) if o[0] != 97]
            guid = (97, b"\0" + bytes.fromhex(UUID.replace("-", "")))
            return dhcp.request(dhcp.DISCOVER, MAC.replace("-", ":"), *options, guid)

        own_site.write("scripts/default.ipxe", "#!ipxe\n# pixie: ignore\n")
        c.silence(discover())
        own_site.write(f"scripts/{name}.ipxe", "#!ipxe\n")
        assert c.ask(discover()).siaddr == Lan.SERVER
        own_site.write("scripts/default.ipxe", "#!ipxe\n")
        own_site.write(f"scripts/{name}.ipxe", "#!ipxe\n# pixie: ignore\n")
        c.silence(discover())


def test_head_and_browsers_use_no_once_up(lan, own_site, live, database):
    live()
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    assert script(lan, MAC, browser).text == ONCE
    assert script(lan, method="HEAD").status == 200
    live.again()
    assert rows(database, "SELECT count(*) FROM state WHERE once_used") == [(0,)]
    assert "/done/" in script(lan).text
    until(lambda: rows(database, "SELECT once_used FROM state") == [(1,)], "once used up")
    live.again()
    assert is_local(script(lan).text)
    assert script(lan, MAC, browser).text == ONCE


def test_once_of_an_ipxe_that_dhcp_names_its_script(lan, own_site, live):
    """It sees no menu. Ours asks again after an error, and says who it is each time."""
    live()
    own = Lan.CLIENT_MAC.replace(":", "-")  # so that the files are its, too
    own_site.write(f"scripts/{own}.ipxe", ONCE)
    ask = lambda query="": rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{own}.ipxe{query}").text
    fetch = lambda: rawhttp.get(lan.client, Lan.SERVER, "/extra/small.bin").status
    first = ask()
    assert "/done/" in first and fetch() == 200
    assert ask() == first
    time.sleep(5.5)
    assert ask(f"?mac={own}") == first and fetch() == 200
    time.sleep(5.5)
    assert is_local(ask())


# -- done --------------------------------------------------------------------------------

def test_done_is_each_machines_own(lan, own_site, live, database):
    live()
    own_site.write("scripts/default.ipxe", ONCE)
    first, second = script(lan, "52-54-00-ab-cd-01"), script(lan, "52-54-00-ab-cd-02")
    assert done_url(first.text) != done_url(second.text)
    assert first["etag"] != second["etag"]
    assert int(first["content-length"]) == len(first.body)
    assert script(lan, "52-54-00-ab-cd-01").text == first.text  # iPXE asks again
    over_tftp = tftp.get(lan.client, Lan.SERVER, "ipxe/52-54-00-ab-cd-01.ipxe").decode()
    assert done_url(over_tftp) == done_url(first.text)

    get = lambda target, **kw: rawhttp.get(lan.client, Lan.SERVER, target, **kw)
    assert get(done_url(first.text), method="HEAD").status == 405
    assert get("/done/" + "0" * 32).status == 404 and get("/done/").status == 404
    reports_done(lan, done_url(first.text))
    assert rows(database, "SELECT mac FROM state WHERE done") == [("52-54-00-ab-cd-01",)]
    answer = get(done_url(first.text), method="POST")  # installers try again
    assert answer.status in CHANGED and answer.text.startswith("ok")
    assert is_local(script(lan, "52-54-00-ab-cd-01").text)
    assert done_url(script(lan, "52-54-00-ab-cd-02").text) == done_url(second.text)


def test_token_of_an_earlier_boot_is_refused(lan, own_site, live):
    live()
    own_site.write(f"scripts/{MAC}.ipxe", ONCE.replace("once", "boot"))
    earlier = done_url(script(lan).text)
    live.again()  # and the machine too: the first it asks for is its script
    now = done_url(script(lan).text)
    assert now != earlier
    assert rawhttp.get(lan.client, Lan.SERVER, earlier).status == 404
    reports_done(lan, now)


def test_token_outlives_pixie(lan, own_site, live, database):
    """An installation takes longer than an update of pixie."""
    live()
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    url = done_url(script(lan).text)
    until(lambda: rows(database, "SELECT token FROM state") == [(url[-32:],)], "token on disk")
    live.again()
    reports_done(lan, url)
    assert is_local(script(lan).text)


def test_who_had_an_address_is_found_by_it_after_a_restart(lan, own_site, live, database):
    """Not by a change: another may have it by now."""
    live()
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    script(lan)
    until(lambda: rows(database, "SELECT address FROM machine") == [(Lan.CLIENT,)], "address on disk")
    until(lambda: rows(database, "SELECT 1 FROM event WHERE kind = 'asked'"), "history on disk")
    api = Api(lan, control=live.again().control)
    shown = api.get(f"/api/v1/machines/{Lan.CLIENT}")
    assert (shown["id"], shown["address"]) == (MAC, Lan.CLIENT)
    assert "asked" in [e["kind"] for boot in shown["boots"] for e in boot["events"]]
    assert api.set(Lan.CLIENT, "once")[0] == 404
    script(lan)
    until(lambda: api.set(Lan.CLIENT, "once")[0] == 200, "set")


def test_installations_are_counted_after_a_restart_too(lan, own_site, live, database):
    """Of boots that are over the rules read what the database has."""
    server = live("--proxy-dhcp")
    own_site.write(f"scripts/{MAC}.ipxe", ONCE.replace("once", "boot"))
    ask = lambda: Api(lan, server.control).get(f"/api/v1/machines/{MAC}")["boots"]
    codes = lambda boots: [b["verdict"] and b["verdict"]["code"] for b in boots]
    want = ["done", "done", "reinstall-loop"]
    with dhcp.Client(lan.client) as c:
        for _ in want:
            c.ask(dhcp.request(dhcp.DISCOVER, MAC.replace("-", ":"), *dhcp.pxe(7)))
            reports_done(lan, done_url(script(lan).text))
            time.sleep(0.6)  # sooner it is the same DISCOVER, heard twice
        until(lambda: codes(ask()) == want, "verdicts")
        until(lambda: rows(database, "SELECT count(*) FROM event WHERE kind = 'done'") == [(3,)],
              "history on disk")
        server = live.again("--proxy-dhcp")
        c.ask(dhcp.request(dhcp.DISCOVER, MAC.replace("-", ":"), *dhcp.pxe(7)))
        until(lambda: codes(ask())[:3] == want, "history read")


# -- where it lies -----------------------------------------------------------------------

def test_database_is_neither_served_nor_listed(lan, own_site, live, database):
    live()
    script(lan)
    until(lambda: os.path.exists(database + "-wal"), "WAL")
    for name in (".pixie.db", ".pixie.db-wal", ".pixie.db-shm", ".PIXIE.DB", "sub/../.pixie.db"):
        assert rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{name}").status in (400, 403), name
        with pytest.raises(tftp.Refused, match="error 2"):
            tftp.get(lan.client, Lan.SERVER, f"ipxe/{name}")
    assert "pixie.db" not in rawhttp.get(lan.client, Lan.SERVER, "/ipxe/").text
    assert oct(os.stat(database).st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("where", ["beside the scripts", "elsewhere"])
def test_it_is_served_under_no_other_name(lan, own_site, live, database, tmp_path, where):
    """A link to it, of either kind, in any case; nor what SQLite has beside it."""
    path = database if where == "beside the scripts" else str(tmp_path / "some.db")
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    live(*([] if path == database else ["--state", path]))
    reports_done(lan, done_url(script(lan).text))
    os.mkdir(own_site.path("extra", "Sub"))
    for n, suffix in enumerate(("", "-wal", "-shm")):
        os.symlink(path + suffix, own_site.path("extra", f"Soft{n}"))
        os.symlink(own_site.path("extra", f"Soft{n}"), own_site.path("extra/Sub", f"again{n}"))
        os.link(path + suffix, own_site.path("extra", f"hard{n}"))
        for name in (f"extra/Soft{n}", f"soft{n}", f"extra/hard{n}", f"extra/sub/AGAIN{n}"):
            for _ in range(3):  # what is asked for again is kept in memory
                assert rawhttp.get(lan.client, Lan.SERVER, "/" + name).status == 403, name
            with pytest.raises(tftp.Refused):
                tftp.get(lan.client, Lan.SERVER, name)
    assert rawhttp.get(lan.client, Lan.SERVER, "/extra/small.bin").status == 200


def test_state_none_and_elsewhere(lan, own_site, live, database, tmp_path):
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    live("--state", "none")
    assert "/done/" in script(lan).text
    reports_done(lan, done_url(script(lan).text))
    live.again("--state", "none")
    assert "/done/" in script(lan).text  # forgotten
    path = tmp_path / "some.db"
    live.again(env={"STATE": str(path)})
    reports_done(lan, done_url(script(lan).text))
    assert rows(path, "SELECT mac FROM state") == [(MAC,)]
    assert not os.path.exists(database)


def test_a_file_that_anybody_could_fetch_is_refused(own_site):
    for folder in ("scripts", "extra"):
        path = own_site.path(folder, "state.db")
        refused = pixie.command(*own_site.options(), "--state", path)
        assert refused.returncode == 64 and path in refused.stderr and "serves" in refused.stderr


@pytest.mark.parametrize("where, why", [
    ("", "directory"), ("new/", "directory"), ("absent/some.db", "absent"),
    ("file/some.db", "file"), ("socket", "no file"), ("fifo", "no file"), ("loop", "levels")])
def test_a_file_that_cannot_be_is_refused(own_site, tmp_path, where, why):
    """Whoever names it wants his states kept: no warning that nobody reads."""
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    os.symlink("loop", tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "socket"))
    path = f"{tmp_path}/{where}"
    for refused in (pixie.command(*own_site.options(), "--state", path),
                    pixie.command(*own_site.options(), env={"STATE": path})):
        assert refused.returncode == 73 and refused.stderr.count("\n") == 1
        assert f"--state {path}: " in refused.stderr and why in refused.stderr


def test_user_who_may_write_nowhere_is_warned(lan, own_site, live):
    server = live("-t", ":1069", "-u", ":1080", uid=65534)
    server.logged("store-none", "--state", level="WARNING")
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    token = re.search("/done/([^ /\n]+)", script(lan, port=1080).text)[1]
    assert rawhttp.get(lan.client, Lan.SERVER, f"/done/{token}", port=1080).status == 202
    told = Api(lan, port=1080).get("/api/v1/version")["store"]
    assert not told["ok"] and "/var/lib/pixie" in told["why"]


def test_two_pixies_do_not_share_a_database(lan, own_site, live, database, tmp_path):
    """Each would write what it remembers over what the other was told."""
    path = str(tmp_path / "some.db")
    elsewhere = ("-t", ":1069", "-u", ":1080", "--control", "none")
    live("--state", path)
    second = pixie.Pixie(lan.server, *own_site.options(), *elsewhere, "--state", path, ready=False)
    assert second.wait() == 69 and path in second.log() and "another pixie" in second.log()
    second.kill()
    live.again()
    beside = live(*elsewhere)  # nobody chose the file: machines boot all the same
    beside.logged("store-none", "another pixie", level="WARNING")
    assert rawhttp.get(lan.client, Lan.SERVER, "/extra/small.bin", port=1080).status == 200


def test_sqlites_own_names_are_no_files(own_site):
    refused = pixie.command(*own_site.options(), "--state", ":memory:")
    assert refused.returncode == 64 and "--state none" in refused.stderr


# -- kill -9 -----------------------------------------------------------------------------

class Load(threading.Thread):
    """Machines that fetch a script and report that they are done, as fast as it goes."""

    def __init__(self, lan, number, life):
        super().__init__(daemon=True)
        self.lan, self.prefix = lan, f"02-{number:02x}-{life:02x}"
        self.acknowledged, self.ended = [], False

    def run(self):
        try:
            with rawhttp.Connection(self.lan.client, Lan.SERVER) as c:
                for i in range(65536):
                    mac = f"{self.prefix}-{i >> 8:02x}-{i & 255:02x}-00"
                    url = done_url(c.get(f"/ipxe/{mac}.ipxe").text)
                    if c.get(url).status == 200:
                        self.acknowledged.append((mac, url[-32:]))
        except (rawhttp.Closed, OSError, AssertionError):
            pass  # killed
        self.ended = True


class Changes(threading.Thread):
    """Somebody who sets the states of a few machines, over and over, by the Unix socket."""

    MACS = [f"02-ff-ff-ff-ff-{n:02x}" for n in range(5)]

    def __init__(self, lan, server, number, acknowledged):
        super().__init__(daemon=True)
        self.api, self.random = Api(lan, control=server.control), random.Random(number)
        self.acknowledged, self.count, self.asked = acknowledged, 0, (None, None)
        self.ended = False

    def run(self):
        try:
            while True:
                self.asked = mac, state = self.random.choice(self.MACS), self.random.choice(
                    ("boot", "once", "local", "ignore"))
                if self.api.set(mac, state)[0] == 200:
                    self.acknowledged[mac] = state
                    self.count += 1
        except (rawhttp.Closed, OSError, AssertionError):
            pass  # killed
        self.ended = True

    def lost(self, on_disk):
        """What was asked for last may be there without having been answered."""
        return {mac: (state, on_disk.get(mac)) for mac, state in self.acknowledged.items()
                if on_disk.get(mac) != state and self.asked != (mac, on_disk.get(mac))}


def fetch_for_ever(lan, stop):
    while not stop.is_set():
        try:
            rawhttp.get(lan.client, Lan.SERVER, "/extra/big.bin")
            tftp.get(lan.client, Lan.SERVER, "small.bin", timeout=0.2, tries=5)
        except (AssertionError, OSError, ValueError):
            time.sleep(0.01)


LIVES = 50


@pytest.mark.timeout(600)
def test_kill_9_loses_nothing_that_was_acknowledged(lan, own_site, live, database):
    own_site.write("scripts/default.ipxe", ONCE)
    own_site.write("extra/big.bin", os.urandom(2_000_000))
    stop = threading.Event()
    busy = threading.Thread(target=fetch_for_ever, args=(lan, stop), daemon=True)
    seed, acknowledged, states, changes = random.Random(9), {}, {}, 0
    server = live()
    busy.start()
    try:
        for life in range(LIVES):
            loads = [Load(lan, n, life) for n in range(3)]
            setter = Changes(lan, server, life, states)
            for thread in [*loads, setter]:
                thread.start()
            until(lambda: setter.count and any(load.acknowledged for load in loads), "first answers")
            time.sleep(seed.uniform(0, 0.15))
            server = live.again()
            for thread in [*loads, setter]:
                thread.join(60)
                assert thread.ended
            for load in loads:
                acknowledged.update(load.acknowledged)
            changes += setter.count
            set_on_disk = dict(rows(database, "SELECT mac, state FROM state WHERE state_set"))
            assert not setter.lost(set_on_disk), f"life {life}: {setter.lost(set_on_disk)}"
            states.update({m: s for m, s in set_on_disk.items() if m in Changes.MACS})
            on_disk = dict(rows(database, "SELECT mac, token FROM state WHERE done"))
            lost = {m: t for m, t in acknowledged.items() if on_disk.get(m) != t}
            assert not lost, f"life {life}: {len(lost)} of {len(acknowledged)} lost: {lost}"
    finally:
        stop.set()
        busy.join(20)
    print(f"\n{len(acknowledged)} installations and {changes} states acknowledged in {LIVES} "
          "lives, none lost")
    assert len(acknowledged) >= LIVES
    for mac in seed.sample(sorted(acknowledged), 20):
        assert is_local(script(lan, mac).text), mac
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


# -- more machines than memory has room for ----------------------------------------------

FLEET = 20000  # stories of 16,384 are in memory


def install_all(lan, macs):
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        return {mac: done_url(c.get(f"/ipxe/{mac}.ipxe").text) for mac in macs}


@pytest.mark.timeout(300)
def test_a_fleet_that_memory_has_no_room_for_is_installed_once(lan, own_site, live, database):
    own_site.write("scripts/default.ipxe", ONCE)
    server, seed = live("-v", "WARNING"), random.Random(4)
    api = Api(lan, control=server.control)
    urls = install_all(lan, [f"02-00-00-00-{n >> 8:02x}-{n & 255:02x}" for n in range(FLEET)])
    listed = {m["id"] for m in api.get("/api/v1/machines")["machines"]}
    forgotten = seed.sample(sorted(set(urls) - listed), 30)
    done, again, gone, *others = forgotten

    # Still known where it counts, and by the API.
    reports_done(lan, urls[done])
    shown = api.get(f"/api/v1/machines/{others[0]}")
    assert (shown["id"], shown["state"], shown["state_by"]) == (others[0], "once", "script")
    for mac in [done, *others[1:10]]:
        assert is_local(script(lan, mac).text), mac
    until(lambda: api.set(again, "once")[0] == 200, "set")
    assert "/done/" in script(lan, again).text
    assert api.ask("DELETE", f"/api/v1/machines/{gone}")[0] in CHANGED
    assert api.ask("GET", f"/api/v1/machines/{gone}")[0] == 404

    used = "SELECT count(*) FROM state WHERE once_used"
    until(lambda: rows(database, used) == [(FLEET - 1,)], "on disk")
    for end in ("kill", "stop"):
        getattr(server, end)()
        server = live("-v", "WARNING")
        for mac in [done, *seed.sample(others, 10), *seed.sample(sorted(listed), 10)]:
            assert is_local(script(lan, mac).text), mac
    assert is_local(script(lan, again).text)
    assert "/done/" in script(lan, gone).text


# -- a sick database ---------------------------------------------------------------------

def boots(lan, mac=MAC):
    """What a boot needs: the ROM by TFTP, the menu and the script by HTTP."""
    assert len(tftp.get(lan.client, Lan.SERVER, "undionly.kpxe")) > 60000
    assert "menu" in rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe").text
    assert "/done/" in script(lan, mac).text


def history_of(path, mac):
    """How many scripts it was sent; 0 too while the database cannot be read."""
    found = rows_or_none(path, "SELECT count(*) FROM event, machine ON machine.id = event.machine "
                         "WHERE mac = ? AND kind = 'script'", mac)
    return found[0][0] if found else 0


def sick(lan, server, path, hurt, heal, words, report="store-trouble"):
    """hurt() makes it sick: boots go on, it is said once; after heal() history goes on."""
    before, during, after = "52-54-00-00-00-01", "52-54-00-00-00-02", "52-54-00-00-00-03"
    boots(lan, before)
    done = done_url(script(lan, before).text)
    reports_done(lan, done)
    hurt()
    boots(lan, during)
    answer = rawhttp.get(lan.client, Lan.SERVER, done_url(script(lan, during).text))
    assert answer.status in CHANGED
    assert is_local(script(lan, before).text) and is_local(script(lan, during).text)
    server.logged(report, words)
    for _ in range(3):
        boots(lan, after)
        time.sleep(0.5)
    said = [e.values["why"] for e in server.events() if e.event == report]
    assert len(said) == len(set(said)), said  # a disk that is slow as well says that, too
    heal()
    until(lambda: rows_or_none(path, "SELECT count(*) FROM state WHERE done") == [(2,)],
          "states on disk")
    until(lambda: history_of(path, after) > 0, "history goes on")
    boots(lan, after)
    return answer.status


def rows_or_none(path, sql, *values):
    try:
        return rows(path, sql, *values)
    except sqlite3.Error:
        return None


@pytest.fixture
def small_disk(own_site):
    """A disk of 1 MiB for the state."""
    folder = own_site.path("disk")
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(lan, own_site, live, small_disk):
    own_site.write("scripts/default.ipxe", ONCE)
    path, stuffing = small_disk + "/state.db", small_disk + "/stuffing"
    server = live("--state", path)

    def hurt():
        with open(stuffing, "wb", buffering=0) as f:
            with pytest.raises(OSError, match="No space"):
                while True:
                    f.write(b"x" * 4096)

    assert sick(lan, server, path, hurt, lambda: os.unlink(stuffing), "disk is full") in CHANGED
    server.logged("store-mended")


def test_a_full_disk_is_called_that(lan, own_site, live, small_disk):
    """What its own failed tries leave in the WAL is not somebody else's writing."""
    own_site.write("scripts/default.ipxe", ONCE)
    path = small_disk + "/state.db"
    server = live("--state", path)
    boots(lan)
    with open(small_disk + "/stuffing", "wb", buffering=0) as f:
        with pytest.raises(OSError, match="No space"):
            while True:
                f.write(b"x" * 4096)
        os.truncate(f.name, os.path.getsize(f.name) - 16384)  # room for some frames
    said = set()
    for n in range(40):
        boots(lan, f"52-54-00-00-01-{n:02x}")
        said.add(Api(lan).get("/api/v1/version")["store"]["why"])
        time.sleep(0.1)
    assert said == {None, "the disk is full"} or said == {"the disk is full"}
    assert not [e for e in server.events() if "somebody else" in e.line]


def test_disk_full_at_start(lan, own_site, live, small_disk):
    own_site.write("scripts/default.ipxe", ONCE)
    path, stuffing = small_disk + "/state.db", small_disk + "/stuffing"
    with open(stuffing, "wb", buffering=0) as f, pytest.raises(OSError):
        while True:
            f.write(b"x" * 4096)
    server = live("--state", path)
    server.logged("store-trouble", level="WARNING")
    boots(lan)
    os.unlink(stuffing)
    server.logged("store-mended")
    until(lambda: history_of(path, MAC) > 0, "history goes on")


def test_read_only_disk(lan, own_site, live, small_disk):
    own_site.write("scripts/default.ipxe", ONCE)
    path = small_disk + "/state.db"
    server = live("--state", path)
    reports_done(lan, done_url(script(lan, "52-54-00-00-00-09").text))
    live.again("--state", path)  # with a WAL left behind

    def remount(how):
        # What is open for writing keeps a disk from becoming read only: as after an I/O error.
        subprocess.run(["mount", "-o", f"remount,{how}", small_disk], check=True)

    server = live.again("--state", "none")
    remount("ro")
    server = live.again("--state", path)
    server.logged("store-trouble", "read only", level="WARNING")
    assert is_local(script(lan, "52-54-00-00-00-09").text), "what can be read is known"
    boots(lan)
    answer = rawhttp.get(lan.client, Lan.SERVER, done_url(script(lan).text))
    assert answer.status == 202
    remount("rw")
    server.logged("store-mended")
    until(lambda: rows(path, "SELECT count(*) FROM state WHERE done") == [(2,)], "states on disk")
    until(lambda: history_of(path, MAC) > 0, "history goes on")


def test_deleted(lan, own_site, live, database):
    own_site.write("scripts/default.ipxe", ONCE)
    server = live()

    def hurt():
        for name in glob.glob(database + "*"):
            os.unlink(name)

    assert sick(lan, server, database, hurt, lambda: None, "deleted", "store-gone") in CHANGED


def garble(name):
    """Other bytes, in the same length."""
    with open(name, "r+b") as f:
        f.write(os.urandom(os.path.getsize(name)))


def moved_aside(lan, database):
    assert glob.glob(database + ".corrupt-2*"), "moved aside, not deleted"
    assert "pixie" not in rawhttp.get(lan.client, Lan.SERVER, "/ipxe/").text


def cut(name):
    os.truncate(name, min(9000, os.path.getsize(name) // 2))


@pytest.mark.parametrize("parts", [[""], ["-wal"], ["", "-wal"], ["", "-wal", "-shm"]])
@pytest.mark.parametrize("spoil", [garble, cut])
def test_corrupted_under_us(lan, own_site, live, database, spoil, parts):
    own_site.write("scripts/default.ipxe", ONCE)
    server = live()

    def hurt():
        checkpoint = sqlite3.connect(database, timeout=20)
        checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        checkpoint.close()
        boots(lan, "52-54-00-00-00-07")
        until(lambda: history_of(database, "52-54-00-00-00-07") > 0, "history")
        server.logged("store-mended")  # somebody wrote to it, and it was looked through
        for part in parts:
            spoil(database + part)

    before = "52-54-00-00-00-01"
    boots(lan, before)
    reports_done(lan, done_url(script(lan, before).text))
    hurt()
    boots(lan, "52-54-00-00-00-02")
    until(lambda: rows_or_none(database, "SELECT count(*) FROM state WHERE done") == [(1,)],
          "states on disk")
    until(lambda: history_of(database, "52-54-00-00-00-02") > 0, "history goes on")
    assert is_local(script(lan, before).text)
    until(lambda: rows_or_none(database, "PRAGMA integrity_check") == [("ok",)], "a sound database")
    if "" in parts and spoil is garble:
        server.logged("store-corrupt", ".pixie.db.corrupt-2", level="ERROR")
        moved_aside(lan, database)


def test_corrupt_at_start(lan, own_site, live, database):
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    server = live()
    boots(lan)
    server.stop()
    garble(database)
    server = live()
    server.logged("store-corrupt", ".pixie.db.corrupt-2", level="ERROR")
    boots(lan)
    until(lambda: history_of(database, MAC) > 0, "history goes on")
    moved_aside(lan, database)


def test_a_database_of_another_user_says_what_to_do(lan, own_site, live, database):
    """Left by a pixie that root started, and found by the service's user."""
    own_site.write(f"scripts/{MAC}.ipxe", ONCE)
    live().stop()
    server = live("-t", ":1069", "-u", ":1080", uid=NOBODY)
    server.logged("store-unread", f"file={database}", "chown", "doc/operating.md", level="ERROR")
    assert "pixie: once" in script(lan, port=1080).text, "every machine gets its script"


def test_locked(lan, own_site, live, database):
    own_site.write("scripts/default.ipxe", ONCE)
    server = live()
    held = []

    def hurt():
        held.append(sqlite3.connect(database, timeout=20, isolation_level=None))
        held[0].execute("BEGIN EXCLUSIVE")

    assert sick(lan, server, database, hurt, lambda: held[0].close(), "locked") == 202
    server.logged("store-mended")


def test_locked_at_start_states_are_known_all_the_same(lan, own_site, live, database):
    own_site.write("scripts/default.ipxe", ONCE)
    live()
    reports_done(lan, done_url(script(lan).text))
    other = sqlite3.connect(database, timeout=20, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    server = live.again()
    assert is_local(script(lan).text)
    boots(lan, "52-54-00-00-00-02")
    other.close()
    until(lambda: history_of(database, "52-54-00-00-00-02") > 0, "history goes on")
    assert server.alive()
