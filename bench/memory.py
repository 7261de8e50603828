#!/usr/bin/python3
"""What files do to the page cache: a file larger than memory, and one that a rack asks for.

Not part of `make bench`, as it tells of the kernel and the disk as much as of pixie; needs
root. The server is in a control group with little memory, on a fresh loopback. Figures are
bytes: what stays of a file in constant use while a larger one streams, and what is read
from the device (/proc/PID/io; 0 where the folder's file system has none).
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20
HOST = "127.0.0.1"
V1, V2 = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default="build", help="folder with pixie and the loads")
    p.add_argument("--folder", default="/var/tmp", help="where files are made; on a real disk")
    p.add_argument("--limit", type=int, default=256, help="MiB of memory")
    p.add_argument("--hot", type=int, default=100, help="MiB of the file in constant use")
    p.add_argument("--large", type=int, default=1024, help="MiB of the one that streams")
    p.add_argument("--shared", type=int, default=20, help="MiB of the one that all ask for")
    p.add_argument("--clients", type=int, default=100, help="how many ask for it")
    return p.parse_args()


def into_namespace():
    if not os.environ.get("PIXIE_BENCH_INSIDE"):
        os.environ["PIXIE_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def make(path, mib):
    """Real bytes, on the device and nowhere else."""
    with open(path, "wb") as f:
        for _ in range(mib):
            f.write(os.urandom(MIB))
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(path):
    out = subprocess.run(["fincore", "--json", "-b", path], capture_output=True, check=True)
    return int(json.loads(out.stdout)["fincore"][0]["res"])


class Server:
    def __init__(self, options, root):
        self.root = root
        v1 = (V1 / "memory.limit_in_bytes").exists()
        self.group = (V1 if v1 else V2) / f"pixie-memory-{os.getpid()}"
        self.group.mkdir()
        limit = self.group / ("memory.limit_in_bytes" if v1 else "memory.max")
        limit.write_text(str(options.limit * MIB))
        self.process = subprocess.Popen(
            [f"{options.build}/pixie", "-d", root, "-e", root, "-v", "WARNING"],
            preexec_fn=lambda: (self.group / "cgroup.procs").write_text(str(os.getpid())))
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex((HOST, 80)) == 0:
                    return
            time.sleep(0.05)
        sys.exit("memory: pixie does not answer")

    def read(self):
        """Bytes it had read from a device."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/io").read_text().split("\n")
        return int(next(line for line in lines if line.startswith("read_bytes")).split()[1])

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        for _ in range(50):
            try:
                self.group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def get(name):
    """All of a file, thrown away."""
    buffer, got = bytearray(MIB), 0
    with socket.create_connection((HOST, 80)) as s:
        s.sendall(f"GET /extra/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while n := s.recv_into(buffer):
            got += n
    return got


def streams(options, root, clients):
    """`clients`, one after the other has begun, fetch the large file."""
    for name in ("hot", "large"):
        with open(f"{root}/{name}") as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    server = Server(options, root)
    try:
        for _ in range(3):
            get("hot")
        before, cpu = server.read(), server.cpu()
        threads = [threading.Thread(target=get, args=("large",)) for _ in range(clients)]
        for t in threads:
            t.start()
            time.sleep(0.05)
        for t in threads:
            t.join()
        print(f"{clients} streaming {options.large} MiB in {options.limit} MiB of memory: "
              f"{resident(f'{root}/hot') // MIB} of {options.hot} MiB in use stay, "
              f"{(server.read() - before) // MIB} MiB read from the device, "
              f"CPU {server.cpu() - cpu:.2f} s", flush=True)
    finally:
        server.stop()


def shared(options, root, tool, *how):
    """All clients fetch the same file at once; each compares it with a copy of it."""
    with open(f"{root}/shared") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    server = Server(options, root)
    try:
        before = server.read()
        out = subprocess.run([f"{options.build}/bench/{tool}_load", *how, f"{root}/copy"],
                             capture_output=True, text=True, check=True)
        got = json.loads(out.stdout)
        print(f"{got['ok']} of {options.clients} fetching {options.shared} MiB by {tool}: "
              f"{(server.read() - before) / MIB:.1f} MiB read from the device", flush=True)
    finally:
        server.stop()


def main():
    options = arguments()
    into_namespace()
    options.build = os.path.abspath(options.build)
    root = tempfile.mkdtemp(prefix="pixie-memory-", dir=options.folder)
    clients = str(options.clients)
    try:
        for name in ("hot", "large", "shared"):
            make(f"{root}/{name}", getattr(options, name))
        shutil.copy(f"{root}/shared", f"{root}/copy")
        for n in (1, 8):
            streams(options, root, n)
        shared(options, root, "tftp", "--clients", clients, "--window", "16", "--bound", "120",
               HOST, "shared")
        shared(options, root, "http", "--connections", clients, "--requests", clients, "--check",
               "--bound", "120", HOST, "80", "/extra/shared")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
