"""The page's modules that touch no document, as tables, in the browser that runs them."""
import pytest

import scenes
from scenes import at, events, sent

IDENT = "52-54-00-00-00-01"


@pytest.fixture(scope="module")
def blank(browser, ns):
    """A page from which modules can be imported, and which does nothing else."""
    from mock import Mock
    server = Mock(ns)
    page = browser.open()
    page.goto(server.url + "page/icon.svg")
    yield page
    page.close()
    server.down()


def call(page, module, body, argument=None):
    return page.evaluate(f"async (given) => {{ const m = await import('/page/{module}.js'); {body} }}",
                         argument)


def test_numbers(blank):
    got = call(blank, "format", "return given.map(([f, n]) => m[f](n))", [
        ["bytes", 0], ["bytes", 999], ["bytes", 1010], ["bytes", 284672], ["bytes", 14149568],
        ["bytes", 2.5e9], ["rate", 11.4e6], ["duration", 41], ["duration", 999.4], ["duration", 1300],
        ["duration", 12345], ["duration", 59960], ["duration", 60000], ["duration", 125000],
        ["duration", 3600000], ["duration", 11520000], ["duration", -5], ["ago", 900], ["ago", 12000],
        ["ago", 3599e3], ["ago", 86400e3], ["ago", -10]])
    assert got == ["0 B", "999 B", "1.0 kB", "285 kB", "14.1 MB", "2.5 GB", "11.4 MB/s", "41 ms", "999 ms",
                   "1.3 s", "12 s", "1 min", "1 min", "2 min 5 s", "1 h", "3 h 12 min", "0 ms", "now",
                   "12 s", "59 min", "1 d", "now"]


# -- the stream -----------------------------------------------------------------------

STREAM = (": hello\n\nid: 7\nevent: sent\ndata: {\"a\":1}\n\nevent: progress\r\ndata: x\r\n\r\n"
          "id: 8\ndata: one\ndata: two\n\n: beat\n\nid: 9\nevent: half\ndata: never ended\n")


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_stream_however_it_is_cut(blank, piece):
    got = call(blank, "sse", """
        const heard = []; let beats = 0;
        const feed = m.sseParser((e) => heard.push([e.id, e.event, e.data]), () => beats++);
        for (let i = 0; i < given.text.length; i += given.piece)
            feed(given.text.slice(i, i + given.piece));
        return [heard, beats];""", {"text": STREAM, "piece": piece})
    assert got == [[["7", "sent", '{"a":1}'], [None, "progress", "x"], ["8", "message", "one\ntwo"]], 2]


# -- the story -------------------------------------------------------------------------

def story(page, outcome, rows, **kw):
    boot = {**scenes.boot(outcome, -30, **kw), "events": events(IDENT, 1, *rows)}
    got = call(page, "story", "return m.story(given)", boot)
    return got["at"], {s["id"]: s for s in got["steps"]}


def states(steps):
    return " ".join(steps[s]["state"] for s in ("dhcp", "rom", "chain", "script", "kernel", "initrd", "end"))


def test_a_boot_that_went_well(blank):
    boot = {**scenes.boot("booted", -30, 0), "events": scenes.good_boot(IDENT)}
    got = call(blank, "story", "return m.story(given)", boot)
    steps = {s["id"]: s for s in got["steps"]}
    assert got["at"] == "end" and states(steps) == " ".join(["done"] * 7)
    assert {i: round(s["took"]) for i, s in steps.items() if s["took"] is not None} == {
        "dhcp": 2000, "rom": 2399, "chain": 3501, "script": 20, "kernel": 1280, "initrd": 5200}
    assert [e["name"] for e in steps["initrd"]["events"]] == ["extra/initrd.img"] * 2


DISCOVER = (-30, "discover", "dhcp", None, {})
OFFER = (-29.9, "offer", "dhcp", "snponly64.efi", {})
GOT_ROM = sent(-28, "tftp", "snponly64.efi", 284672, 40)
SCRIPT = (-20, "script", "http", f"{IDENT}.ipxe", {})
KERNEL = sent(-15, "http", "extra/vmlinuz", 14149568, 500)


