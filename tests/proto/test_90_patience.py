"""The end of the crowd that the file about limits opened: the server has let them all go.

Last, because the server is patient with slow clients and the tests are not.
"""
import time

import pytest

from lib import rawhttp

LONGEST_WAIT = 150  # seconds after which a connection that does nothing must be gone


@pytest.mark.timeout(LONGEST_WAIT + 60)
def test_slow_clients_are_closed_in_the_end(crowd):
    """Half a head, a byte now and then, a body that never comes, idling, not reading."""
    deadline = time.monotonic() + LONGEST_WAIT
    still = {kind: list(cs) for kind, cs in crowd.clients.items() if kind != "no reader"}
    while any(still.values()) and time.monotonic() < deadline:
        for c in list(still["a byte now and then"]):
            try:
                c.sock.send(b"a")
            except ConnectionError:
                still["a byte now and then"].remove(c)
        for kind, cs in still.items():
            if cs:
                still[kind] = rawhttp.wait_all_closed(cs, 0.5)
    assert {kind: len(cs) for kind, cs in still.items() if cs} == {}


@pytest.mark.timeout(LONGEST_WAIT + 60)
def test_readers_that_do_not_read_are_cut_off(crowd):
    """They cannot see the end themselves; the log tells it."""
    deadline = time.monotonic() + LONGEST_WAIT
    cut = []
    while len(cut) < crowd.EACH and time.monotonic() < deadline:
        cut = [e for e in crowd.server.events() if "/extra/big.bin" in e.line]
        time.sleep(0.5)
    assert len(cut) == crowd.EACH and all(e.level == "WARNING" for e in cut)
    assert crowd.server.alive()
