"""Chromium in a namespace, driven through Playwright (driver.mjs).

page.locator("#x").click() here is the same there: calls are gathered until one that
acts, and sent as one line. Names are Playwright's own.
"""
import json
import os
import select
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ANSWER_SECONDS = 60

# Calls that only say which element is meant.
LEADS_ON = {"locator", "getByRole", "getByText", "getByLabel", "first", "last", "nth", "filter",
            "keyboard", "mouse"}


class BrowserError(AssertionError):
    pass


class Browser:
    def __init__(self, ns, **environment):
        self.process = ns.popen(["node", "driver.mjs"], cwd=HERE, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True, bufsize=1,
                                env={**os.environ, **environment})
        self.asked = 0
        self.version = self._read()["ready"]

    def _read(self):
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise BrowserError(f"the browser says nothing for {ANSWER_SECONDS} s")
        line = self.process.stdout.readline()
        if not line:
            raise BrowserError(f"the browser's driver ended: {self.process.wait()}")
        return json.loads(line)

    def ask(self, on, steps):
        self.asked += 1
        self.process.stdin.write(json.dumps({"n": self.asked, "on": on, "steps": steps}) + "\n")
        answer = self._read()
        assert answer["n"] == self.asked, answer
        if "error" in answer:
            raise BrowserError(f"{steps}: {answer['error']}")
        return answer["value"]

    def open(self, **options):
        return Page(self, self.ask("browser", [["open", options]]))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Path:
    """An element, or another part of a page, by the calls that lead to it."""

    def __init__(self, page, steps):
        self._page, self._steps = page, steps

    def __getattr__(self, name):
        def call(*args):
            steps = self._steps + [[name, *args]]
            return Path(self._page, steps) if name in LEADS_ON else self._page._run(steps)
        return Path(self._page, self._steps + [[name]]) if name in ("keyboard", "mouse") else call


class Page(Path):
    def __init__(self, browser, number):
        super().__init__(self, [])
        self._browser, self._number = browser, number

    def _run(self, steps):
        return self._browser.ask(self._number, steps)

    def wait(self, condition, *args):
        """Until a JavaScript function is true in the page."""
        return self.waitForFunction(condition, *args)

    def text(self, selector):
        return self.locator(selector).innerText()

    def wait_text(self, selector, part):
        """Until an element that `selector` finds holds `part`; says what it held if never."""
        try:
            self.locator(selector).filter({"hasText": part}).first().waitFor()
        except BrowserError:
            held = self.locator(selector).allInnerTexts()
            raise AssertionError(f"{selector} never said {part!r} but {held!r}") from None

    def axe(self):
        return self._browser.ask("browser", [["axe", self._number]])

    def problems(self):
        """What the page complained of since last asked: errors, and all that its policy forbids."""
        return self._browser.ask("browser", [["problems", self._number]])

    def close(self):
        self._browser.ask("browser", [["close", self._number]])