@pytest.mark.parametrize("outcome, rows, where, wanted", [
    ("running", [DISCOVER], "dhcp", "active ahead ahead ahead ahead ahead ahead"),
    ("running", [DISCOVER, OFFER, GOT_ROM], "rom", "done active ahead ahead ahead ahead ahead"),
    ("failed", [DISCOVER, (-29, "silent", "dhcp", None, {})], "dhcp", "warn ahead ahead ahead ahead ahead ahead"),
    ("failed", [DISCOVER, OFFER, GOT_ROM], "rom", "done bad ahead ahead ahead ahead ahead"),
    ("quiet", [DISCOVER, OFFER, GOT_ROM], "rom", "done warn ahead ahead ahead ahead ahead"),
    ("failed", [GOT_ROM, (-20, "missing", "http", f"ipxe/{IDENT}.ipxe", {})], "script",
     "skipped done skipped bad ahead ahead ahead"),
    ("failed", [SCRIPT, KERNEL, (-9, "failed", "http", "extra/initrd.img", {"bytes": 5, "total": 9})], "initrd",
     "skipped skipped skipped done done bad ahead"),
    ("running", [SCRIPT, KERNEL, (-9, "stalled", "http", "extra/initrd.img", {})], "initrd",
     "skipped skipped skipped done done bad ahead"),
    ("local", [DISCOVER, OFFER, GOT_ROM, (-20, "local", "http", "chain.ipxe", {})], "end",
     "done done skipped done skipped skipped done"),
    ("done", [SCRIPT, KERNEL, (-1, "done", "http", None, {})], "end",
     "skipped skipped skipped done done skipped done"),
    # the verdict comes in before the outcome that it means
    ("running", [GOT_ROM, (-20, "missing", "http", f"ipxe/{IDENT}.ipxe", {}),
                 (-15, "verdict", "", "script-missing", {}), (-14, "state", "", "once", {})], "script",
     "skipped done skipped bad ahead ahead ahead"),
    # iPXE asks again after an error: the last word counts
    ("running", [SCRIPT, (-19, "failed", "http", "extra/vmlinuz", {}), KERNEL], "kernel",
     "skipped skipped skipped done active ahead ahead"),
    ("running", [], "end", "ahead ahead ahead ahead ahead ahead ahead"),
])
def test_steps(blank, outcome, rows, where, wanted):
    found, steps = story(blank, outcome, rows)
    assert (found, states(steps)) == (where, wanted)


def test_a_verdict_and_a_state_are_no_files(blank):
    """Their names are a code and a state; they stand where the boot had come to."""
    _, steps = story(blank, "failed", [
        DISCOVER, OFFER, (-29, "state", "", "once", {}), GOT_ROM, (2, "verdict", "", "rom-then-silence", {})])
    assert states(steps) == "done bad ahead ahead ahead ahead ahead"
    assert [e["kind"] for e in steps["rom"]["events"]] == ["sent", "verdict"]
    assert steps["rom"]["took"] == 40
    _, steps = story(blank, "failed", [(2, "verdict", "", "rom-then-silence", {})])
    assert steps["dhcp"]["took"] is None  # the rest of the ring is lost


@pytest.mark.parametrize("name, step", [
    ("undionly.kpxe", "rom"), ("ipxe/snponly64.efi", "rom"), ("autoexec.ipxe", "chain"), ("chain.ipxe", "chain"),
    ("ipxe/00-11-22-33-44-55.ipxe", "script"), ("ipxe/sub/menu.ipxe", "script"), ("extra/vmlinuz-6.1", "kernel"),
    ("bzImage", "kernel"), ("wimboot", "kernel"), ("initrd.img", "initrd"), ("boot/initramfs.cpio.gz", "initrd"),
    ("something", "kernel")])
def test_which_step_a_file_is(blank, name, step):
    _, steps = story(blank, "running", [sent(-9, "http", name, 5, 1)])
    assert [s for s in steps if steps[s]["events"]] == [step]


