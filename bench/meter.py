"""What a server uses: CPU and memory of its control group, version 1 or 2.

A group counts processes that have ended and threads alike, and the kernel's own memory
for them, so a server that forks is measured as one that does not.
"""

import os
import pathlib
import time

V1 = pathlib.Path("/sys/fs/cgroup")
UNIFIED = V1 / "cgroup.controllers"


class Group:
    def __init__(self, name):
        if UNIFIED.exists():
            self.cpu = self.memory = V1 / f"pixie-bench-{name}"
        else:
            self.cpu = V1 / "cpuacct" / f"pixie-bench-{name}"
            self.memory = V1 / "memory" / f"pixie-bench-{name}"
        for folder in {self.cpu, self.memory}:
            folder.mkdir()

    def join(self):
        """In the child, before it becomes the server."""
        for folder in {self.cpu, self.memory}:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self):
        if (self.cpu / "cpuacct.usage").exists():
            return int((self.cpu / "cpuacct.usage").read_text()) / 1e9
        for line in (self.cpu / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec"):
                return int(line.split()[1]) / 1e6
        return None

    def peak_memory(self):
        for name in ["memory.max_usage_in_bytes", "memory.peak"]:
            if (self.memory / name).exists():
                return int((self.memory / name).read_text())
        return None

    def read(self, pid, core=None):
        return {"cpu": self.seconds(), "memory": self.peak_memory(), "input": input_path(core),
                **resident(pid)}

    def remove(self):
        for folder in {self.cpu, self.memory}:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:  # the last process is still on its way out
                    time.sleep(0.05)


def input_path(core):
    """Seconds that a core has spent in interrupts' second halves, by the tick; None: unknown.

    On loopback that is where the server's core delivers to the clients' sockets, which on
    a wire is their own business. Kernels without CONFIG_IRQ_TIME_ACCOUNTING, as Debian's,
    have it in the group's CPU, too.
    """
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        if core is not None and line.startswith(f"cpu{core} "):
            return int(line.split()[7]) / os.sysconf("SC_CLK_TCK")
    return None


def resident(pid):
    """Resident memory of the first process, now and at most, in bytes."""
    found = {}
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("VmRSS", "VmHWM")):
                found[line[:5]] = int(line.split()[1]) * 1024
    except OSError:
        pass
    return {"rss": found.get("VmRSS"), "rss_peak": found.get("VmHWM")}


def figures(idle, used, got):
    """The measures of one run: what the load cost, above what the idle server has."""
    cpu = used["cpu"] - idle["cpu"]
    out = {"cpu_s": cpu, "memory_mb": (used["memory"] - idle["memory"]) / 1e6}
    if got.get("bytes"):
        out["cpu_gb"] = cpu / (got["bytes"] / 1e9)
    if got.get("ok"):
        out["cpu_request"] = cpu / got["ok"] * 1e6
        if used["input"] is not None:
            out["own_cpu_request"] = (cpu - used["input"] + idle["input"]) / got["ok"] * 1e6
    if used["rss_peak"] and idle["rss"]:
        out["rss_mb"] = (used["rss_peak"] - idle["rss"]) / 1e6
    return out
