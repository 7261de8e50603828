"""What the documents promise to be complete: the log's events, links, options."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATING = ROOT / "doc/operating.md"
PAGES = [ROOT / name for name in ("README.md", "HACKING.md", "CHANGELOG.md")] + \
    sorted((ROOT / "doc").glob("*.md"))
# What writes a line, or is told the name of one that may be written.
WRITERS = r"\b(?:log_(?:error|warning|info|event|line|end)|LOG_AT|quota_(?:level|end)|announce)\("
NAME = r'"([a-z]+(?:-[a-z]+)*)"'


def events():
    """The name of every line of the log but DEBUG's, as the sources have them."""
    found = set()
    for path in (ROOT / "src").rglob("*.c"):
        text = path.read_text()
        for call in re.finditer(WRITERS, text):
            head = re.split(r"\b(?:STR|MEM|NUM|PEER)\(|[;{]", text[call.end():])[0]
            found |= set(re.findall(NAME, head))
        found |= set(re.findall(r'#define FLOOD "([a-z-]+)"', text))
    access = (ROOT / "src/http/access.c").read_text()
    found |= set(re.findall(NAME, access[access.index("event_of("):].split("\n}\n")[0]))
    return found - {"tftp-request", "tftp-rollover", "drop"}


def described():
    """The names in the tables of events."""
    text = OPERATING.read_text()
    rows = text[text.index("### Warnings and errors"):text.index("## The database")]
    cells = [row.split("|")[1] for row in rows.splitlines() if row.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)}


def test_every_event_of_the_log_is_described():
    found = events()
    assert {"verdict", "http-aborted", "script-flood", "tftp-listening", "dhcp-ack",
            "store-unread", "stopped"} <= found
    assert found - described() == set(), "not in doc/operating.md"
    assert described() - found == set(), "in doc/operating.md and nowhere in src"


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        name, _, mark = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), f"{page.name}: {target}"
        if mark:
            headings = re.findall(r"^#+ (.*)", there.read_text(), re.M)
            assert mark in {anchor(h) for h in headings}, f"{page.name}: {target}"


def test_the_readme_names_every_option():
    table = (ROOT / "src/conf/conf.def").read_text()
    readme = (ROOT / "README.md").read_text()
    options = re.findall(r"OPT\(\w+, \w+, ('\w'|0), \"([\w-]+)\"", table)
    assert len(options) >= 20
    missing = [name for letter, name in options
               if f"--{name}" not in readme and f"`-{letter.strip(chr(39))}" not in readme]
    assert missing == []
