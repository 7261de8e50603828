"""What every conftest.py of these folders brings in: `from lib.plugin import *`."""
from .fixtures import lan, own_site, server, site, start  # noqa: F401

__all__ = ["lan", "own_site", "server", "site", "start", "pytest_collection_modifyitems"]

TEST_SECONDS = 120


def pytest_collection_modifyitems(items):
    """No test may hang the run; a test that needs longer says so itself."""
    import pytest
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))
