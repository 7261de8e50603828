"""The README's DHCP configurations, in the eyes of the servers they are for."""
import subprocess

import pytest

from lab import dhcp_command, readme_config


@pytest.mark.parametrize("server", ["dnsmasq", "dhcpd", "kea"])
def test_server_accepts_the_readme(server, tmp_path):
    _, check = dhcp_command(server, str(tmp_path), readme_config(server))
    done = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          check=False, env={"KEA_LOCKFILE_DIR": str(tmp_path), "KEA_PIDFILE_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("server", ["dnsmasq", "dhcpd", "kea"])
def test_server_refuses_a_spoilt_one(server, tmp_path):
    """Or the test above could not fail."""
    spoilt = readme_config(server).replace("93", "9x").replace("dhcp-match", "dhcp-mismatch")
    _, check = dhcp_command(server, str(tmp_path), spoilt)
    done = subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                          check=False, env={"KEA_LOCKFILE_DIR": str(tmp_path), "KEA_PIDFILE_DIR": str(tmp_path)})
    assert done.returncode != 0
