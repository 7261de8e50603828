import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

from browser import Browser  # noqa: E402
from lib import netns  # noqa: E402
from lib.plugin import *  # noqa: E402,F401,F403
from mock import Mock  # noqa: E402

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

# What Chromium says by itself when a reply is an error or does not come; a test that
# wants none of those looks itself.
OF_THE_NETWORK = ("Failed to load resource", "net::ERR_")


@pytest.fixture(scope="session")
def ns():
    """Server and browser share one: nothing of the page is ever elsewhere."""
    namespace = netns.Namespace()
    yield namespace
    namespace.close()


@pytest.fixture(scope="session")
def browser(ns):
    chromium = Browser(ns)
    yield chromium
    chromium.close()


@pytest.fixture
def visit(browser):
    """visit(url, viewport=…, …) opens a page. One that complains, of an error in a module
    or of what its policy forbids, fails the test."""
    pages = []

    def go(url, **options):
        page = browser.open(**{"viewport": DESK, "timezoneId": "UTC", "locale": "en-GB", **options})
        pages.append(page)
        page.goto(url)
        return page

    yield go
    problems = [p for page in pages for p in page.problems()]
    for page in pages:
        page.close()
    serious = [p for p in problems if not any(words in p for words in OF_THE_NETWORK)]
    assert not serious


@pytest.fixture
def mock(ns):
    """mock(machines, …) starts a server of the test's own."""
    running = []

    def start(*machines, **kw):
        running.append(Mock(ns, machines=machines, **kw))
        return running[-1]

    yield start
    for server in running:
        server.down()
