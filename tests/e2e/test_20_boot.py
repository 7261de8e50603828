"""Real firmware, a real DHCP server, the menu, the machine's own script, Linux.

The token that Linux prints is in the script for this machine and in no other
place: who prints it has come the whole way.
"""
import pytest

from boots import SENT_SCRIPT, Boot, plain_pxe
from lab import readme_config

pytestmark = pytest.mark.timeout(420)


def test_bios_undionly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "bios", "dhcpd", plain_pxe(readme_config("dhcpd")))
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("tftp-sent name=undionly.kpxe", "http-sent method=GET path=/chain.ipxe", SENT_SCRIPT)
    boot.booted("initrd-amd64")


def test_bios_card_that_is_ipxe(lab, kernels, record_property):
    boot = Boot(lab, kernels, "bios", "dnsmasq")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("http-sent method=GET path=/chain.ipxe", SENT_SCRIPT)
    assert "undionly.kpxe" not in boot.served()


def test_efi64_snponly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "efi64", "dnsmasq")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("tftp-sent name=snponly64.efi", "tftp-sent name=autoexec.ipxe", SENT_SCRIPT)


def test_efi64_ipxe(lab, kernels, record_property):
    config = readme_config("kea").replace("snponly64.efi", "ipxe64.efi")
    boot = Boot(lab, kernels, "efi64", "kea", config)
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("tftp-sent name=ipxe64.efi", "tftp-sent name=autoexec.ipxe", SENT_SCRIPT)


def test_arm64_snponly(lab, kernels, record_property):
    boot = Boot(lab, kernels, "arm64", "dhcpd")
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("tftp-sent name=snponly-arm64.efi", "tftp-sent name=autoexec.ipxe", SENT_SCRIPT)


@pytest.mark.parametrize("dhcp", ["dnsmasq", "dhcpd", "kea"])
def test_efi64_http_boot(lab, kernels, record_property, dhcp):
    """No TFTP at all: EFI's own HTTP client, and iPXE's."""
    boot = Boot(lab, kernels, "efi64-http", dhcp)
    boot.write_script()
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("path=/snponly64.efi status=200", "path=/autoexec.ipxe status=200", SENT_SCRIPT)
    assert "tftp-sent" not in boot.served()
