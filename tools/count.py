#!/usr/bin/python3
"""count.py RESULTS STAGE=STATUS...: sums what the harnesses wrote down.

Each stage leaves RESULTS/STAGE/*.xml (JUnit). The last line printed is the sum,
"N passed, N failed[, N skipped]"; the exit status is 1 when anything failed.
A stage counts as one failure more when its files do not account for how it
ended: no file, no test, an unreadable file, or a bad status without a failure.
"""
import glob
import re
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    for child, name in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if case.find(child) is not None:
            return name
    return "passed"


def crashes(root):
    """Programs that died between two tests. meson writes no failed case for
    those, only a suite whose last words are its exit status."""
    died = 0
    for suite in root.iter("testsuite"):
        words = suite.findtext("system-err") or ""
        failed = any(outcome(case) == "failed" for case in suite.iter("testcase"))
        died += "test program exited with status code" in words and not failed
    return died


FORBIDDEN = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(path):
    """meson copies a program's output as it is, bytes that XML forbids included."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return ElementTree.fromstring(FORBIDDEN.sub("?", file.read()))


def count_file(path):
    root = read(path)
    cases = list(root.iter("testcase"))
    tally = {"passed": 0, "failed": 0, "skipped": 0}
    for case in cases:
        tally[outcome(case)] += 1
    failed = [name_of(case) for case in cases if outcome(case) == "failed"]
    died = crashes(root)
    tally["failed"] += died
    return tally, failed + ["%d program(s) that crashed" % died] * bool(died)


def name_of(case):
    return "%s: %s" % (case.get("classname") or "", case.get("name"))


def count_stage(results, stage, status):
    tally, failed = {"passed": 0, "failed": 0, "skipped": 0}, []
    for path in sorted(glob.glob("%s/%s/*.xml" % (results, stage))):
        try:
            file_tally, names = count_file(path)
        except ElementTree.ParseError as error:
            file_tally, names = {"failed": 1}, ["%s: %s" % (path, error)]
        failed += names
        for key, value in file_tally.items():
            tally[key] += value
    if tally["failed"] == 0 and (status != 0 or tally["passed"] + tally["skipped"] == 0):
        tally["failed"] = 1
        failed.append("the stage itself: exit status %d, %d results" % (status, sum(tally.values()) - 1))
    return tally, failed


def line(tally):
    skipped = ", %(skipped)d skipped" if tally["skipped"] else ""
    return ("%(passed)d passed, %(failed)d failed" + skipped) % tally


def main(results, *stages):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for name, status in (stage.split("=") for stage in stages):
        tally, failed = count_stage(results, name, int(status))
        print("%-10s %s" % (name, line(tally)))
        for test in failed:
            print("           FAILED %s" % test)
        for key, value in tally.items():
            total[key] += value
    print(line(total))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
