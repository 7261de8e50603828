"""The servers that are measured: how each is started, and whether it is ready."""

import http.client
import os
import pathlib
import socket
import time

HOST = "127.0.0.1"
TFTP_PORT = 69  # dnsmasq knows no other
HTTP_PORT = 8080

NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid {work}/nginx.pid;
error_log {work}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    access_log off; sendfile on; tcp_nopush off; keepalive_requests 1000000000;
    client_body_temp_path {work}/nginx-body; proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-f; uwsgi_temp_path {work}/nginx-u; scgi_temp_path {work}/nginx-s;
    server {{ listen {host}:{port} backlog=4096; root {root}; }}
}}
"""
LIGHTTPD = """
server.document-root = "{root}"
server.bind = "{host}"
server.port = {port}
server.errorlog = "{work}/lighttpd.log"
server.max-connections = 4096
server.max-fds = 16384
server.max-keep-alive-requests = 60000
server.listen-backlog = 4096
"""


class Place:
    """Where a run keeps its files: what is served, the builds, and logs."""

    def __init__(self, build, work):
        self.build = pathlib.Path(build)
        self.work = pathlib.Path(work)
        self.root = self.work / "root"
        self.scripts = self.work / "scripts"
        self.words = dict(work=self.work, root=self.root, host=HOST, port=HTTP_PORT)

    def config(self, name, text):
        path = self.work / name
        path.write_text(text.format(**self.words))
        return str(path)


def pixie(place, *more):
    return [place.pixie, "-t", f"{HOST}:{TFTP_PORT}", "-u", f"{HOST}:{HTTP_PORT}",
            "-d", str(place.scripts), "-e", str(place.root), *more]


# Name: what starts it, in the foreground, for a place. nginx' access_log is off, so
# that pixie says nothing of what went well in the HTTP rows either.
TFTP = {
    "pixie": pixie,
    "pixie-lan": lambda p: pixie(p, "--tftp-min-timer", "10"),
    "pixie-off": lambda p: pixie(p, "--no-timeline"),
    "dnsmasq": lambda p: [
        "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
        "--enable-tftp", f"--tftp-root={p.root}", "--tftp-max=20000", "--user=root",
        "--pid-file=", f"--listen-address={HOST}", "--bind-interfaces",
        f"--log-facility={p.work}/dnsmasq.log"],
    "go-tftp": lambda p: [f"{p.build}/bench/peers/go-tftp", f"{HOST}:{TFTP_PORT}", str(p.root)],
    # No -a: where loopback is the only interface it does not accept an address.
    "tftpd-hpa": lambda p: ["/usr/sbin/in.tftpd", "-L", "-4", "-u", "root", "-s", str(p.root)],
    "atftpd": lambda p: [
        f"{p.build}/bench/peers/atftpd", "--daemon", "--no-fork", "--port", str(TFTP_PORT),
        "--bind-address", HOST, "--user", "root", "--group", "root", "--maxthread", "20000",
        "--logfile", f"{p.work}/atftpd.log", str(p.root)],
}
HTTP = {
    "pixie": lambda p: pixie(p, "-v", "WARNING"),
    "pixie-info": pixie,
    "pixie-off": lambda p: pixie(p, "-v", "WARNING", "--no-timeline"),
    "nginx": lambda p: ["/usr/sbin/nginx", "-p", str(p.work), "-c", p.config("nginx.conf", NGINX)],
    "lighttpd": lambda p: ["/usr/sbin/lighttpd", "-D", "-f", p.config("lighttpd.conf", LIGHTTPD)],
    "go-http": lambda p: [f"{p.build}/bench/peers/go-http", f"{HOST}:{HTTP_PORT}", str(p.root)],
}


def answers_tftp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        s.sendto(b"\0\1tiny\0octet\0", (HOST, TFTP_PORT))
        try:
            data, server = s.recvfrom(1024)
        except OSError:
            return False
        s.sendto(b"\0\4\0\1", server)
        return data[:4] == b"\0\3\0\1"


def answers_http():
    try:
        c = http.client.HTTPConnection(HOST, HTTP_PORT, timeout=1)
        c.request("GET", "/extra/tiny")
        return c.getresponse().status == 200
    except OSError:
        return False


def wait_ready(answers, process, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if answers():
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} did not start (exit status {process.poll()})")


def make_files(place, sizes, seed=1):
    """Incompressible files, the same every time; below extra/ too, as pixie serves them."""
    import random
    source = random.Random(seed)
    place.root.mkdir(parents=True)
    place.scripts.mkdir()
    for name, size in sizes.items():
        with open(place.root / name, "wb") as f:
            while size > 0:
                n = min(size, 1 << 20)
                f.write(source.randbytes(n))
                size -= n
    os.symlink(".", place.root / "extra")
    for path in [place.work, place.root, place.scripts]:
        path.chmod(0o755)
