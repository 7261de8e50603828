#!/usr/bin/python3
"""Measures what a second worker brings on a second core.

Server and load are on the same cores, so that twice the cores are twice the machine for
both. Two processes with a core each, which share nothing, show what the machine itself
makes of two cores; the workers of one process are reached by a hash, so that half of the
packets come from the other core. In a namespace of its own; needs root.

What the cores allow is reckoned from the CPU that server and loads used: where other
work takes turns on the same machine, it says more than the time that went by.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import meter
import peers
import report
import run
import workloads
from workloads import Workload, storm

BOTH = {0, 1}
# Name: servers (how many workers, on which cores), loads (which server's, on which core).
ARRANGEMENTS = {
    "1 worker, 1 core": ([(1, {0})], [(0, 0)]),
    "2 processes, a core each": ([(1, {0}), (1, {1})], [(0, 0), (1, 1)]),
    "2 workers, 2 cores": ([(2, BOTH)], [(0, 0), (0, 1)]),
    "1 worker, 2 cores": ([(1, BOTH)], [(0, 0), (0, 1)]),
}
BASE = "1 worker, 1 core"  # what the others are compared with
ROWS = [
    Workload("storm-100", "100 clients a load, lockstep", "tftp", storm(100, 1, 2000), "rom", []),
    Workload("storm-100-w4", "100 clients a load, windowsize 4", "tftp", storm(100, 4, 4000),
             "rom", []),
    Workload("storm-1000", "1000 clients a load, lockstep", "tftp", storm(1000, 1, 2000), "rom", []),
    Workload("http-1k", "1 KiB, keep-alive, 64 connections a load", "wrk",
             ["-c", "64", "-d", "4"], "small", []),
    Workload("http-200m", "200 MB, 8 connections a load", "http",
             ["--connections", "8", "--requests", "32"], "large", []),
]


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default="build", help="build folder with pixie and the loads")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="", help="the row of this name")
    p.add_argument("--note", help="a sentence about the circumstances, kept with the results")
    p.add_argument("--json", help="where results go; default: in the build folder")
    return p.parse_args()


def together(results):
    """The figures of loads that ran at the same time, as if of one."""
    seconds = max(r["seconds"] for r in results)
    whole = {key: sum(r.get(key) or 0 for r in results) for key in ("ok", "failed", "bytes")}
    return {**whole, "seconds": seconds, "mb_s": whole["bytes"] / seconds / 1e6,
            "requests_s": whole["ok"] / seconds, "p99_ms": max(r["p99_ms"] for r in results)}


def children_cpu():
    """Of the children that have ended: loads, as long as a server runs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def host(number):
    return f"127.0.0.{number + 1}"


def start_server(place, group, number, workers, cores):
    def before():
        group.join()
        os.sched_setaffinity(0, cores)

    argv = [host(number) if word == peers.HOST else word.replace(f"{peers.HOST}:", f"{host(number)}:")
            for word in peers.pixie(place, "-v", "WARNING", "--workers", str(workers))]
    return subprocess.Popen(argv, preexec_fn=before, start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def run_loads(place, w, loads):
    def one(load):
        server, core = load
        command = [word.replace(peers.HOST, host(server))
                   for word in run.load_command(place, w, False, 1)]
        return run.run_load(command, w.tool, core)

    cpu = children_cpu()
    with concurrent.futures.ThreadPoolExecutor(len(loads)) as crowd:
        got = together(list(crowd.map(one, loads)))
    return {**got, "load_cpu_s": children_cpu() - cpu}


def measure(place, w, servers, loads):
    """As run.measure(), with several of all."""
    group = meter.Group(f"{os.getpid()}")
    processes = []
    try:
        for number, (workers, cores) in enumerate(servers):
            processes.append(start_server(place, group, number, workers, cores))
        peers.wait_ready(run.TOOLS[w.tool], processes[0])
        time.sleep(0.3)
        idle = group.read(processes[0].pid)
        got = run_loads(place, w, loads)
        used = group.read(processes[0].pid)
    finally:
        for process in processes:
            run.stop(process)
        group.remove()
    return {**got, **meter.figures(idle, used, got)}


def measure_all(place, rows, rounds):
    results = {w.name: {name: [] for name in ARRANGEMENTS} for w in rows}
    for number in range(rounds):
        for w in rows:
            for i in range(len(ARRANGEMENTS)):
                name = list(ARRANGEMENTS)[(i + number) % len(ARRANGEMENTS)]
                got = measure(place, w, *ARRANGEMENTS[name])
                results[w.name][name].append(got)
                print(report.progress(w, name, got), flush=True)
    return results


def allowed(w, name, runs):
    """MB or requests a second: no worker has more than a core, nor all more than there are."""
    servers, loads = ARRANGEMENTS[name]
    unit = "ok" if w.tool == "wrk" else "bytes"
    server = statistics.median(r["cpu_s"] / r[unit] for r in runs)
    load = statistics.median(r["load_cpu_s"] / r[unit] for r in runs)
    return min(sum(n for n, _ in servers) / server,
               len(loads) / (server + load)) / (1 if unit == "ok" else 1e6)


def row(w, name, runs, first):
    rate, cpu = ("requests_s", "cpu_request") if w.tool == "wrk" else ("mb_s", "cpu_gb")
    units = ("req/s", "µs") if w.tool == "wrk" else ("MB/s", "s/GB")
    most = allowed(w, name, runs)
    return (f"| {w.what} | {name} | {report.cell(runs, cpu, '{:.2f}')} {units[1]} | "
            f"{report.median(runs, cpu) / report.median(first, cpu):.2f} | "
            f"{most:.0f} {units[0]} | {most / allowed(w, BASE, first):.2f} | "
            f"{report.cell(runs, rate, '{:.0f}')} {units[0]} |")


def table(results):
    yield "| workload | | server CPU | | the CPU allows | | measured |"
    yield "|---" * 7 + "|"
    for w in ROWS:
        for name, runs in results.get(w.name, {}).items():
            yield row(w, name, runs, results[w.name][BASE])


def main():
    options = arguments()
    run.into_namespace()
    rows = [w for w in ROWS if options.only in ("", w.name)]
    work = pathlib.Path(tempfile.mkdtemp(prefix="pixie-bench-"))
    place = peers.Place(os.path.abspath(options.build), work)
    place.pixie = str(place.build / "pixie")
    try:
        peers.make_files(place, {w.file: workloads.FILES[w.file] for w in rows} | {"tiny": 100})
        time.sleep(4)  # files as old as in a boot, as in run.py
        results = measure_all(place, rows, options.rounds)
    finally:
        shutil.rmtree(work)
    whole = {"machine": run.machine(), "versions": {}, "quick": False, "note": options.note,
             "results": results}
    out = options.json or place.build / "bench" / "workers.json"
    pathlib.Path(out).write_text(json.dumps(whole, indent=1))
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
