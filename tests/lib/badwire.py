"""tests/tools/badwire.c from Python: a cable that loses, doubles and mixes up."""
import re
import signal
import subprocess

from . import pixie


class BadWire:
    """Between interface `eth0` of the server's side (a) and the client's (b) of a Lan.

        with BadWire(lan, mtu=1500, seed=7, loss_ab=5, loss_ba=5) as wire:
            …
        assert wire.counts["ab"]["lost"] > 0
    """

    def __init__(self, lan, mtu=1500, **faults):
        options = [w for name, value in faults.items()
                   for w in ("--" + name.replace("_", "-"), str(value))]
        self.process = subprocess.Popen(
            [pixie.built("tests/tools/badwire"), *options, f"{lan.server.path}:eth0", f"{lan.client.path}:eth0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        first = self.process.stdout.readline()
        if first != "ready\n":
            self.process.kill()
            raise AssertionError(f"badwire: {first}{self.process.communicate()[0]}")
        lan.server.up("eth0", mtu)
        lan.client.up("eth0", mtu)
        lan.number("eth0")
        self.counts = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        for line in self.process.communicate(timeout=60)[0].splitlines():
            name, *pairs = line.split()
            self.counts[name] = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", " ".join(pairs))}

    def total(self, fault):
        """Over both directions, once the wire is down."""
        return self.counts["ab"][fault] + self.counts["ba"][fault]
