"""A DHCP server that knows of addresses only, `pixie --proxy-dhcp` beside it, real firmware.

Nothing but pixie names a boot file. Each firmware must come the whole way, to the
token that Linux prints.
"""
import json
import sys

import pytest

from boots import MAC, SENT_SCRIPT, Boot
from lab import DHCP_ADDRESS, run

pytestmark = pytest.mark.timeout(420)

PLAIN = {
    "dnsmasq": "dhcp-range=192.168.0.150,192.168.0.199,1h\ndhcp-option=option:router,192.168.0.1\n",
    "dhcpd": "subnet 192.168.0.0 netmask 255.255.255.0 {\n"
             "  range 192.168.0.150 192.168.0.199;\n  option routers 192.168.0.1;\n}\n",
    "kea": json.dumps({"Dhcp4": {
        "interfaces-config": {"interfaces": ["*"]},
        "subnet4": [{"subnet": "192.168.0.0/24", "pools": [{"pool": "192.168.0.150 - 192.168.0.199"}],
                     "option-data": [{"name": "routers", "data": DHCP_ADDRESS}]}]}}),
}


@pytest.fixture
def proxied(lab, kernels):
    def begin(firmware, dhcp):
        boot = Boot(lab, kernels, firmware, dhcp, PLAIN[dhcp], options=["--proxy-dhcp"])
        boot.write_script()
        return boot
    return begin


def test_bios_card_that_is_ipxe(proxied, record_property):
    boot = proxied("bios", "dnsmasq")
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-offer client=ipxe", "path=/chain.ipxe status=200", SENT_SCRIPT)
    assert "undionly.kpxe" not in boot.served()


def test_bios_pxe_undionly(lab, proxied, record_property):
    """QEMU's ROM in the part of another vendor's (see otherrom.py)."""
    lab.cable = "otherrom.py"
    boot = proxied("bios", "dnsmasq")
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-offer client=bios-pxe arch=0", "tftp-sent name=undionly.kpxe",
              "dhcp-offer client=ipxe", "path=/chain.ipxe status=200", SENT_SCRIPT)


def test_efi64_pxe(proxied, record_property):
    boot = proxied("efi64", "dhcpd")
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-offer client=uefi-pxe arch=7", "dhcp-ack client=uefi-pxe",
              "tftp-sent name=snponly64.efi", "tftp-sent name=autoexec.ipxe", SENT_SCRIPT)
    boot.booted("initrd-amd64")


# A machine that pixie believes to have ignored earlier offers, as this many DISCOVERs in
# its name make it believe, is sent the next shape: firmware must boot by each of them.
IGNORE = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lan")
for i in range(int(sys.argv[2])):
    head = bytes([1, 1, 6, 0, 7, 7, 7, i]) + bytes(20) + bytes.fromhex(sys.argv[1].replace(":", ""))
    s.sendto(head.ljust(236, b"\\0") + bytes.fromhex("63825363350101" + sys.argv[3] + "ff"), ("255.255.255.255", 67))
    time.sleep(0.6)
"""
PXE = b"PXEClient".hex()


def ignore(lab, discovers, arch):
    run("ip", "netns", "exec", lab.dhcp_net, sys.executable, "-c", IGNORE, MAC, str(discovers),
        "3c09" + PXE + "5d02%04x" % arch)


@pytest.mark.parametrize("discovers,how", [(2, "boot file on port 4011"), (4, "list of boot servers")])
def test_bios_pxe_by_the_other_shapes(lab, proxied, record_property, discovers, how):
    lab.cable = "otherrom.py"
    boot = proxied("bios", "dnsmasq")
    ignore(lab, discovers, 0)
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-retry", 'dhcp-offer client=bios-pxe arch=0 is=BIOS file=undionly.kpxe how="%s"' % how,
              "dhcp-learned client=bios-pxe boots-by=\"%s\"" % how,
              "tftp-sent name=undionly.kpxe", SENT_SCRIPT)


@pytest.mark.parametrize("discovers,how", [(2, "boot file in the offer"), (4, "list of boot servers")])
def test_efi64_pxe_by_the_other_shapes(lab, proxied, record_property, discovers, how):
    boot = proxied("efi64", "dnsmasq")
    ignore(lab, discovers, 7)
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-retry", 'file=snponly64.efi how="%s"' % how,
              "dhcp-learned client=uefi-pxe boots-by=\"%s\"" % how,
              "tftp-sent name=snponly64.efi", SENT_SCRIPT)


def test_efi64_http_boot(proxied, record_property):
    boot = proxied("efi64-http", "kea")
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-offer client=http-boot arch=16", "path=/snponly64.efi status=200",
              "path=/autoexec.ipxe status=200", SENT_SCRIPT)
    assert "tftp-sent" not in boot.served()


def test_arm64_pxe(proxied, record_property):
    boot = proxied("arm64", "dnsmasq")
    boot.power_on()
    boot.to_linux(record_property)
    boot.went("dhcp-offer client=uefi-pxe arch=11", "dhcp-ack client=uefi-pxe",
              "tftp-sent name=snponly-arm64.efi", "tftp-sent name=autoexec.ipxe", SENT_SCRIPT)
    boot.booted("initrd-arm64")


def test_uboot_arm64(lab, kernels, record_property):
    """U-Boot is known for what it is, and told. Debian's build does not listen (it lacks
    CONFIG_SERVERIP_FROM_PROXYDHCP), so its user names the server; and iPXE starts in its
    EFI but hears nothing there, so that it boots the kernel itself, from pixie."""
    boot = Boot(lab, kernels, "uboot-arm64", "dnsmasq", PLAIN["dnsmasq"], options=["--proxy-dhcp"])
    machine = boot.power_on()
    machine.expect("Hit any key", 60)
    machine.press("\n")
    for command, answer in (
            ("setenv autoload no; dhcp", "DHCP client bound to address"),
            ("setenv serverip 192.168.0.100", "=> "),
            ("setenv bootargs console=ttyAMA0 pixie.token=%s" % boot.token, "=> "),
            ("tftpboot ${kernel_addr_r} extra/vmlinuz-arm64", "Bytes transferred"),
            ("tftpboot ${ramdisk_addr_r} extra/initrd-arm64", "Bytes transferred")):
        machine.expect("=> ", 60)
        machine.forget()
        machine.press(command + "\n")
        machine.expect(answer, 60)
    machine.press("booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}\n")
    record_property("seconds_to_token", round(boot.to_token(120), 1))
    boot.went("dhcp-offer client=u-boot arch=22", "file=snponly-arm64.efi",
              "tftp-sent name=extra/vmlinuz-arm64", "tftp-sent name=extra/initrd-arm64")
