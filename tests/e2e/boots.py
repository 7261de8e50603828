"""What every boot test does: serve a script, power a machine on, want its token."""
import os
import re
import secrets

from lab import wait_for
from machine import FIRMWARE, Machine

MAC = "52:54:00:70:78:01"
OTHER_MAC = "52:54:00:70:78:02"

# As in the README's walkthrough: paths, not addresses.
SCRIPT = """#!ipxe
kernel /extra/vmlinuz-{arch} initrd=initrd-{arch} console={console} pixie.token={token}
initrd /extra/initrd-{arch}
boot
"""


def hyphenated(mac):
    return mac.replace(":", "-")


def plain_pxe(config):
    """The README's dhcpd.conf, but an iPXE counts as one only if it can do HTTPS
    (feature 20 in option 175). The PXE ROM of QEMU's cards is an iPXE that cannot:
    this makes it play the plain PXE ROM of a real card, which gets undionly.kpxe."""
    rule = 'if option user-class = "iPXE" {'
    assert rule in config
    features = """option space ipxe;
option ipxe-features code 175 = encapsulate ipxe;
option ipxe.https code 20 = unsigned integer 8;
"""
    return features + config.replace(rule, 'if option user-class = "iPXE" and exists ipxe.https {')


SENT_SCRIPT = "http-sent method=GET path=/ipxe/%s.ipxe status=200" % hyphenated(MAC)


class Boot:
    """One machine on its way from power-on to its token."""

    def __init__(self, lab, kernels, firmware, dhcp, config=None, options=()):
        self.lab, self.kernels, self.firmware = lab, kernels, firmware
        self.token = secrets.token_hex(8)
        self.scripts = lab.path("scripts")
        os.mkdir(self.scripts)
        lab.start_dhcp(dhcp, config)
        self.pixie = lab.start_pixie(self.scripts, kernels, *options)

    def write_script(self, mac=MAC, name=None):
        facts = FIRMWARE[self.firmware]
        with open(os.path.join(self.scripts, name or hyphenated(mac) + ".ipxe"), "w") as script:
            script.write(SCRIPT.format(token=self.token, **facts))

    def power_on(self, macs=(MAC,), boot=0):
        self.machine = Machine(self.lab, self.firmware, self.kernels, macs, boot)
        return self.machine

    def to_menu(self, seconds):
        took = self.machine.expect("PXE Boot Options", seconds)
        self.machine.expect("Chainload installation", 60)
        return took

    def to_token(self, seconds):
        want = "PIXIE-BOOT-OK arch=%s token=%s" % (FIRMWARE[self.firmware]["uname"], self.token)
        took = self.machine.expect(want, seconds)
        self.machine.expect_power_off(60)
        return took

    def to_linux(self, record_property, minutes=3):
        """The whole way; Enter in the menu saves its ten seconds."""
        menu = self.to_menu(minutes * 60)
        self.machine.press("\r")
        token = self.to_token(minutes * 60)
        record_property("seconds_to_menu", round(menu, 1))
        record_property("seconds_to_token", round(token, 1))
        print("\nmenu after %.1f s, token after %.1f s" % (menu, token))

    def verdict(self, code, seconds=60, mac=MAC):
        """pixie's word on this machine's boot; it may need silence first."""
        line = re.compile(r"%s verdict code=%s outcome=(\S+) text=\"((?:[^\"\\]|\\.)*)\" next=" % (hyphenated(mac), code))
        wait_for("verdict %s" % code, seconds, lambda: line.search(self.served()),
                 lambda: self.pixie.poll() is None)
        return line.search(self.served()).groups()

    def booted(self, last):
        """What pixie says of it in the end."""
        outcome, text = self.verdict("booted", 120)
        assert outcome == "booted" and last in text

    def served(self):
        with open(self.lab.path("pixie.log"), errors="replace") as log:
            return log.read()

    def went(self, *steps):
        """pixie's log has these steps, in this order."""
        log, at = self.served(), 0
        for step in steps:
            at = log.find(step, at)
            assert at >= 0, "not in pixie's log, or not in this order: %s" % step
