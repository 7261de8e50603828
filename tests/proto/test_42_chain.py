"""chain.ipxe and autoexec.ipxe: our address as this client reached it, and the admin's own."""
import re

import pytest

from lib import rawhttp, tftp
from lib.netns import Lan

HIGH = ["-t", ":1069", "-u", ":1080"]


def chain(lan, address, name="chain.ipxe", port=69):
    return tftp.get(lan.client, address, name, port=port).decode()


def bases(script):
    """Every http://HOST:PORT in it but the rest of the world's."""
    return {b for b in re.findall(r"https?://[^/\s]+", script) if "netboot.xyz" not in b}


# -- the menu of the original ------------------------------------------------------------

def test_menu_is_the_originals(lan, server):
    script = chain(lan, Lan.SERVER)
    assert script.startswith("#!ipxe\n")
    items = re.findall(r"^item (?:--\S+ )*(\S+)", script, re.M)
    assert [i for i in items if i in ("install", "xyz", "shell", "exit")] == [
        "install", "xyz", "shell", "exit"]
    assert re.search(r"^choose .*--default install .*--timeout 10000 ", script, re.M)
    for label in ("install", "xyz", "shell", "exit"):
        assert f"\n:{label}\n" in script
    assert "http://boot.netboot.xyz" in script
    assert re.search(r"^shell", script, re.M) and re.search(r"^exit", script, re.M)


def test_install_asks_for_this_machines_script(lan, server):
    install = chain(lan, Lan.SERVER).split("\n:install\n")[1].splitlines()[0]
    assert re.search(rf"http://{Lan.SERVER}(:80)?/ipxe/\$\{{(netX/)?mac:hexhyp}}\.ipxe\?", install)
    assert "uuid=${uuid" in install and "serial=${serial" in install


def test_a_machine_without_a_script_gets_words_and_the_menu_again(lan, server):
    script = chain(lan, Lan.SERVER)
    install = script.split("\n:install\n")[1].split("\n:xyz\n")[0]
    assert "||" in install and "echo" in install and "goto" in install


def test_next_server_is_not_used(lan, server):
    """It is the DHCP server's address, not ours, when we are not both."""
    assert "next-server" not in re.sub(r"^\s*#.*$", "", chain(lan, Lan.SERVER), flags=re.M)


def test_no_placeholder_is_left(lan, server):
    for name in ("chain.ipxe", "autoexec.ipxe"):
        script = chain(lan, Lan.SERVER, name)
        assert "@" not in script and "HTTP_PORT" not in script
        assert script.endswith("\n") and "\r" not in script


# -- the address ----------------------------------------------------------------------

@pytest.mark.parametrize("address, written", [
    (Lan.SERVER, Lan.SERVER), (Lan.SECOND, Lan.SECOND),
    (Lan.SERVER6, f"[{Lan.SERVER6}]"), (Lan.SECOND6, f"[{Lan.SECOND6}]")])
@pytest.mark.parametrize("name", ["chain.ipxe", "autoexec.ipxe"])
def test_address_is_the_one_the_client_reached(lan, server, address, written, name):
    assert {b.removesuffix(":80") for b in bases(chain(lan, address, name))} == {
        f"http://{written}"}
    got = rawhttp.get(lan.client, address, f"/{name}", host=written)
    assert {b.removesuffix(":80") for b in bases(got.text)} == {f"http://{written}"}


def test_the_address_works(lan, server, site):
    """The written URL, fetched as iPXE would, gives the machine's script."""
    base, = bases(chain(lan, Lan.SERVER))
    host, _, port = base.removeprefix("http://").partition(":")
    got = rawhttp.get(lan.client, host, "/ipxe/00-11-22-33-44-55.ipxe", port=int(port or 80))
    assert got.body == site.read("scripts/00-11-22-33-44-55.ipxe")


def test_port_is_https_own_over_tftp(lan, start):
    start(*HIGH)
    assert bases(chain(lan, Lan.SERVER, port=1069)) == {f"http://{Lan.SERVER}:1080"}
    assert bases(chain(lan, Lan.SERVER6, port=1069)) == {f"http://[{Lan.SERVER6}]:1080"}


