"""Fixtures of the boot tests."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lab as lab_module  # noqa: E402


@pytest.fixture(scope="session")
def kernels():
    """Debian's kernels and our initrds, fetched once."""
    folder = os.path.join(lab_module.TOP, "build-kernels")
    subprocess.run([os.path.join(lab_module.TOP, "tools", "fetch-kernels.sh"), folder], check=True)
    return folder


@pytest.fixture
def lab(tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root, for namespaces and taps")
    with lab_module.Lab(tmp_path) as new:
        yield new


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the machine, the DHCP server and pixie said."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and lab is not None:
        report.sections.append(("the story of this boot", lab.story()))
