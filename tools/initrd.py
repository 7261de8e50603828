#!/usr/bin/python3
"""initrd.py BUSYBOX INIT OUT [MODULE...]: a gzipped cpio archive in which INIT runs on
BUSYBOX, with kernel modules in /modules.

Written by hand because a device node in an archive needs no root, one in a
folder does, and the kernel wants /dev/console before INIT can make it.
"""
import gzip
import os
import stat
import sys

DIRECTORY, FILE, CHARACTER_DEVICE = stat.S_IFDIR, stat.S_IFREG, stat.S_IFCHR


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def entry(number, name, mode, data=b"", device=(0, 0)):
    """One member in the kernel's "newc" format (buffer-format.rst in its sources)."""
    name = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(header + name) + padded(data)


def archive(busybox, init, modules):
    members = [
        ("bin", DIRECTORY | 0o755),
        ("dev", DIRECTORY | 0o755),
        ("proc", DIRECTORY | 0o755),
        ("modules", DIRECTORY | 0o755),
        ("dev/console", CHARACTER_DEVICE | 0o600, b"", (5, 1)),
        ("bin/busybox", FILE | 0o755, busybox),
        ("init", FILE | 0o755, init),
        *(("modules/" + name, FILE | 0o644, data) for name, data in modules),
        ("TRAILER!!!", 0),
    ]
    return b"".join(entry(i, *member) for i, member in enumerate(members, 1))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(busybox, init, out, *modules):
    data = archive(read(busybox), read(init), [(os.path.basename(m), read(m)) for m in modules])
    with open(out, "wb") as o:
        o.write(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
