"""Fixtures of the three folders of tests that talk to a running server."""
import contextlib
import os
import random
import shutil
import tempfile

import pytest

from . import netns, pixie

MAC = "00-11-22-33-44-55"


def noise(size, seed=1):
    """Bytes that look like nothing, the same ones each time."""
    return random.Random(seed).randbytes(size)


class Site:
    """The directories a server serves, and what lies in them."""

    def __init__(self, dir=None):
        self.root = tempfile.mkdtemp(prefix="pixie-site-", dir=dir)
        os.chmod(self.root, 0o755)  # a server may run as another user
        self.scripts, self.extra, self.roms = (
            self.path(name) for name in ("scripts", "extra", "roms"))
        for folder in (self.scripts, self.extra, self.roms):
            os.mkdir(folder)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, name, content=b""):
        """`name` is relative to the site: "scripts/x.ipxe"; returns the content as bytes."""
        content = content if isinstance(content, bytes) else content.encode()
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(content)
        return content

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def options(self):
        return ["-d", self.scripts, "-e", self.extra]

    def close(self):
        shutil.rmtree(self.root)


@pytest.fixture(scope="module")
def lan():
    """A server's and a client's namespace on one cable (see netns.Lan)."""
    scene = netns.Lan()
    yield scene
    scene.close()


@pytest.fixture(scope="module")
def site():
    folders = Site()
    folders.write(f"scripts/{MAC}.ipxe", "#!ipxe\necho the script of 55\n")
    folders.write("scripts/sub/inner.ipxe", "#!ipxe\necho inner\n")
    folders.write("extra/empty.bin", b"")
    folders.write("extra/one.bin", b"x")
    folders.write("extra/block.bin", noise(512))
    folders.write("extra/small.bin", noise(2000))
    folders.write("extra/medium.bin", noise(300_000))
    folders.write("extra/boot/grub/grub.cfg", "set timeout=1\n")
    yield folders
    folders.close()


@pytest.fixture(scope="module")
def server(lan, site):
    """A server with everything at its default, for all tests of the module."""
    process = pixie.Pixie(lan.server, *site.options(), "-v", "DEBUG")
    yield process
    process.stop()


@pytest.fixture
def start(lan, site):
    """start(option…) starts a server of the test's own; ended and checked after it.

    Without -d it serves `site`. In a module that uses this fixture and `server`,
    give it other ports.
    """
    with contextlib.ExitStack() as stack:
        def begin(*args, ns=None, site=site, **kw):
            process = pixie.Pixie(ns or lan.server, *site.options(), "-v", "DEBUG", *args, **kw)
            stack.callback(process.stop)
            return process
        yield begin


@pytest.fixture
def own_site():
    """An empty site for one test."""
    folders = Site()
    yield folders
    folders.close()