def test_http_on_one_address_is_what_a_tftp_client_of_another_is_told(lan, start):
    start("-t", ":1069", "-u", f"{Lan.SECOND}:1080")
    assert bases(chain(lan, Lan.SERVER, port=1069)) == {f"http://{Lan.SECOND}:1080"}


def test_host_field_of_a_forwarded_port_is_believed(lan, server):
    """Behind a forwarded port the client knows better than our socket what it reached."""
    got = rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe", host="198.51.100.4:8000")
    assert bases(got.text) == {"http://198.51.100.4:8000"}


def test_host_field_with_a_name_is_not_written_into_scripts(lan, server):
    """A literal needs no DNS on the machine; and what a stranger sends is no script text."""
    for host in ("boot.example.com", "x ${shell}", "evil\"||shell", ""):
        got = rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe", host=host)
        if got.status == 200:
            assert {b.removesuffix(":80") for b in bases(got.text)} == {f"http://{Lan.SERVER}"}
            assert "evil" not in got.text
        else:
            assert got.status == 400


@pytest.mark.parametrize("value, written", [
    ("198.51.100.4", "http://198.51.100.4:1080"), ("198.51.100.4:8000", "http://198.51.100.4:8000"),
    ("[2001:db8:9::1]:8000", "http://[2001:db8:9::1]:8000"),
    ("2001:db8:9::1", "http://[2001:db8:9::1]:1080")])
def test_advertise(lan, start, value, written):
    start(*HIGH, "--advertise", value)
    for address in (Lan.SERVER, Lan.SERVER6):
        assert bases(chain(lan, address, port=1069)) == {written}
        assert bases(chain(lan, address, "autoexec.ipxe", port=1069)) == {written}
        got = rawhttp.get(lan.client, address, "/chain.ipxe", port=1080)
        assert bases(got.text) == {written}


# -- the admin's own ---------------------------------------------------------------------

def test_chain_in_the_script_directory_replaces_it(lan, own_site, start):
    start(*HIGH, site=own_site)
    assert "menu" in chain(lan, Lan.SERVER, port=1069)
    own_site.write("scripts/chain.ipxe", "#!ipxe\necho mine\n")
    assert chain(lan, Lan.SERVER, port=1069) == "#!ipxe\necho mine\n"
    assert rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe", port=1080).text == "#!ipxe\necho mine\n"
    assert rawhttp.get(lan.client, Lan.SERVER, "/ipxe/chain.ipxe", port=1080).text == "#!ipxe\necho mine\n"


def test_autoexec_in_the_script_directory_replaces_it(lan, own_site, start):
    start(*HIGH, site=own_site)
    own_site.write("scripts/autoexec.ipxe", "#!ipxe\necho my autoexec\n")
    assert chain(lan, Lan.SERVER, "autoexec.ipxe", port=1069) == "#!ipxe\necho my autoexec\n"


# -- autoexec -----------------------------------------------------------------------------

def test_autoexec_opens_the_interface_then_offers_the_menu(lan, server):
    """ipxe#593: it runs before DHCP; 1.21.1 needs the ifopen, 2.0.0 has it open already."""
    script = chain(lan, Lan.SERVER, "autoexec.ipxe")
    assert script.startswith("#!ipxe\n")
    opened = re.search(r"\b(ifopen|dhcp)\b", script).start()
    assert "menu" in script or "chain.ipxe" in script, "it ends without the menu"
    assert opened < script.index("menu" if "menu" in script else "chain.ipxe")


def test_tftp_and_http_scripts_have_etag_and_length(lan, server):
    first = rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe")
    again = rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe",
                        f"If-None-Match: {first['etag']}")
    assert again.status == 304
    other = rawhttp.get(lan.client, Lan.SECOND, "/chain.ipxe", host=Lan.SECOND)
    assert other["etag"] != first["etag"]  # other bytes
