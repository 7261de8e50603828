"""What every conftest.py of these folders brings in: `from lib.plugin import *`."""
import pytest

from .fixtures import lan, own_site, server, site, start  # noqa: F401
from .pixie import Pixie

__all__ = ["lan", "own_site", "server", "site", "start", "no_server_is_left",
           "pytest_collection_modifyitems", "pytest_runtest_makereport"]

TEST_SECONDS = 120


def pytest_collection_modifyitems(items):
    """No test may hang the run; a test that needs longer says so itself."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    item.failed = getattr(item, "failed", False) or report.failed


@pytest.fixture(autouse=True)
def no_server_is_left(request):
    """A test that fails leaves its server behind: not to the next one. One that passes must not."""
    before = set(Pixie.living)
    yield
    left = Pixie.living - before
    for process in left:
        process.kill()
    assert request.node.failed or not left, f"servers not stopped: {[p.args for p in left]}"