def test_a_second_file_of_no_known_name_is_an_initrd(blank):
    _, steps = story(blank, "running", [SCRIPT, sent(-9, "http", "a/linux", 5, 1), sent(-8, "http", "a/b", 5, 1),
                                        sent(-7, "http", "a/grub.efi", 5, 1)])
    assert [e["name"] for e in steps["initrd"]["events"]] == ["a/b"]
    assert [e["name"] for e in steps["kernel"]["events"]] == ["a/linux", "a/grub.efi"]


# -- the model ------------------------------------------------------------------------

MODEL = "const model = new m.Model(); model.load(given.machines); "


def listed(page, machines, **wish):
    return call(page, "model", MODEL + "return model.list(given.wish).map((e) => e.m.id)",
                {"machines": machines, "wish": wish})


def test_search(blank):
    a = scenes.machine("52-54-00-ab-00-01", product="PowerEdge R640", serial="7XK2P13", address="192.168.0.9")
    b = scenes.machine("52-54-00-ab-00-02", product="ProLiant", address="192.168.0.10",
                       boot=scenes.boot("failed", says=scenes.verdict("x", "Secure Boot threw it away.")))
    both = [b["id"], a["id"]]
    for query, wanted in [
            ("7xk2p13", [a["id"]]), ("poweredge 0.9", [a["id"]]), ("52:54:00:AB:00:02", [b["id"]]),
            ("525400ab0001", [a["id"]]), ("secure boot", [b["id"]]), ("did not", [b["id"]]), ("nothing", []),
            ("  ", sorted(both))]:
        assert sorted(listed(blank, [a, b], query=query)) == wanted, query
    assert listed(blank, [b, a], order="address") == both[::-1]
    assert listed(blank, [b, a], order="mac") == both[::-1]
    assert listed(blank, [a, b], order="trouble") == both
    assert listed(blank, [a, b], group="trouble") == [b["id"]]


def test_a_boot_moves_a_machine_to_the_top_and_progress_does_not(blank):
    machines = [scenes.machine(scenes.mac(n), boot=scenes.boot("booted", -100 - n)) for n in range(3)]
    got = call(blank, "model", MODEL + """
        const order = () => model.list({}).map((e) => e.m.id.at(-1)).join('');
        const seen = [order()];
        model.progress([{id: given.machines[1].id, name: 'x', bytes: 5, total: 10, rate: 1}]);
        seen.push(order(), model.transfers(given.machines[1].id).length);
        model.take({id: given.machines[2].id, kind: 'boot', boot: 2, time: given.now});
        seen.push(order(), model.counts().booting);
        model.progress([]);
        seen.push(model.transfers(given.machines[1].id).length);
        return seen;""", {"machines": machines, "now": at(0)})
    assert got == ["012", "012", 1, "201", 1, 0]


def test_a_machine_is_seen_by_what_it_does_itself(blank):
    machines = [scenes.machine(scenes.mac(0), last_seen=at(-900))]
    got = call(blank, "model", MODEL + """
        const id = given.machines[0].id, seen = [];
        const look = () => seen.push(model.machine(id).last_seen);
        model.take({id, kind: 'verdict', boot: 1, time: given.now}); look();
        model.take({id, kind: 'state', name: 'once', time: given.now}); look();
        model.progress([{id, name: 'x', bytes: 5, total: 10, rate: 0}]); look();
        model.take({id, kind: 'asked', name: 'x', time: given.now}); look();
        model.progress([{id, name: 'x', bytes: 5, total: 10, rate: 1}]);
        return [seen, Date.parse(model.machine(id).last_seen) > Date.parse(given.now)];""",
               {"machines": machines, "now": at(0)})
    assert got == [[at(-900)] * 3 + [at(0)], True]


def test_a_stranger_is_taken_in_and_asked_for(blank):
    got = call(blank, "model", MODEL + """
        const ask = model.take({id: '192.0.2.9', kind: 'asked', name: 'x', time: given.now});
        return [ask, model.size, model.list({query: '192.0.2.9'}).length,
            model.take({id: '192.0.2.9', kind: 'asked', name: 'x', time: given.now}),
            model.take({kind: 'server', time: given.now}), model.size];""", {"machines": [], "now": at(0)})
    assert got == [True, 1, 1, False, False, 1]
