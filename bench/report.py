"""Tables of results, and their page in doc/."""

import statistics

MORE_IS_BETTER = {"mb_s", "requests_s"}
COLUMNS = {  # measure: heading, format
    "tftp": [("mb_s", "MB/s", "{:.0f}"), ("p50_ms", "p50 ms", "{:.1f}"),
             ("p99_ms", "p99 ms", "{:.1f}"), ("failed", "failed", "{:.0f}"),
             ("cpu_gb", "CPU s/GB", "{:.2f}"), ("memory_mb", "memory MB", "{:.1f}")],
    "http": [("mb_s", "MB/s", "{:.0f}"), ("p50_ms", "p50 ms", "{:.2f}"),
             ("p99_ms", "p99 ms", "{:.2f}"), ("failed", "failed", "{:.0f}"),
             ("cpu_gb", "CPU s/GB", "{:.3f}"), ("memory_mb", "memory MB", "{:.1f}")],
    "wrk": [("requests_s", "req/s", "{:.0f}"), ("p50_ms", "p50 ms", "{:.2f}"),
            ("p99_ms", "p99 ms", "{:.2f}"), ("failed", "failed", "{:.0f}"),
            ("cpu_request", "CPU µs/req", "{:.1f}"), ("memory_mb", "memory MB", "{:.1f}")],
}
NAMES = {"mb_s": "MB/s", "requests_s": "req/s", "cpu_gb": "CPU per GB",
         "cpu_request": "CPU per request", "p50_ms": "p50", "p99_ms": "p99",
         "failed": "failures", "rss_mb": "MB resident above idle"}


def values(runs, measure):
    return [r[measure] for r in runs if r.get(measure) is not None]


def median(runs, measure):
    found = values(runs, measure)
    return statistics.median(found) if found else None


def cell(runs, measure, form):
    found = values(runs, measure)
    if not found:
        return "-"
    text = form.format(statistics.median(found))
    if len(found) > 1 and max(found) > 0:
        text += f" [{form.format(min(found))}…{form.format(max(found))}]"
    return text


def progress(w, peer, got):
    if "trouble" in got:
        return f"{w.name:15} {peer:12} {got['trouble']}"
    shown = " ".join(f"{head}={form.format(got[m])}" for m, head, form in COLUMNS[w.tool]
                     if got.get(m) is not None)
    return f"{w.name:15} {peer:12} {shown}"


def ratio(measure, ours, theirs):
    """How many times better ours is."""
    if not ours or not theirs:
        return None
    return ours / theirs if measure in MORE_IS_BETTER else theirs / ours


def of_others(by_peer, goal):
    """The figure to compare with, and whose it is."""
    names = [goal.peer] if goal.peer != "best" else [
        n for n in by_peer if not n.startswith("pixie")]
    found = [(median(by_peer[n], goal.measure), n) for n in names if n in by_peer]
    # Who fails many is not fast: percentiles and CPU count only what arrived.
    found = [f for f in found if f[0]]
    if not found:
        return None, goal.peer
    return (max if goal.measure in MORE_IS_BETTER else min)(found)


def judge(by_peer, goal):
    """(what, figure, reached or not) of one goal."""
    ours = median(by_peer.get(goal.whose, []), goal.measure)
    suffix = "" if goal.whose == "pixie" else f" ({goal.whose})"
    if goal.peer == "pixie":
        if ours is None:
            return None
        return (f"{NAMES[goal.measure]} at most {goal.reach:g}", f"{ours:.1f}",
                ours <= goal.reach)
    theirs, name = of_others(by_peer, goal)
    got = ratio(goal.measure, ours, theirs)
    if got is None:
        return None
    return (f"{NAMES[goal.measure]} against {name}: {goal.reach:.2f} times better{suffix}",
            f"{got:.2f}", got >= goal.reach)


def table(by_peer, tool):
    columns = COLUMNS[tool]
    yield "| server | " + " | ".join(head for _, head, _ in columns) + " | MB/s ratio |" \
        if tool != "wrk" else "| server | " + " | ".join(h for _, h, _ in columns) + " | ratio |"
    yield "|---" * (len(columns) + 2) + "|"
    rate = columns[0][0]
    ours = median(by_peer.get("pixie", []), rate)
    for peer, runs in by_peer.items():
        got = ratio(rate, ours, median(runs, rate))
        cells = [cell(runs, m, form) for m, _, form in columns]
        yield f"| {peer} | " + " | ".join(cells) + f" | {got:.2f} |" if got else \
            f"| {peer} | " + " | ".join(cells) + " | - |"


def goals(results, rows):
    yield "| workload | to reach | pixie | |"
    yield "|---|---|---|---|"
    for w in rows:
        for goal in w.goals:
            said = judge(results.get(w.name, {}), goal)
            if said:
                yield f"| {w.what} | {said[0]} | {said[1]} | {'reached' if said[2] else '**not reached**'} |"


def text(whole, rows):
    lines = []
    for w in rows:
        if whole["results"].get(w.name):
            lines += ["", f"### {w.name}: {w.what}", ""]
            lines += table(whole["results"][w.name], w.tool)
    if any(w.goals for w in rows):
        lines += ["", "### Figures to reach", "", *goals(whole["results"], rows)]
    return "\n".join(lines)
