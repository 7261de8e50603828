"""The plot of growth: throughput and p99 over the number of clients, as SVG."""

import math
import statistics

WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 300, 60, 40, 70
COLOURS = {"pixie": "#c2255c", "dnsmasq": "#1971c2", "go-tftp": "#2f9e44",
           "tftpd-hpa": "#e8590c", "atftpd": "#7048e8"}


def points(results, measure):
    """{peer: [(clients, median)]}"""
    found = {}
    for name, by_peer in results.items():
        clients = int(name.split("-")[1])
        for peer, runs in by_peer.items():
            values = [r[measure] for r in runs if r.get(measure)]
            if values:
                found.setdefault(peer, []).append((clients, statistics.median(values)))
    return {peer: sorted(p) for peer, p in found.items()}


def decades(values):
    return (10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))))


class Panel:
    """One pair of logarithmic axes."""

    def __init__(self, left, title, series):
        self.left, self.title, self.series = left, title, series
        all_points = [p for line in series.values() for p in line]
        self.xs = decades([x for x, _ in all_points])
        self.ys = decades([y for _, y in all_points])

    def x(self, v):
        lo, hi = map(math.log10, self.xs)
        return self.left + WIDTH * (math.log10(v) - lo) / (hi - lo)

    def y(self, v):
        lo, hi = map(math.log10, self.ys)
        return TOP + HEIGHT * (1 - (math.log10(v) - lo) / (hi - lo))

    def axis(self, lo, hi):
        v = lo
        while v <= hi * 1.01:
            yield v
            v *= 10

    def draw(self):
        yield f'<text x="{self.left}" y="{TOP - 14}" class="title">{self.title}</text>'
        for v in self.axis(*self.xs):
            yield (f'<line x1="{self.x(v):.1f}" x2="{self.x(v):.1f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>'
                   f'<text x="{self.x(v):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{v:g}</text>')
        for v in self.axis(*self.ys):
            yield (f'<line x1="{self.left}" x2="{self.left + WIDTH}" y1="{self.y(v):.1f}" y2="{self.y(v):.1f}"/>'
                   f'<text x="{self.left - 8}" y="{self.y(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
        for peer, line in self.series.items():
            path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in line)
            yield f'<polyline points="{path}" stroke="{COLOURS[peer]}"/>'
            for x, y in line:
                yield f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{COLOURS[peer]}"/>'


def marks_of_failure(panel, results):
    """A ring where not every client got its file."""
    for peer, line in points(results, "failed").items():
        rates = dict(panel.series.get(peer, []))
        for clients, failed in line:
            if clients in rates:
                yield (f'<circle cx="{panel.x(clients):.1f}" cy="{panel.y(rates[clients]):.1f}" '
                       f'r="8" fill="none" stroke="{COLOURS[peer]}"/>')


def svg(results):
    rate = Panel(LEFT, "MB/s", points(results, "mb_s"))
    p99 = Panel(LEFT + WIDTH + GAP, "p99 of the time to fetch it, ms", points(results, "p99_ms"))
    width, height = LEFT + 2 * WIDTH + GAP + 20, TOP + HEIGHT + 90
    body = [*rate.draw(), *marks_of_failure(rate, results), *p99.draw()]
    at = LEFT
    for peer in rate.series:
        body.append(f'<circle cx="{at}" cy="{height - 16}" r="5" fill="{COLOURS[peer]}"/>'
                    f'<text x="{at + 10}" y="{height - 12}">{peer}</text>')
        at += 110
    body.append(f'<text x="{LEFT}" y="{height - 38}">clients that fetch 300 KiB at once, in lockstep; ring: not all of them got it</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="12"><style>line{stroke:#ddd}'
            'polyline{fill:none;stroke-width:2}.title{font-size:14px;font-weight:bold}</style>'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")
