"""The menu in a person's hands, and in nobody's."""
import pytest

from boots import MAC, OTHER_MAC, Boot, hyphenated
from lab import readme_config

pytestmark = pytest.mark.timeout(420)

DOWN = "\x1b[B"
ESCAPE = "\x1b"


def test_unattended_machine_boots_after_ten_seconds(lab, kernels):
    boot = Boot(lab, kernels, "efi64", "dnsmasq")
    boot.write_script()
    boot.power_on()
    menu = boot.to_menu(120)
    assert boot.to_token(120) - menu > 8


def test_missing_script_is_explained_and_looked_for_again(lab, kernels):
    boot = Boot(lab, kernels, "efi64", "kea")
    machine = boot.power_on()
    boot.to_menu(120)
    machine.press("\r")
    machine.expect("Not booted: pixie has no script for this machine", 60)
    machine.expect(hyphenated(MAC) + ".ipxe, or default.ipxe", 60)
    assert hyphenated(MAC) + ".ipxe" in boot.verdict("script-missing")[1]
    boot.write_script()
    machine.forget()
    machine.press("x")
    boot.to_menu(60)
    machine.press("\r")
    boot.to_token(60)


def test_shell_returns_to_the_menu_and_escape_leaves_it(lab, kernels):
    boot = Boot(lab, kernels, "efi64", "dhcpd")
    machine = boot.power_on()
    boot.to_menu(120)
    machine.press(DOWN + DOWN + "\r")
    machine.expect("iPXE>", 60)
    machine.forget()
    machine.press("echo a ${mac:hexhyp} z\rexit\r")
    machine.expect("a " + hyphenated(MAC) + " z", 60)
    boot.to_menu(60)
    machine.press(ESCAPE)
    machine.expect("BdsDxe: failed to", 60)


def test_two_cards_boots_by_the_second(lab, kernels):
    """ipxe64.efi drives every card by itself: it must open the one that EFI booted
    from, and ask for that one's script."""
    config = readme_config("dnsmasq").replace("snponly64.efi", "ipxe64.efi")
    boot = Boot(lab, kernels, "efi64", "dnsmasq", config)
    boot.write_script(OTHER_MAC)
    machine = boot.power_on(macs=(MAC, OTHER_MAC), boot=1)
    boot.to_menu(180)
    machine.press("\r")
    boot.to_token(60)
