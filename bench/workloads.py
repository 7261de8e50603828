"""The rows of the table, and what each is to reach."""

import dataclasses

KIB, MIB = 1 << 10, 1 << 20
FILES = {"tiny": 100, "small": KIB, "rom": 300 * KIB, "mid": 16 * MIB, "big": 100 * MIB,
         "large": 200 * MIB}

TFTP_PEERS = ["pixie", "dnsmasq", "go-tftp", "tftpd-hpa", "atftpd"]
QUICK_PEERS = TFTP_PEERS[:3]
HTTP_PEERS = ["pixie", "nginx", "lighttpd", "go-http"]


@dataclasses.dataclass
class Goal:
    """pixie against `peer` ("best": the best of the others) in `measure`.

    `reach` is how many times better pixie is to be: more for rates, less for the rest.
    """
    measure: str
    peer: str
    reach: float
    whose: str = "pixie"      # or a variant of it with other options


@dataclasses.dataclass
class Workload:
    name: str
    what: str
    tool: str                 # tftp, http or wrk
    args: list                # of the load
    file: str
    peers: list
    goals: list = dataclasses.field(default_factory=list)
    quick: list = None        # args that replace the ones above in a quick run
    quick_peers: list = None
    pin: str = "split"        # split: server and load on a core each; one: both on one
    seeded: bool = False      # the round's number is the seed


def storm(clients, window=1, transfers=None):
    args = ["--clients", str(clients), "--window", str(window)]
    return args + (["--transfers", str(transfers)] if transfers else [])


