"""once: installed by the network, and from then on the machine boots from its own disk,
although its firmware asks the network first every time."""
import os
import secrets
import subprocess

import pytest

import fat
from boots import MAC, Boot, hyphenated
from lab import PIXIE_ADDRESS, wait_for
from machine import Machine

pytestmark = pytest.mark.timeout(420)

SCRIPT = """#!ipxe
# pixie: once
kernel /extra/vmlinuz-amd64 initrd=initrd-amd64 console=ttyS0 pixie.token={token} pixie.ip=${{ip}} pixie.disk=http://{address}/extra/disk.img pixie.done=${{pixie-done}}
initrd /extra/initrd-amd64
boot
"""

# A boot sector that writes the text behind it to the first serial port, and halts.
PRINTER = bytes.fromhex("fa31c08ed8fc" "be187c" "baf803" "ac84c07403eeebf8" "f4ebfd").ljust(0x18, b"\0")


def boot_sector(text):
    sector = PRINTER + b"\r\n" + text.encode() + b"\r\n\0"
    return sector.ljust(510, b"\0") + b"\x55\xaa"


def efi_disk(lab, text):
    """iPXE as the system on the disk: it runs the script that lies beside it."""
    rom = subprocess.run(["ip", "netns", "exec", lab.net, "curl", "-sf",
                          f"http://{PIXIE_ADDRESS}/ipxe64.efi"], stdout=subprocess.PIPE, check=True).stdout
    script = f"#!ipxe\necho {text}\nsleep 3600\n".encode()
    return fat.image({"autoexec.ipxe": script, "EFI": {"BOOT": {"BOOTX64.EFI": rom, "autoexec.ipxe": script}}})


def once(lab, kernels, firmware, make_disk, starts):
    extra, disk = lab.path("extra"), lab.path("disk")
    os.mkdir(extra)
    for name in ("vmlinuz-amd64", "initrd-amd64"):
        os.symlink(os.path.join(kernels, name), os.path.join(extra, name))
    with open(disk, "wb") as new:
        new.truncate(8 << 20)
    boot = Boot(lab, extra, firmware, "dnsmasq")
    own = "PIXIE-DISK-" + secrets.token_hex(8)
    with open(os.path.join(extra, "disk.img"), "wb") as file:
        file.write(make_disk(own))
    with open(os.path.join(boot.scripts, hyphenated(MAC) + ".ipxe"), "w") as script:
        script.write(SCRIPT.format(token=boot.token, address=PIXIE_ADDRESS))

    # The empty machine is installed, and the installer reports.
    machine = Machine(lab, firmware, extra, (MAC,), disk=disk)
    machine.expect("PXE Boot Options", 180)
    machine.press("\r")
    machine.expect(f"PIXIE-INSTALLED token={boot.token} reply=ok", 180)
    machine.expect_power_off(60)
    boot.went(f"path=/ipxe/{hyphenated(MAC)}.ipxe status=200", "path=/done/")

    for _ in range(starts):
        machine = Machine(lab, firmware, extra, (MAC,), disk=disk)
        machine.expect("pixie: boot from the local disk", 180)
        # Not as the menu's choice, nor after its ten seconds.
        assert "PXE Boot Options" not in machine.console()
        wait_for("the disk's own word", 120, lambda: own in machine.console(), machine.alive)
        machine.stop()
    assert boot.served().count("path=/extra/disk.img status=200") == 1


def test_bios_installs_once_and_boots_from_its_disk(lab, kernels):
    once(lab, kernels, "bios", boot_sector, starts=2)


def test_efi_installs_once_and_boots_from_its_disk(lab, kernels):
    once(lab, kernels, "efi64", lambda text: efi_disk(lab, text), starts=1)
