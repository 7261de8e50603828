"""Clients that others wrote: each fetches every ROM and a file over 100 MB, compared by hash.

What a client cannot do is said where it is used:

- tftp-hpa's asks for no options at all: 512 bytes a block, lockstep, block numbers
  roll over three times in the big file.
- atftp has blksize, tsize, timeout and windowsize.
- curl has blksize and tsize over TFTP, no windowsize; it takes tsize 0 for an error.
- busybox tftp has blksize and tsize; busybox wget HTTP/1.1 without keep-alive.
"""
import hashlib
import os
import shutil

import pytest

from lib import pixie
from lib.fixtures import noise
from lib.netns import Lan

ROMS = ["undionly.kpxe", "snponly64.efi", "snponly.efi", "ipxe64.efi", "ipxe.efi",
        "snponly-arm64.efi", "snponly-arm.efi", "ipxe-arm64.efi", "ipxe-riscv64.efi",
        "ipxe-loong64.efi"]
BIG_MIB = 101
SECONDS = 240  # bounds a client that hangs; says nothing about speed

# NAME is what is fetched, FILE where to, HOST an address, URLHOST the same for URLs.
CLIENTS = {
    "tftp-hpa": ["tftp", "-m", "binary", "HOST", "-c", "get", "NAME", "FILE"],
    "tftp-hpa with a leading slash": ["tftp", "-m", "binary", "HOST", "-c", "get", "/NAME", "FILE"],
    "atftp": ["atftp", "-g", "-r", "NAME", "-l", "FILE", "HOST", "69"],
    "atftp blksize": ["atftp", "--option", "blksize 1428", "-g", "-r", "NAME", "-l", "FILE",
                      "HOST", "69"],
    "atftp windowsize": ["atftp", "--option", "blksize 1428", "--option", "windowsize 16",
                         "--option", "tsize", "-g", "-r", "NAME", "-l", "FILE", "HOST", "69"],
    "atftp window of 64": ["atftp", "--option", "windowsize 64", "--option", "timeout 3",
                           "-g", "-r", "NAME", "-l", "FILE", "HOST", "69"],
    "curl tftp": ["curl", "-sS", "-o", "FILE", "tftp://URLHOST/NAME"],
    "curl tftp blksize": ["curl", "-sS", "--tftp-blksize", "1468", "-o", "FILE",
                          "tftp://URLHOST/NAME"],
    "curl tftp no options": ["curl", "-sS", "--tftp-no-options", "-o", "FILE",
                             "tftp://URLHOST/NAME"],
    "curl http": ["curl", "-sSf", "-o", "FILE", "http://URLHOST/NAME"],
    "curl http 1.0": ["curl", "-sSf", "-0", "-o", "FILE", "http://URLHOST/NAME"],
    "busybox tftp": ["busybox", "tftp", "-g", "-r", "NAME", "-l", "FILE", "HOST"],
    "busybox tftp blksize": ["busybox", "tftp", "-b", "1468", "-g", "-r", "NAME", "-l", "FILE",
                             "HOST"],
    "busybox wget": ["busybox", "wget", "-q", "-O", "FILE", "http://URLHOST/NAME"],
}


@pytest.fixture(scope="module")
def big(site):
    return sha256(site.write("extra/big.img", noise(BIG_MIB << 20)))


@pytest.fixture
def download(lan, server, tmp_path):
    """download(client, name, address) → the file's SHA-256; fails when the client does."""
    def run(client, name, address=Lan.SERVER, extra=()):
        target = tmp_path / "file"
        target.unlink(missing_ok=True)
        url = f"[{address}]" if ":" in address else address
        argv = [w.replace("URLHOST", url).replace("HOST", address).replace("NAME", name)
                .replace("FILE", str(target)) for w in CLIENTS[client]]
        assert shutil.which(argv[0]), f"{argv[0]} is not installed: tools/deps.sh test"
        argv[1:1] = extra
        done = lan.client.run(*argv, timeout=SECONDS, check=False, cwd=tmp_path)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        assert target.exists(), (argv, done.stdout, done.stderr)
        return sha256(target.read_bytes())
    return run


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def rom_hashes():
    """name → SHA-256 by the program's own list."""
    table = {}
    for line in pixie.command("roms").stdout.splitlines():
        words = line.split()
        table.update({words[0]: w for w in words if len(w) == 64})
    table["snponly.efi"], table["ipxe.efi"] = table["snponly64.efi"], table["ipxe64.efi"]
    table["snponly-arm.efi"] = table["snponly-arm64.efi"]
    return table


