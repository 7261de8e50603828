"""The ROMs: each name by both protocols is the same file; empty slots say how to fill them."""
import hashlib
import os
import re
import subprocess

import pytest

from lib import pixie, rawhttp, tftp
from lib.fixtures import noise
from lib.netns import Lan

HIGH = ["-t", ":1069", "-u", ":1080"]
ROMS = ["undionly.kpxe", "snponly64.efi", "ipxe64.efi", "snponly-arm64.efi", "ipxe-arm64.efi",
        "ipxe-riscv64.efi", "ipxe-loong64.efi"]
ALIASES = {"snponly.efi": "snponly64.efi", "ipxe.efi": "ipxe64.efi",
           "snponly-arm.efi": "snponly-arm64.efi"}
SLOTS = ["snponly32.efi", "ipxe32.efi", "snponly-arm32.efi"]
PE_MACHINE = {"snponly64.efi": 0x8664, "ipxe64.efi": 0x8664, "snponly-arm64.efi": 0xAA64,
              "ipxe-arm64.efi": 0xAA64, "ipxe-riscv64.efi": 0x5064, "ipxe-loong64.efi": 0x6264}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def listed():
    """name → sha256 as `pixie roms` says."""
    found = {}
    for line in pixie.command("roms").stdout.splitlines():
        digest = re.search(r"\b[0-9a-f]{64}\b", line)
        if digest:
            found[line.split()[0]] = digest[0]
    return found


@pytest.mark.parametrize("name", ROMS + list(ALIASES))
def test_rom_is_the_same_by_tftp_and_http_and_as_listed(lan, server, name):
    over_tftp = tftp.get(lan.client, Lan.SERVER, name, blksize=1468, windowsize=16)
    over_http = rawhttp.get(lan.client, Lan.SERVER, f"/{name}")
    assert over_http.status == 200
    assert sha256(over_tftp) == sha256(over_http.body) == listed()[ALIASES.get(name, name)]
    assert len(over_tftp) > 50_000


@pytest.mark.parametrize("name", PE_MACHINE)
def test_efi_rom_is_of_its_architecture(lan, server, name):
    """A ROM of the wrong one is fetched whole, then rejected: nobody sees why."""
    rom = rawhttp.get(lan.client, Lan.SERVER, f"/{name}").body
    at = int.from_bytes(rom[0x3C:0x40], "little")
    assert rom[:2] == b"MZ" and rom[at:at + 4] == b"PE\0\0"
    assert int.from_bytes(rom[at + 4:at + 6], "little") == PE_MACHINE[name]


def test_undionly_is_a_pxe_program(lan, server):
    assert not rawhttp.get(lan.client, Lan.SERVER, "/undionly.kpxe").body.startswith(b"MZ")


def test_every_name_is_in_the_list(lan, server):
    text = pixie.command("roms").stdout
    for name in ROMS + list(ALIASES) + SLOTS:
        assert re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text), name


def test_list_says_that_arm64_snponly_is_ipxe(lan, server):
    """Debian has no arm64 snponly; the stand-in is said to be one."""
    listing = listed()
    assert listing["snponly-arm64.efi"] == listing["ipxe-arm64.efi"]
    line, = [x for x in pixie.command("roms").stdout.splitlines() if x.startswith("snponly-arm64")]
    assert "ipxe-arm64.efi" in line


def test_roms_have_strong_etags_and_can_be_revalidated(lan, server):
    etag = rawhttp.get(lan.client, Lan.SERVER, "/ipxe.efi", method="HEAD")["etag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    assert rawhttp.get(lan.client, Lan.SERVER, "/ipxe.efi",
                       f"If-None-Match: {etag}").status == 304


# -- empty slots ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", SLOTS)
def test_empty_slot_says_how_to_fill_it_and_is_logged(lan, server, name):
    with tftp.Conversation(lan.client, Lan.SERVER) as talk:
        text = talk.rrq(name, tsize=0, blksize=1468).refused(tftp.NOT_FOUND)
    got = rawhttp.get(lan.client, Lan.SERVER, f"/{name}")
    assert got.status == 404
    for words in (text, got.text):
        assert name in words and "--roms" in words
    server.logged("tftp", name, "--roms")
    server.logged("http", name, "404")


