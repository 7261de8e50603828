"""/metrics: Prometheus' text format, held against its grammar; the counts are exact."""
import math
import re

import pytest

from lib import pixie, rawhttp, tftp
from lib.api import Api
from lib.dhcp import DISCOVER, Client, pxe, request
from lib.fixtures import Site, noise
from lib.netns import Lan

from test_81_api import wait_for

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9.e+-]+|\+Inf|NaN)")
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
HELP = re.compile(rf"# HELP ({NAME}) (\S.*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")


class Metrics:
    """Parsed strictly: HELP and TYPE once and before the samples, which stand together."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.types, self.samples, helped, current = {}, {}, set(), None
        for line in text.splitlines():
            if match := HELP.fullmatch(line):
                assert match[1] not in helped
                helped.add(match[1])
            elif match := TYPE.fullmatch(line):
                current = match[1]
                assert current in helped and current not in self.types
                self.types[current] = match[2]
            else:
                self._sample(line, current)
        self._check()

    def _sample(self, line, current):
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        family = current
        if self.types[current] == "histogram":
            assert match[1] in (f"{current}_bucket", f"{current}_sum", f"{current}_count")
            family = match[1]
        assert match[1] == family, f"{line!r} stands under {current}"
        key = (match[1], frozenset(PAIR.findall(match[2] or "")))
        assert key not in self.samples, f"twice: {line!r}"
        self.samples[key] = float(match[3])

    def _check(self):
        for (name, labels), value in self.samples.items():
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            kind = self.types.get(name) or self.types[base]
            if kind != "gauge":
                assert value >= 0 and math.isfinite(value)
            if kind == "counter":
                assert name.endswith("_total"), name
            if name.endswith("_count") and kind == "histogram":
                self._check_histogram(base, labels, value)

    def _check_histogram(self, base, labels, count):
        buckets = []
        for (name, ours), value in self.samples.items():
            pairs = dict(ours)
            bound = pairs.pop("le", None)
            if name == f"{base}_bucket" and frozenset(pairs.items()) == labels:
                buckets.append((float(bound), value))
        buckets.sort()
        assert buckets[-1] == (math.inf, count)
        assert [v for _, v in buckets] == sorted(v for _, v in buckets)

    def __call__(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())), 0)

    def sum(self, name, **labels):
        return sum(v for (n, ours), v in self.samples.items()
                   if n == name and labels.items() <= dict(ours).items())


@pytest.fixture(scope="module")
def served():
    folders = Site()
    folders.write("extra/file", noise(100_000))
    folders.write("extra/other", noise(7))
    folders.write("extra/large", noise(5_000_000))
    yield folders
    folders.close()


@pytest.fixture(scope="module")
def pixies(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-v", "DEBUG", "--proxy-dhcp")
    yield process
    process.stop()


def scrape(lan, port=80):
    answer = rawhttp.get(lan.client, Lan.SERVER, "/metrics", port=port)
    assert answer.status == 200
    assert answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(answer.text)


def test_the_parser_is_strict():
    good = "# HELP a_total x\n# TYPE a_total counter\na_total 1\n"
    Metrics(good)
    for bad in (good[:-1], good + good, good.replace("a_total 1", "b_total 1"),
                good.replace("1\n", "one\n"), good.replace("a_total 1", "a_total{x=1} 1"),
                good.replace(" counter", " number"), good + "a_total 2\n",
                good.replace("a_total", "a"), good.replace("1\n", "-1\n")):
        with pytest.raises((AssertionError, KeyError)):
            Metrics(bad)


def test_a_server_that_did_nothing(lan, served):
    process = pixie.Pixie(lan.server, *served.options(), "-t", ":1069", "-u", ":1080")
    m = scrape(lan, 1080)
    assert m("pixie_build_info", version=pixie.command("--version").stdout.split()[1]) == 1
    assert m("pixie_machines") == 0 and m.sum("pixie_transfers_total") == 0
    assert m("pixie_registry_bytes") > 0 and m("pixie_store_ok") == 1
    process.stop()


def test_transfers_are_counted_exactly(lan, pixies):
    before = scrape(lan)
    for _ in range(20):
        tftp.get(lan.client, Lan.SERVER, "extra/file", blksize="1000")
    for i in range(30):
        path = "/extra/other" if i % 2 else "/extra/file"
        assert rawhttp.get(lan.client, Lan.SERVER, path).status == 200

    def grown(name, **labels):
        return after(name, **labels) - before(name, **labels)

    def whole():
        now, name = scrape(lan), "pixie_transfers_total"
        return now.sum(name, outcome="whole") - before.sum(name, outcome="whole")

    wait_for(lambda: whole() >= 50)  # they are counted once they have been sent
    after = scrape(lan)
    assert grown("pixie_transfers_total", via="tftp", outcome="whole") == 20
    assert grown("pixie_transfers_total", via="http", outcome="whole") == 30
    assert grown("pixie_transfer_bytes_total", via="tftp") == 2_000_000
    assert grown("pixie_transfer_bytes_total", via="http") == 15 * 100_007
    assert grown("pixie_transfer_seconds_count", via="tftp") == 20
    assert grown("pixie_transfer_seconds_count", via="http") == 30
    assert grown("pixie_packets_total", via="tftp") == 20 * 101


def test_retransmissions_are_counted(lan, pixies):
    before = scrape(lan)
    with tftp.Conversation(lan.client, Lan.SERVER) as c:
        c.rrq("extra/file", blksize="1000")
        c.oack()
        c.ack(0)
        c.data(1)
        c.data(1)  # again: the first was "lost"
        c.rest(1, 1000)
    name = "pixie_retransmissions_total"
    wait_for(lambda: scrape(lan)(name, via="tftp") > before(name, via="tftp"))


def test_what_breaks_off_is_counted(lan, pixies):
    before = scrape(lan)
    with rawhttp.Connection(lan.client, Lan.SERVER, receive_buffer=4096) as c:
        c.ask("/extra/large")
        c.head()
        assert len(c.body(1000)) == 1000  # the head comes alone: what follows may not be sent yet
        c.reset()
    labels = {"via": "http", "outcome": "broken"}
    wait_for(lambda: scrape(lan)("pixie_transfers_total", **labels) ==
             before("pixie_transfers_total", **labels) + 1)
    name = "pixie_transfer_bytes_total"
    assert 0 < scrape(lan)(name, via="http") - before(name, via="http") < 5_000_000


def test_offers_by_architecture_and_strategy(lan, pixies):
    before = scrape(lan)
    with Client(lan.client) as c:
        for n, arch in enumerate((7, 7, 0)):
            c.ask(request(DISCOVER, f"02:00:00:00:84:{n:02x}", *pxe(arch)))
    name = "pixie_offers_total"
    wait_for(lambda: scrape(lan).sum(name) >= before.sum(name) + 3)
    after = scrape(lan)
    for arch, n in (("7", 2), ("0", 1)):
        assert after.sum(name, arch=arch) - before.sum(name, arch=arch) == n
    assert all(dict(labels)["strategy"] for sample, labels in after.samples if sample == name)


def test_boots_by_outcome_and_reason(lan, pixies):
    before = scrape(lan)
    rawhttp.get(lan.client, Lan.SERVER, "/ipxe/02-00-00-00-84-77.ipxe")
    labels = {"outcome": "failed", "reason": "script-missing"}
    wait_for(lambda: scrape(lan)("pixie_verdicts_total", **labels) ==
             before("pixie_verdicts_total", **labels) + 1)
    after = scrape(lan)
    assert after("pixie_boots_total") == before("pixie_boots_total") + 1
    assert after("pixie_boot_seconds_count", **labels) == \
        before("pixie_boot_seconds_count", **labels) + 1


def test_readers_and_machines_are_gauges(lan, pixies):
    readers = [Api(lan).events() for _ in range(7)]
    wait_for(lambda: scrape(lan)("pixie_event_readers") == 7)
    for reader in readers:
        reader.connection.close()
    wait_for(lambda: scrape(lan)("pixie_event_readers") == 0)
    assert scrape(lan)("pixie_machines") >= 1
