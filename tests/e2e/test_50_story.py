"""Boots that go wrong, and why pixie says they did.

What pixie says of those that go well, and of one without a script, is asked where they
boot: test_20_boot, test_30_menu, test_40_proxydhcp.
"""
import pytest

from boots import MAC, Boot, hyphenated
from lab import readme_config
from test_40_proxydhcp import PLAIN

pytestmark = pytest.mark.timeout(420)

# A DHCP server that does not tell iPXE from a ROM.
ALWAYS_UNDIONLY = PLAIN["dnsmasq"] + "dhcp-boot=undionly.kpxe,,192.168.0.100\n"


def test_rom_of_another_architecture(lab, kernels):
    """The DHCP server names it; pixie, which has no script for the machine, only listens."""
    config = readme_config("dnsmasq").replace("snponly64.efi", "snponly-arm64.efi")
    boot = Boot(lab, kernels, "efi64", "dnsmasq", config, ["--proxy-dhcp", "--answer", "known"])
    boot.power_on()
    outcome, text = boot.verdict("wrong-arch-rom", 120)
    assert outcome == "failed" and "x86-64 UEFI machine" in text and "snponly-arm64.efi" in text


def test_dead_address_in_the_script(lab, kernels):
    boot = Boot(lab, kernels, "bios", "dnsmasq")
    with open(lab.path("scripts/" + hyphenated(MAC) + ".ipxe"), "w") as script:
        script.write("#!ipxe\nkernel http://192.168.0.77/vmlinuz || exit 1\nboot\n")
    machine = boot.power_on()
    boot.to_menu(120)
    machine.press("\r")
    _, text = boot.verdict("kernel-never-asked", 120)
    assert hyphenated(MAC) + ".ipxe" in text


def test_bad_cable(lab, kernels):
    lab.cable = "badcable.py 30"
    boot = Boot(lab, kernels, "bios", "dnsmasq", ALWAYS_UNDIONLY)
    boot.power_on()
    _, text = boot.verdict("retransmissions", 240)
    assert "undionly.kpxe" in text


def test_no_port_4011(lab, kernels):
    lab.cable = "badcable.py 4011"
    boot = Boot(lab, kernels, "efi64", "dnsmasq", PLAIN["dnsmasq"], ["--proxy-dhcp"])
    boot.power_on()
    outcome, text = boot.verdict("offer-no-request", 120)
    assert outcome == "failed" and "snponly64.efi" in text and "4011" in text


def test_loop(lab, kernels):
    boot = Boot(lab, kernels, "bios", "dnsmasq", ALWAYS_UNDIONLY)
    boot.power_on()
    outcome, text = boot.verdict("loop", 180)
    assert outcome == "failed" and "undionly.kpxe 3 times" in text
