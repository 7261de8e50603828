#!/usr/bin/python3
"""menu_shot.py OUT.png: boots a BIOS machine from build/pixie in the lab of tests/e2e
and takes the picture of its menu that the README shows. As root."""
import os
import struct
import sys
import tempfile
import time
import zlib

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

from boots import Boot, plain_pxe  # noqa: E402
from lab import Lab, readme_config, wait_for  # noqa: E402


def read_ppm(path):
    with open(path, "rb") as file:
        kind, size, depth, pixels = file.read().split(b"\n", 3)
    assert (kind, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    return width, height, pixels


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels):
    """A text screen has few colours: a palette makes a file of a few KB."""
    colours = sorted({pixels[i:i + 3] for i in range(0, len(pixels), 3)})
    index = {colour: bytes([i]) for i, colour in enumerate(colours)}
    rows = []
    for y in range(height):
        row = pixels[y * width * 3:(y + 1) * width * 3]
        rows.append(b"\0" + b"".join(index[row[i:i + 3]] for i in range(0, len(row), 3)))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", b"".join(colours)) +
            chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b""))


def shoot(folder):
    with Lab(folder) as lab:
        boot = Boot(lab, folder, "bios-screen", "dhcpd", plain_pxe(readme_config("dhcpd")))
        machine = boot.power_on()
        wait_for("chain.ipxe", 120, lambda: "chain.ipxe" in boot.served(), machine.alive)
        time.sleep(2)  # drawn, and two of its ten seconds gone
        machine.screendump(lab.path("menu.ppm"))
        return read_ppm(lab.path("menu.ppm"))


def main(out):
    with tempfile.TemporaryDirectory() as folder:
        picture = png(*shoot(folder))
    with open(out, "wb") as file:
        file.write(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
