#!/usr/bin/python3
"""Writes what was measured into doc/performance.md, between its markers, and the plot.

page.py RESULTS.json GROWTH.json WORKERS.json (one that is missing: that part stays as it is)
"""

import json
import pathlib
import re
import statistics
import sys

import plot
import report
import workers
import workloads

DOC = pathlib.Path(__file__).resolve().parent.parent / "doc"


def replace(text, part, lines):
    mark = f"<!-- {part}: written by bench/page.py -->"
    body = "\n".join([mark, "", *lines, "", f"<!-- end of {part} -->"])
    found = re.compile(re.escape(mark) + ".*?" + re.escape(f"<!-- end of {part} -->"), re.S)
    if not found.search(text):
        sys.exit(f"doc/performance.md has no place for {part}")
    return found.sub(lambda _: body, text)


def circumstances(whole):
    m = whole["machine"]
    rounds = max(len(runs) for by_peer in whole["results"].values() for runs in by_peer.values())
    peers = ", ".join(f"{n} {v}" for n, v in sorted(whole["versions"].items()))
    yield (f"{m['date']}, {m['cores']} cores of an {m['cpu']}, Linux {m['kernel']}; "
           f"{rounds} round{'s' if rounds > 1 else ''}{' (quick)' if whole['quick'] else ''}, "
           f"median [least…most]{'; peers: ' * bool(peers)}{peers}.")
    if whole.get("note"):
        yield whole["note"]


def growth_table(results):
    peers = list(next(iter(results.values())))
    yield "| clients | " + " | ".join(f"{p}: MB/s, p99 s, failed" for p in peers) + " | pixie CPU ms a transfer | without the clients' input path |"
    yield "|---" * (len(peers) + 3) + "|"
    for name, by_peer in results.items():
        cells = []
        for p in peers:
            runs = by_peer.get(p, [])
            if not report.median(runs, "mb_s"):
                cells.append("-")
                continue
            cells.append(f"{report.median(runs, 'mb_s'):.0f}, {report.median(runs, 'p99_ms') / 1000:.2f}, "
                         f"{report.median(runs, 'failed'):.0f}")
        for measure in ["cpu_request", "own_cpu_request"]:
            found = report.median(by_peer["pixie"], measure)
            cells.append(f"{found / 1000:.2f}" if found else "-")
        yield f"| {name.split('-')[1]} | " + " | ".join(cells) + " |"


def main(results, growth, several):
    page = DOC / "performance.md"
    text = page.read_text()
    if pathlib.Path(results).exists():
        whole = json.loads(pathlib.Path(results).read_text())
        text = replace(text, "results", [*circumstances(whole), report.text(whole, workloads.WORKLOADS)])
    if pathlib.Path(growth).exists():
        whole = json.loads(pathlib.Path(growth).read_text())
        text = replace(text, "growth", [*circumstances(whole), "", *growth_table(whole["results"])])
        (DOC / "performance.svg").write_text(plot.svg(whole["results"]))
    if pathlib.Path(several).exists():
        whole = json.loads(pathlib.Path(several).read_text())
        text = replace(text, "workers", [*circumstances(whole), "", *workers.table(whole["results"])])
    page.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:4])
