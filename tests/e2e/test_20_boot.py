"""Real firmware, a real DHCP server, the menu, the machine's own script, Linux.

The token that Linux prints is in the script for this machine and in no other
place: who prints it has come the whole way.
"""
import pytest

from boots import Boot
from lab import readme_config

pytestmark = pytest.mark.timeout(420)


def plain_pxe(config):
    """The README's dnsmasq rules, but only an iPXE that has a menu (feature 39 in
    option 175) counts as iPXE. SeaBIOS's one PXE ROM is an iPXE of 2019 without:
    this makes it play the plain PXE ROM of a real card."""
    rule = "dhcp-userclass=set:ipxe,iPXE"
    assert rule in config
    return config.replace(rule, "dhcp-match=set:ipxe,encap:175,39")


def test_bios_undionly_by_tftp(lab, kernels, record_property):
    boot = Boot(lab, kernels, "bios", "dnsmasq", plain_pxe(readme_config("dnsmasq")))
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "undionly.kpxe" in boot.served()


def test_bios_card_with_an_old_ipxe(lab, kernels, record_property):
    """It is given the chain script, which it cannot show, and loads ours by it."""
    boot = Boot(lab, kernels, "bios", "dhcpd")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "undionly.kpxe" in boot.served()


def test_efi64_snponly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "efi64", "dhcpd")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "snponly64.efi" in boot.served()


def test_efi64_ipxe(lab, kernels, record_property):
    config = readme_config("kea").replace("snponly64.efi", "ipxe64.efi")
    boot = Boot(lab, kernels, "efi64", "kea", config)
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "ipxe64.efi" in boot.served()


def test_arm64_snponly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "arm64", "dnsmasq")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "snponly-arm64.efi" in boot.served()
