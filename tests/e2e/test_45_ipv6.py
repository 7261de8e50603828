"""The README's DHCPv6 rules for dnsmasq: EFI boots over IPv6 alone, by PXE and by HTTP Boot."""
import os
import re

import pytest

from boots import MAC, SENT_SCRIPT, Boot
from lab import PIXIE, TOP, dhcp_command, readme_config, run, wait_for
from machine import FIRMWARE

pytestmark = pytest.mark.timeout(420)

US = "2001:db8::100"
NO_PXE4 = ["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n"]


class Boot6(Boot):
    """The same lab with addresses of the other family."""

    def __init__(self, lab, kernels, firmware):
        for namespace, address in ((lab.net, US), (lab.dhcp_net, "2001:db8::1")):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv6.conf.lan.disable_ipv6=0")
            run("ip", "-n", namespace, "addr", "add", address + "/64", "dev", "lan", "nodad")
        self.lab, self.kernels, self.firmware = lab, kernels, firmware
        self.token = os.urandom(8).hex()
        self.scripts = lab.path("scripts")
        os.mkdir(self.scripts)
        command, _ = dhcp_command("dnsmasq", lab.folder, readme_config("dnsmasq6"))
        server = lab.start("dhcp", command, lab.dhcp_net)
        lab.wait_for_log("dhcp", "DHCPv6, IP range", server)
        self.pixie = lab.start("pixie", [PIXIE, "-d", self.scripts, "-e", kernels, "-v", "DEBUG"], lab.net)
        lab.wait_for_log("pixie", " started ", self.pixie)


@pytest.fixture
def machines(monkeypatch):
    pxe6 = dict(FIRMWARE["efi64"], options=NO_PXE4)
    monkeypatch.setitem(FIRMWARE, "efi64-pxe6", pxe6)


def test_efi64_pxe(lab, kernels, machines, record_property):
    boot = Boot6(lab, kernels, "efi64-pxe6")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("tftp-sent name=snponly64.efi peer=[2001:db8::1", "path=/chain.ipxe status=200", SENT_SCRIPT)


def test_efi64_http_boot(lab, kernels, monkeypatch, record_property):
    """EFI tries HTTP Boot over IPv4 first, for a minute, and says that it failed."""
    monkeypatch.setattr("machine.GIVEN_UP", ("No bootable device",))
    boot = Boot6(lab, kernels, "efi64-http")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("path=/snponly64.efi status=200", "path=/chain.ipxe status=200", SENT_SCRIPT)
    assert "tftp-sent" not in boot.served()