@pytest.mark.parametrize("name", SLOTS)
def test_slot_filled_at_run_time_is_served(lan, own_site, start, name):
    content = own_site.write(f"roms/{name}", noise(70_000))
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    assert tftp.get(lan.client, Lan.SERVER, name, port=1069, blksize=1468) == content
    got = rawhttp.get(lan.client, Lan.SERVER, f"/{name}", port=1080)
    assert got.body == content and got["content-type"] == "application/efi"
    line, = [x for x in pixie.command("roms", "--roms", own_site.roms).stdout.splitlines()
             if x.startswith(name)]
    assert sha256(content) in line and own_site.roms in line


def test_slot_filled_while_it_runs(lan, own_site, start):
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    assert rawhttp.get(lan.client, Lan.SERVER, "/snponly32.efi", port=1080).status == 404
    own_site.write("roms/snponly32.efi", b"MZ stand-in")
    assert tftp.get(lan.client, Lan.SERVER, "snponly32.efi", port=1069) == b"MZ stand-in"


@pytest.mark.skipif(pixie.sanitized(), reason="a build of its own: the plain run has tried it")
def test_slots_filled_at_build_time_are_served(lan, own_site, start, tmp_path, monkeypatch):
    """-Droms=DIR fills a slot, comes before the fetched ROM, and is what `pixie roms` says."""
    folder, build = tmp_path / "roms", tmp_path / "build"
    folder.mkdir()
    own = {name: noise(50_000 + i) for i, name in enumerate(["ipxe32.efi", "snponly.efi"])}
    for name, content in own.items():
        (folder / name).write_bytes(content)
    for command in (["/usr/bin/meson", "setup", build, pixie.ROOT, f"-Droms={folder}",
                     "-Dfetch_roms=false"], ["/usr/bin/ninja", "-C", build, "pixie"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    monkeypatch.setenv("PIXIE", str(build / "pixie"))
    start(*HIGH, site=own_site)
    for name, asked in (("ipxe32.efi", "ipxe32.efi"), ("snponly.efi", "snponly64.efi")):
        assert tftp.get(lan.client, Lan.SERVER, asked, port=1069, blksize=1468) == own[name]
        assert rawhttp.get(lan.client, Lan.SERVER, f"/{asked}", port=1080).body == own[name]
        assert re.search(f"^{asked} .*{sha256(own[name])} .*-Droms",
                         pixie.command("roms").stdout, re.M)
    assert re.search("^undionly.kpxe .*empty slot", pixie.command("roms").stdout, re.M)


# -- a user's own ROMs -----------------------------------------------------------------------

@pytest.mark.parametrize("name", ["undionly.kpxe", "snponly64.efi", "snponly.efi"])
def test_own_rom_goes_before_the_embedded_one(lan, own_site, start, name):
    content = own_site.write(f"roms/{name}", noise(60_000))
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    names = {name} | {a for a, r in ALIASES.items() if r == name} | {ALIASES.get(name, name)}
    for asked in names:  # filling one name fills its other one
        assert tftp.get(lan.client, Lan.SERVER, asked, port=1069, blksize=1468) == content, asked
    assert rawhttp.get(lan.client, Lan.SERVER, "/ipxe.efi", port=1080).body[:2] == b"MZ"


def test_signed_set_finds_its_shim_and_second_stage(lan, own_site, start):
    """ipxe#1684, fogproject#993: shim derives the second stage from its own name."""
    for name in ("snponly-shim.efi", "snponly.efi", "revocations.efi"):
        own_site.write(f"roms/{name}", name)
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    for name in ("snponly-shim.efi", "snponly.efi", "revocations.efi"):
        assert tftp.get(lan.client, Lan.SERVER, name, port=1069).decode() == name
        assert rawhttp.get(lan.client, Lan.SERVER, f"/{name}", port=1080).text == name


def test_own_rom_removed_while_it_runs_brings_the_embedded_back(lan, own_site, start):
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    own_site.write("roms/undionly.kpxe", b"mine")
    assert tftp.get(lan.client, Lan.SERVER, "undionly.kpxe", port=1069) == b"mine"
    os.unlink(own_site.path("roms", "undionly.kpxe"))
    got = tftp.get(lan.client, Lan.SERVER, "undionly.kpxe", port=1069, blksize=1468)
    assert sha256(got) == listed()["undionly.kpxe"]


def test_roms_directory_does_not_open_its_parent(lan, own_site, start):
    own_site.write("secret.txt", b"secret")
    start(*HIGH, "--roms", own_site.roms, site=own_site)
    with pytest.raises(tftp.Refused):
        tftp.get(lan.client, Lan.SERVER, "../secret.txt", port=1069)
