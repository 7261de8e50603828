"""Real firmware, a real DHCP server, the menu, the machine's own script, Linux.

The token that Linux prints is in the script for this machine and in no other
place: who prints it has come the whole way.
"""
import pytest

from boots import Boot
from lab import readme_config

pytestmark = pytest.mark.timeout(420)


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


def test_bios_undionly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "bios", "dhcpd", plain_pxe(readme_config("dhcpd")))
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "undionly.kpxe" in boot.served()


def test_bios_card_that_is_ipxe(lab, kernels, record_property):
    boot = Boot(lab, kernels, "bios", "dnsmasq")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "chain.ipxe" in boot.served()


def test_efi64_snponly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "efi64", "dnsmasq")
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
    boot = Boot(lab, kernels, "arm64", "dhcpd")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    assert "snponly-arm64.efi" in boot.served()