@pytest.mark.parametrize("client", CLIENTS)
def test_every_rom(download, rom_hashes, client):
    for name in ROMS:
        assert download(client, name) == rom_hashes[name], name


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("client", [c for c in CLIENTS if "slash" not in c])
def test_a_file_over_100_mb(download, big, client):
    """At 512 bytes a block its numbers roll over three times."""
    assert download(client, "extra/big.img") == big


@pytest.mark.parametrize("client", ["tftp-hpa", "atftp windowsize", "curl tftp blksize",
                                    "curl http", "busybox tftp blksize", "busybox wget"])
def test_over_ipv6(download, rom_hashes, client):
    assert download(client, "ipxe.efi", Lan.SERVER6) == rom_hashes["ipxe.efi"]


@pytest.mark.parametrize("client", CLIENTS)
def test_small_files_at_the_edges_of_a_block(download, site, client):
    for size in (1, 511, 512, 513, 1428, 1468, 2856):
        content = site.write("extra/edge.bin", noise(size))
        assert download(client, "extra/edge.bin") == sha256(content), size


@pytest.mark.parametrize("client", ["tftp-hpa", "atftp", "atftp windowsize", "curl tftp",
                                    "curl tftp blksize", "curl http", "busybox tftp",
                                    "busybox wget"])
def test_empty_file(download, site, client):
    site.write("extra/nothing.bin", b"")
    assert download(client, "extra/nothing.bin") == sha256(b"")


# What the client says, and its exit status where it has one that means something.
MISSING = {"tftp-hpa": (None, "nowhere.bin: no such file"), "atftp": (None, "nowhere.bin"),
           "curl tftp": (68, ""), "curl http": (22, "404"),
           "busybox tftp": (1, "nowhere.bin: no such file"), "busybox wget": (1, "404")}


@pytest.mark.parametrize("client", MISSING)
def test_missing_file_is_reported_by_the_client(lan, server, tmp_path, client):
    """Ours is the text that tftp-hpa, atftp and busybox show; curl has a status of its own."""
    status, words = MISSING[client]
    argv = [w.replace("URLHOST", Lan.SERVER).replace("HOST", Lan.SERVER)
            .replace("NAME", "nowhere.bin").replace("FILE", str(tmp_path / "file"))
            for w in CLIENTS[client]]
    done = lan.client.run(*argv, timeout=60, check=False)
    assert words in (done.stdout + done.stderr).lower(), done
    assert status is None or done.returncode == status, done


def test_curl_resumes_a_broken_download(lan, server, site, big, tmp_path):
    target = tmp_path / "file"
    target.write_bytes(site.read("extra/big.img")[:50_000_000])
    lan.client.run("curl", "-sSf", "-C", "-", "-o", str(target),
                   f"http://{Lan.SERVER}/extra/big.img", timeout=60)
    assert sha256(target.read_bytes()) == big


def test_curl_does_not_fetch_what_it_has(lan, server, site, tmp_path):
    done = lan.client.run("curl", "-sS", "--etag-save", str(tmp_path / "etag"), "-o", "/dev/null",
                          f"http://{Lan.SERVER}/extra/small.bin", timeout=60)
    done = lan.client.run("curl", "-sS", "--etag-compare", str(tmp_path / "etag"), "-w",
                          "%{http_code}", f"http://{Lan.SERVER}/extra/small.bin", timeout=60)
    assert done.stdout == "304"


def test_curl_reuses_its_connection(lan, server):
    urls = [f"http://{Lan.SERVER}/extra/{name}" for name in ("one.bin", "small.bin", "one.bin")]
    done = lan.client.run("curl", "-sS", "-w", "%{num_connects}\n",
                          *[w for url in urls for w in ("-o", "/dev/null", url)], timeout=60)
    assert done.stdout.split() == ["1", "0", "0"]


def test_eight_clients_at_once(lan, server, site, big, tmp_path):
    """All kinds together, each with its own copy of the big file."""
    kinds = ["atftp windowsize", "curl http", "curl tftp blksize", "busybox wget"] * 2
    running = []
    for n, kind in enumerate(kinds):
        target = tmp_path / f"file{n}"
        argv = [w.replace("URLHOST", Lan.SERVER).replace("HOST", Lan.SERVER)
                .replace("NAME", "extra/big.img").replace("FILE", str(target))
                for w in CLIENTS[kind]]
        running.append((lan.client.popen(argv), target, kind))
    try:
        for process, target, kind in running:
            assert process.wait(SECONDS) == 0, kind
            assert sha256(target.read_bytes()) == big, kind
            os.unlink(target)
    finally:
        for process, _, _ in running:
            if process.poll() is None:
                process.kill()
                process.wait()