WORKLOADS = [
    Workload("storm-100", "100 clients, lockstep 1468, 300 KiB", "tftp",
             storm(100, 1, 2000), "rom", TFTP_PEERS + ["pixie-off"],
             [Goal("mb_s", "dnsmasq", 1.3), Goal("mb_s", "go-tftp", 1.8),
              Goal("cpu_gb", "pixie-off", 0.95)],
             quick=storm(100, 1, 1000), quick_peers=TFTP_PEERS),
    Workload("storm-100-w4", "100 clients asking windowsize 4", "tftp",
             storm(100, 4, 3000), "rom", TFTP_PEERS,
             [Goal("mb_s", "best", 2.5), Goal("cpu_gb", "best", 2.5)],
             quick=storm(100, 4, 1000)),
    Workload("storm-1000-w4", "1000 clients asking windowsize 4", "tftp",
             storm(1000, 4, 3000), "rom", TFTP_PEERS,
             [Goal("mb_s", "best", 2.5), Goal("cpu_gb", "best", 2.5)],
             quick=storm(1000, 4), quick_peers=["pixie", "dnsmasq", "atftpd"]),
    Workload("storm-1000", "1000 clients, lockstep", "tftp",
             storm(1000), "rom", TFTP_PEERS,
             [Goal("mb_s", "best", 2.2), Goal("p99_ms", "best", 6)],
             quick_peers=QUICK_PEERS),
    Workload("storm-5000", "5000 clients, lockstep", "tftp",
             storm(5000) + ["--bound", "30"], "rom", TFTP_PEERS,
             [Goal("failed", "pixie", 0), Goal("mb_s", "best", 6)],
             quick=storm(5000) + ["--bound", "10"], quick_peers=QUICK_PEERS),
    Workload("loss-100", "100 clients, 1 % loss both ways", "tftp",
             storm(100) + ["--loss", "1", "--bound", "60"], "rom",
             ["pixie", "pixie-lan"] + TFTP_PEERS[1:],
             [Goal("p50_ms", "tftpd-hpa", 9), Goal("p50_ms", "go-tftp", 36),
              Goal("p50_ms", "tftpd-hpa", 20, "pixie-lan"),
              Goal("p50_ms", "go-tftp", 85, "pixie-lan")],
             quick=storm(100) + ["--loss", "1", "--bound", "12"],
             quick_peers=["pixie", "pixie-lan", "tftpd-hpa", "go-tftp"], seeded=True),
    Workload("one-w64", "one client, window 64, 100 MB", "tftp",
             storm(1, 64, 5), "big", TFTP_PEERS,
             [Goal("mb_s", "best", 2.5), Goal("cpu_gb", "best", 3)],
             quick=storm(1, 64, 3)),
    Workload("one-core", "one client, lockstep, both ends on one core", "tftp",
             storm(1, 1, 4), "mid", TFTP_PEERS, [Goal("mb_s", "best", 1.0)],
             pin="one", quick=storm(1, 1, 2)),
    Workload("memory-5000", "5000 transfers held open for 3 s", "tftp",
             storm(5000) + ["--hold-ms", "3000"], "rom", ["pixie", "pixie-off"],
             [Goal("rss_mb", "pixie", 5)]),
    Workload("http-1k-64", "1 KiB, keep-alive, 64 connections", "wrk",
             ["-c", "64", "-d", "5"], "small", HTTP_PEERS + ["pixie-info", "pixie-off"],
             [Goal("requests_s", "nginx", 1.5), Goal("requests_s", "go-http", 3.2),
              Goal("cpu_request", "pixie-off", 0.95)],
             quick=["-c", "64", "-d", "2"], quick_peers=HTTP_PEERS + ["pixie-info"]),
    Workload("http-1k-512", "1 KiB, keep-alive, 512 connections", "wrk",
             ["-c", "512", "-d", "5"], "small", HTTP_PEERS,
             [Goal("requests_s", "nginx", 1.5), Goal("requests_s", "go-http", 3.2)],
             quick=["-c", "512", "-d", "2"]),
    Workload("http-1k-close", "1 KiB, a connection a request", "wrk",
             ["-c", "64", "-d", "5", "-H", "Connection: close"], "small", HTTP_PEERS,
             [Goal("cpu_request", "nginx", 0.95 ** -1)],
             quick=["-c", "64", "-d", "2", "-H", "Connection: close"]),
    Workload("http-200m-32", "200 MB, 32 connections", "http",
             ["--connections", "32", "--requests", "64"], "large", HTTP_PEERS,
             [Goal("cpu_gb", "nginx", 1.0)],
             quick=["--connections", "32", "--requests", "32"], quick_peers=HTTP_PEERS[:2]),
    Workload("http-200m-1", "200 MB, one connection", "http",
             ["--connections", "1", "--requests", "40"], "large", HTTP_PEERS,
             [Goal("cpu_gb", "nginx", 1.2 ** -1)],
             quick=["--connections", "1", "--requests", "20"], quick_peers=HTTP_PEERS[:2]),
    Workload("http-range-64k", "ranges of 64 KiB, 32 connections", "http",
             ["--connections", "32", "--requests", "100000", "--range", str(64 * KIB)],
             "large", HTTP_PEERS, [Goal("cpu_gb", "nginx", 1.0)],
             quick=["--connections", "32", "--requests", "30000", "--range", str(64 * KIB)],
             quick_peers=HTTP_PEERS[:2]),
    Workload("http-range-1m", "ranges of 1 MiB, 32 connections", "http",
             ["--connections", "32", "--requests", "8000", "--range", str(MIB)],
             "large", HTTP_PEERS, [Goal("cpu_gb", "nginx", 1.0)],
             quick=["--connections", "32", "--requests", "2500", "--range", str(MIB)],
             quick_peers=HTTP_PEERS[:2]),
]

GROWTH_PEERS = ["pixie", "dnsmasq", "go-tftp", "tftpd-hpa"]
GROWTH = [
    Workload(f"growth-{n}", f"{n} clients, lockstep", "tftp",
             storm(n, 1, max(n, 500)) + ["--bound", "30"], "rom", GROWTH_PEERS)
    for n in [10, 30, 100, 300, 1000, 3000, 10000]
]
