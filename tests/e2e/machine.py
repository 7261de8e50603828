"""The machines the lab boots: QEMU with a firmware, cards on the lab's bridge, and a
serial console that is both the keyboard and the proof."""
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lab import BootFailed, printable, stop, wait_for

# What to call the machine's architecture, and how to reach its firmware's console.
# Serial from SeaBIOS and from undionly.kpxe, which has no serial console of its own,
# comes only with graphics=off.
# An EFI machine's card has no option ROM (romfile=): QEMU's is iPXE and would answer
# in EDK2's place. OVMF takes randomness from virtio-rng or waits for it.
X64 = {"qemu": "qemu-system-x86_64", "arch": "amd64", "uname": "x86_64", "console": "ttyS0"}
ARM64 = {"qemu": "qemu-system-aarch64", "arch": "arm64", "uname": "aarch64", "console": "ttyAMA0"}
FIRMWARE = {
    "bios": dict(X64, machine="pc,graphics=off", card="virtio-net-pci", flash=None),
    "bios-screen": dict(X64, machine="pc", card="virtio-net-pci", flash=None),
    "efi64": dict(X64, machine="q35", card="virtio-net-pci,romfile=",
                  flash=("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd")),
    "efi64-http": dict(X64, machine="q35", card="virtio-net-pci,romfile=",
                       flash=("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
                       options=["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n",
                                "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"]),
    "arm64": dict(ARM64, machine="virt", card="virtio-net-pci,romfile=", options=["-cpu", "cortex-a57"],
                  flash=("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd")),
    "uboot-arm64": dict(ARM64, machine="virt", card="virtio-net-pci,romfile=", flash=None,
                        options=["-cpu", "cortex-a57", "-bios", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"]),
}


def probe_kvm(kernels):
    """Whether a guest really runs in KVM: some hosts offer a /dev/kvm in which every
    guest stops with an internal error."""
    command = ["timeout", "6", "qemu-system-x86_64", "-accel", "kvm", "-m", "256", "-display", "none",
               "-serial", "stdio", "-monitor", "none", "-nic", "none", "-no-reboot",
               "-kernel", kernels + "/vmlinuz-amd64", "-initrd", kernels + "/initrd-amd64",
               "-append", "console=ttyS0 pixie.token=kvm"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as guest:
        try:
            for line in guest.stdout:
                if b"token=kvm" in line:
                    return True
                if b"KVM internal error" in line:
                    return False
        finally:
            guest.terminate()
    return False


@functools.lru_cache(maxsize=None)
def accelerator(kernels):
    return "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and probe_kvm(kernels) else "tcg"


# Firmware that has given up on the network card says so; no need to wait longer.
GIVEN_UP = ("BdsDxe: failed to", "No bootable device")


class Machine:
    """One QEMU with a card for each MAC; it boots from the one numbered `boot`, and
    then from the disk in the file `disk`, if it has one."""

    def __init__(self, lab, firmware, kernels, macs, boot=0, disk=None):
        self.lab = lab
        self.firmware = FIRMWARE[firmware]
        self.log = lab.path("serial.log")
        self.monitor = lab.path("monitor")
        self.seen = 0
        command = self.command(kernels, macs, boot)
        if disk:
            command += ["-drive", "if=none,id=disk,format=raw,file=" + disk,
                        "-device", "virtio-blk-pci,drive=disk,bootindex=1"]
        self.began = time.monotonic()
        self.process = lab.start("serial", command, lab.net, stdin=subprocess.PIPE)

    def command(self, kernels, macs, boot):
        f = self.firmware
        accel = accelerator(kernels) if f["arch"] == "amd64" else "tcg"
        command = [f["qemu"], "-accel", accel, "-machine", f["machine"], "-m", "1024",
                   "-display", "none", "-serial", "stdio", "-no-reboot",
                   "-monitor", "unix:%s,server,nowait" % self.monitor]
        command += f.get("options", [])
        if f["flash"]:
            command += self.flash(*f["flash"]) + ["-device", "virtio-rng-pci"]
        for i, mac in enumerate(macs):
            tap = self.lab.add_card()
            command += ["-netdev", "tap,id=n%d,ifname=%s,script=no,downscript=no" % (i, tap),
                        "-device", "%s,netdev=n%d,mac=%s%s" % (
                            f["card"], i, mac, ",bootindex=0" if i == boot else "")]
        return command

    def flash(self, code, variables):
        own = shutil.copy(variables, tempfile.mkdtemp(dir=self.lab.folder))
        return ["-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + code,
                "-drive", "if=pflash,unit=1,format=raw,file=" + own]

    def alive(self):
        return self.process.poll() is None

    def raw(self):
        with open(self.log, "rb") as log:
            return log.read()

    def console(self):
        return printable(self.raw()[self.seen:].decode(errors="replace"))

    def expect(self, text, seconds):
        """Waits for a text on the console; returns the seconds since power-on."""
        wait_for("%r on the serial console" % text, seconds,
                 lambda: text in self.console(), lambda: self.hopeful(text))
        return time.monotonic() - self.began

    def hopeful(self, text):
        """A machine may say its last words and power off between two looks."""
        running = self.alive()
        console = self.console()
        return text in console or running and not any(words in console for words in GIVEN_UP)

    def forget(self):
        """What the console has shown so far counts no longer."""
        self.seen = len(self.raw())

    def press(self, keys):
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()

    def screendump(self, path):
        """The picture on the screen, as a PPM file."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(self.monitor)
            monitor.sendall(b"screendump %s\n" % path.encode())
            wait_for("screendump", 5, lambda: os.path.exists(path), self.alive)
            time.sleep(0.5)  # QEMU may still be writing

    def expect_power_off(self, seconds):
        wait_for("power-off", seconds, lambda: not self.alive(), lambda: True)
        if self.process.returncode != 0:
            raise BootFailed("QEMU ended with %d" % self.process.returncode)

    def stop(self):
        stop(self.process)
