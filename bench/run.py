#!/usr/bin/python3
"""Measures pixie beside its peers, interleaved, each time in a fresh process.

Everything happens in a network namespace of its own, on its loopback; needs root.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import meter
import peers
import report
import workloads

SERVER_CORE, LOAD_CORE = 0, 1
TOOLS = {"tftp": peers.answers_tftp, "http": peers.answers_http, "wrk": peers.answers_http}


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default="build", help="build folder with pixie and the loads")
    p.add_argument("--pixie", help="measure this pixie, not the build folder's")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--quick", action="store_true", help="one short round")
    p.add_argument("--only", default="", help="workloads whose name matches this pattern")
    p.add_argument("--peers", default="", help="only these, by comma")
    p.add_argument("--growth", action="store_true", help="10 to 10,000 clients, and only that")
    p.add_argument("--note", help="a sentence about the circumstances, kept with the results")
    p.add_argument("--json", help="where results go; default: in the build folder")
    p.add_argument("--pin", choices=["split", "none"], default="split",
                   help="split: the server on one core, the load on another")
    return p.parse_args()


def into_namespace():
    """Starts this program again where nothing but a fresh loopback is."""
    if os.environ.get("PIXIE_BENCH_INSIDE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("bench: needs root, for a network namespace and port 69")
    os.environ["PIXIE_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def on_core(core):
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def cores(pin):
    if pin == "none" or os.cpu_count() < 2:
        return None, None
    return (LOAD_CORE, LOAD_CORE) if pin == "one" else (SERVER_CORE, LOAD_CORE)


def load_command(place, w, quick, seed):
    args = w.quick if quick and w.quick else w.args
    if w.tool == "wrk":
        return ["wrk", "-t", "1", "--latency", *args,
                f"http://{peers.HOST}:{peers.HTTP_PORT}/extra/{w.file}"]
    program, file = f"{place.build}/bench/{w.tool}_load", str(place.root / w.file)
    if w.tool == "http":
        return [program, *args, peers.HOST, str(peers.HTTP_PORT), f"/extra/{w.file}", file]
    more = ["--seed", str(seed)] if w.seeded else []
    return [program, *args, *more, peers.HOST, w.file, file]


def wrk_results(text):
    """What wrk prints, in the words of our own loads."""
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    found = {p: re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", text) for p in [50, 90, 99]}
    total = re.search(r"(\d+) requests in ([\d.]+)s", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    ok = int(total[1]) - (int(bad[1]) if bad else 0)
    return {"ok": ok, "seconds": float(total[2]), "requests_s": ok / float(total[2]),
            "bytes": 1024 * ok, "mb_s": 1024e-6 * ok / float(total[2]),
            "failed": (int(bad[1]) if bad else 0) + sum(map(int, lost.groups() if lost else [])),
            **{f"p{p}_ms": float(m[1]) * unit[m[2]] for p, m in found.items() if m}}


def run_load(command, tool, core):
    out = subprocess.run(command, preexec_fn=on_core(core), capture_output=True, text=True,
                         timeout=180)
    if out.returncode == 2 or not out.stdout:
        raise RuntimeError(f"{command}: {out.stderr.strip()}")
    return wrk_results(out.stdout) if tool == "wrk" else json.loads(out.stdout)


def stop(process):
    for how in [signal.SIGTERM, signal.SIGKILL]:
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=3)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            pass
    process.wait()


def measure(place, w, peer, options, seed):
    """One server's life: start, load, figures, end."""
    table = peers.TFTP if w.tool == "tftp" else peers.HTTP
    server_core, load_core = cores(w.pin if w.pin == "one" else options.pin)
    group = meter.Group(f"{os.getpid()}")
    log = open(place.work / "server.log", "wb")

    def before():
        group.join()
        (on_core(server_core) or (lambda: None))()

    process = subprocess.Popen(table[peer](place), preexec_fn=before, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        peers.wait_ready(TOOLS[w.tool], process)
        time.sleep(0.1)
        idle = group.read(process.pid, server_core)
        got = run_load(load_command(place, w, options.quick, seed), w.tool, load_core)
        used = group.read(process.pid, server_core)
    finally:
        stop(process)
        log.close()
        group.remove()
    return {**got, **meter.figures(idle, used, got)}


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release().split("-")[0], "date": datetime.date.today().isoformat()}


def versions(place, names):
    packages = {"dnsmasq": "dnsmasq-base", "tftpd-hpa": "tftpd-hpa", "nginx": "nginx",
                "lighttpd": "lighttpd", "go-tftp": "golang-github-pin-tftp-dev",
                "go-http": "golang-go"}
    found = {}
    for name in names & packages.keys():
        out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", packages[name]],
                             capture_output=True, text=True)
        found[name] = out.stdout
    for deb in place.build.glob("bench/peers/atftpd_*.deb"):
        found["atftpd"] = deb.name.split("_")[1]
    return found


def measure_all(place, options, rows):
    rounds = 1 if options.quick else options.rounds
    results = {w.name: {} for w in rows}
    for number in range(rounds):
        for w in rows:
            names = w.quick_peers if options.quick and w.quick_peers else w.peers
            if options.peers:
                names = [n for n in options.peers.split(",") if n in (
                    peers.TFTP if w.tool == "tftp" else peers.HTTP)]
            # Each round begins with another one, so that nobody is always the first.
            for i in range(len(names)):
                peer = names[(i + number) % len(names)]
                try:
                    got = measure(place, w, peer, options, seed=number + 1)
                except Exception as e:  # a peer's trouble is a result, and the rest goes on
                    got = {"trouble": str(e)}
                results[w.name].setdefault(peer, []).append(got)
                print(report.progress(w, peer, got), flush=True)
    return results


def main():
    options = arguments()
    into_namespace()
    rows = workloads.GROWTH if options.growth else workloads.WORKLOADS
    rows = [w for w in rows if re.search(options.only, w.name)]
    work = pathlib.Path(tempfile.mkdtemp(prefix="pixie-bench-"))
    place = peers.Place(os.path.abspath(options.build), work)
    place.pixie = os.path.abspath(options.pixie or place.build / "pixie")
    try:
        peers.make_files(place, {w.file: workloads.FILES[w.file] for w in rows} | {"tiny": 100})
        time.sleep(4)  # files as old as in a boot: pixie keeps none younger than 2 s
        results = measure_all(place, options, rows)
    finally:
        shutil.rmtree(work)
    names = {n for by_peer in results.values() for n in by_peer}
    whole = {"machine": machine(), "versions": versions(place, names), "quick": options.quick,
             "pin": options.pin, "note": options.note, "results": results}
    out = options.json or place.build / "bench" / ("growth.json" if options.growth
                                                    else "results.json")
    pathlib.Path(out).write_text(json.dumps(whole, indent=1))
    print(report.text(whole, rows))


if __name__ == "__main__":
    main()
