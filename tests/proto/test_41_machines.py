"""Which script a machine gets: its MAC in any spelling, UUID, serial, default.ipxe."""
import os

import pytest

from lib import rawhttp, tftp
from lib.netns import Lan

MAC = "52-54-00-ab-cd-ef"
UUID = "4c4c4544-0042-3510-8052-b4c04f4e4d32"
QUERY = f"?uuid={UUID}&serial=SN-12345"


@pytest.fixture
def machines(lan, own_site, start):
    """ask(request) with scripts(name, …) lying in the directory, each holding its own name."""
    server = start(site=own_site)

    class Machines:
        log = server

        @staticmethod
        def scripts(*names):
            for name in names:
                own_site.write(f"scripts/{name}", name)

        @staticmethod
        def ask(target):
            return rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{target}")

        @staticmethod
        def tftp(name):
            return tftp.get(lan.client, Lan.SERVER, f"ipxe/{name}").decode()

    return Machines()


def test_the_originals_form(machines):
    machines.scripts(f"{MAC}.ipxe")
    assert machines.ask(f"{MAC}.ipxe").text == f"{MAC}.ipxe"
    assert machines.tftp(f"{MAC}.ipxe") == f"{MAC}.ipxe"


@pytest.mark.parametrize("on_disk", [
    "52-54-00-AB-CD-EF.ipxe", "52:54:00:ab:cd:ef.ipxe", "52:54:00:AB:CD:EF.ipxe",
    "525400abcdef.ipxe", "525400ABCDEF.ipxe", "5254.00ab.cdef.ipxe", "52-54-00-Ab-cD-eF.IPXE"])
def test_the_script_is_found_however_its_mac_is_spelled(machines, on_disk):
    machines.scripts(on_disk)
    got = machines.ask(f"{MAC}.ipxe{QUERY}")
    assert got.status == 200 and got.text == on_disk
    assert machines.tftp(f"{MAC}.ipxe") == on_disk


@pytest.mark.parametrize("asked", ["52-54-00-AB-CD-EF.ipxe", "52:54:00:ab:cd:ef.ipxe",
                                   "52%3A54%3A00%3AAB%3ACD%3AEF.ipxe", "525400abcdef.ipxe"])
def test_the_machine_may_ask_in_any_spelling_too(machines, asked):
    machines.scripts(f"{MAC}.ipxe")
    assert machines.ask(asked).text == f"{MAC}.ipxe"


def test_exact_name_wins_over_other_spellings(machines):
    machines.scripts("525400abcdef.ipxe", f"{MAC}.ipxe", "52:54:00:AB:CD:EF.ipxe")
    assert machines.ask(f"{MAC}.ipxe").text == f"{MAC}.ipxe"


def test_order_is_mac_uuid_serial_default(machines):
    machines.scripts("default.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").text == "default.ipxe"
    machines.scripts("SN-12345.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").text == "SN-12345.ipxe"
    machines.scripts(f"{UUID}.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").text == f"{UUID}.ipxe"
    machines.scripts(f"{MAC}.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").text == f"{MAC}.ipxe"


@pytest.mark.parametrize("query", [f"uuid={UUID.upper()}", f"uuid={UUID.replace('-', '')}",
                                   f"serial=&uuid={UUID}", f"x=y&uuid={UUID}&x=z"])
def test_uuid_in_any_spelling_and_place(machines, query):
    machines.scripts(f"{UUID}.ipxe")
    assert machines.ask(f"{MAC}.ipxe?{query}").text == f"{UUID}.ipxe"


def test_uuid_on_disk_in_capitals(machines):
    machines.scripts(f"{UUID.upper()}.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").text == f"{UUID.upper()}.ipxe"


def test_serial_with_a_space(machines):
    machines.scripts("VMware-56 4d.ipxe")
    assert machines.ask(f"{MAC}.ipxe?serial=VMware-56%204d").text == "VMware-56 4d.ipxe"


def test_another_machines_script_is_not_served(machines):
    machines.scripts("52-54-00-ab-cd-ee.ipxe", "ffffffff-0042-3510-8052-b4c04f4e4d32.ipxe",
                     "SN-12346.ipxe")
    assert machines.ask(f"{MAC}.ipxe{QUERY}").status == 404


def test_all_zero_uuid_and_empty_serial_of_bad_firmware(machines):
    """SMBIOS without either: no name is made of nothing."""
    machines.scripts(".ipxe", "default.ipxe")
    got = machines.ask(f"{MAC}.ipxe?uuid=&serial=")
    assert got.text == "default.ipxe"


def test_miss_says_which_names_were_looked_for(machines):
    got = machines.ask(f"{MAC}.ipxe{QUERY}")
    assert got.status == 404
    for name in (f"{MAC}.ipxe", f"{UUID}.ipxe", "SN-12345.ipxe", "default.ipxe"):
        assert name in got.text, name


def test_miss_by_tftp_is_error_1_that_says_the_same(machines):
    with pytest.raises(tftp.Refused, match=f"error 1: .*{MAC}.ipxe.*default.ipxe"):
        machines.tftp(f"{MAC}.ipxe")


def test_miss_is_logged_with_the_machine(machines):
    machines.ask(f"{MAC}.ipxe{QUERY}")
    event = machines.log.logged(MAC, "404")
    assert event.who == MAC and "default.ipxe" in event.line


def test_log_says_what_was_served_instead(machines):
    machines.scripts("default.ipxe")
    machines.ask(f"{MAC}.ipxe{QUERY}")
    assert machines.log.logged(f"{MAC}.ipxe", "default.ipxe", level="INFO").who == MAC


def test_default_is_for_machines_not_for_any_missing_file(machines):
    machines.scripts("default.ipxe")
    assert machines.ask("typo.ipxe").status == 404
    assert machines.ask("sub/52-54-00-ab-cd-ef.ipxe").status == 404
    assert machines.ask("52-54-00-ab-cd.ipxe").status == 404
    assert machines.ask(f"{MAC}.cfg").status == 404


def test_edited_removed_and_added_scripts_count_at_once(machines, own_site):
    machines.scripts("default.ipxe", f"{MAC}.ipxe")
    own_site.write(f"scripts/{MAC}.ipxe", "edited")
    assert machines.ask(f"{MAC}.ipxe").text == "edited"
    os.unlink(own_site.path("scripts", f"{MAC}.ipxe"))
    assert machines.ask(f"{MAC}.ipxe").text == "default.ipxe"
    machines.scripts(f"{MAC.upper()}.ipxe")
    assert machines.ask(f"{MAC}.ipxe").text == f"{MAC.upper()}.ipxe"


def test_empty_script_is_still_the_machines_script(machines, own_site):
    machines.scripts("default.ipxe")
    own_site.write(f"scripts/{MAC}.ipxe", "")
    got = machines.ask(f"{MAC}.ipxe")
    assert got.status == 200 and got.body == b""
