"""A disk that EFI boots from, without tools: a FAT12 volume with the files given."""
import struct

SECTOR, CLUSTER = 512, 2048
SECTORS, ROOT_ENTRIES, FAT_SECTORS = 8192, 512, 8  # 4 MiB
DIRECTORY, ARCHIVE = 0x10, 0x20


def short_name(name):
    """AUTOEX~1.IPX for what has no 8.3 name, which a long name stands before."""
    stem, _, ext = name.upper().partition(".")
    if len(stem) > 8 or len(ext) > 3:
        stem, ext = stem[:6] + "~1", ext[:3]
    return (stem.ljust(8) + ext.ljust(3)).encode()


def long_entries(name, short):
    checksum = 0
    for byte in short:
        checksum = ((checksum >> 1) + (checksum << 7) + byte) & 0xff
    chars = name.encode("utf-16-le") + b"\0\0"
    chars += b"\xff" * (-len(chars) % 26)
    parts = [chars[i:i + 26] for i in range(0, len(chars), 26)]
    return [struct.pack("<B10sBBB12sH4s", number | (0x40 if number == len(parts) else 0),
                        part[:10], 0x0f, 0, checksum, part[10:22], 0, part[22:])
            for number, part in reversed(list(enumerate(parts, 1)))]


def entries(name, attributes, cluster, size):
    short = name if isinstance(name, bytes) else short_name(name)
    own = struct.pack("<11sBBBHHHHHHHI", short, attributes, 0, 0, 0, 0, 0, 0, 0, 0x21, cluster, size)
    return b"".join([] if isinstance(name, bytes) else long_entries(name, short)) + own


class Volume:
    def __init__(self):
        self.fat = [0xff8, 0xfff]
        self.data = b""

    def store(self, data):
        """Puts bytes into new clusters; the first one's number."""
        count = max(1, -(-len(data) // CLUSTER))
        first = len(self.fat)
        self.fat += [first + i + 1 for i in range(count - 1)] + [0xfff]
        self.data += data.ljust(count * CLUSTER, b"\0")
        return first

    def tree(self, files):
        """The directory of a nested dictionary, but for its first two entries."""
        out = b""
        for name, content in files.items():
            if isinstance(content, dict):
                # Its own cluster is known only once it lies there: all fit into one here.
                inside = self.tree(content)
                own = len(self.fat)
                dots = entries(b".          ", DIRECTORY, own, 0) + entries(b"..         ", DIRECTORY, 0, 0)
                assert len(dots + inside) <= CLUSTER
                assert self.store(dots + inside) == own
                out += entries(name, DIRECTORY, own, 0)
            else:
                out += entries(name, ARCHIVE, self.store(content), len(content))
        return out


def image(files):
    """The bytes of the disk; `files` maps names to bytes or to such a dictionary."""
    volume = Volume()
    root = volume.tree(files).ljust(ROOT_ENTRIES * 32, b"\0")
    boot = struct.pack("<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"PIXIE   ", SECTOR,
                       CLUSTER // SECTOR, 1, 2, ROOT_ENTRIES, SECTORS, 0xf8, FAT_SECTORS, 63, 255,
                       0, 0, 0x80, 0, 0x29, 1, b"PIXIE TEST ", b"FAT12   ")
    fat = bytearray(FAT_SECTORS * SECTOR)
    for i, value in enumerate(volume.fat):
        at = i * 3 // 2
        pair = int.from_bytes(fat[at:at + 2], "little") | (value << 4 if i & 1 else value)
        fat[at:at + 2] = pair.to_bytes(2, "little")
    disk = boot.ljust(510, b"\0") + b"\x55\xaa" + bytes(fat) * 2 + root + volume.data
    assert len(disk) <= SECTORS * SECTOR
    return disk.ljust(SECTORS * SECTOR, b"\0")
