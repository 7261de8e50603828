"""Clients that run at the same time."""
import threading


def together(*calls):
    """Runs each call in a thread of its own; raises what the first failed one raised."""
    failures = []

    def run(call):
        try:
            call()
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
