"""The server under test, as a child process.

Every life of a server ends in `stop()`, and that is a test too: SIGTERM, exit
status 0, nothing from a sanitizer in the log.
"""
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READY_SECONDS = 60
STOP_SECONDS = 60

LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>ERROR|WARNING|INFO|DEBUG) "
    r"(?P<who>\S+) (?P<event>[a-z0-9][a-z0-9-]*)(?P<rest>( [a-z0-9_-]+=(\"([^\"\\]|\\.)*\"|[^ \"]+))*)$")
PAIR = re.compile(r" ([a-z0-9_-]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^ \"]+))")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def binary():
    path = os.environ.get("PIXIE") or os.path.join(ROOT, "build", "pixie")
    path = os.path.abspath(path)
    if not os.access(path, os.X_OK):
        raise AssertionError(f"no server to test at {path}: build it, or set PIXIE")
    return path


def built(name):
    """A program that is built along with the server: tests/tools/badwire, bench/tftp_load."""
    places = [os.path.join(os.path.dirname(binary()), name), os.path.join(ROOT, "build", name)]
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise AssertionError(f"no {name} in {places}: build it")


def sanitized():
    with open(binary(), "rb") as f:
        program = f.read()
        return b"__asan_init" in program or b"__tsan_init" in program


def environment(extra=None):
    env = {"PATH": os.environ["PATH"],
           "ASAN_OPTIONS": "detect_stack_use_after_return=1:quarantine_size_mb=4:exitcode=99",
           "UBSAN_OPTIONS": "print_stacktrace=1",
           # Or a packet received would count as waiting for all that were sent before.
           "TSAN_OPTIONS": "io_sync=0"}
    if os.environ.get("PIXIE_WORKERS"):  # how many threads, where a test does not say
        env["WORKERS"] = os.environ["PIXIE_WORKERS"]
    env.update(extra or {})
    return env


class Event:
    """One line of the log, taken apart."""

    def __init__(self, match):
        self.line = match.group(0)
        self.level, self.who, self.event = match["level"], match["who"], match["event"]
        self.values = {m[1]: m[2] if m[2] is not None else m[3]
                       for m in PAIR.finditer(match["rest"])}

    def __repr__(self):
        return self.line


class Pixie:
    """Started in `ns` and serving when the constructor returns (sd_notify tells).

    env: a dictionary, or a function from the log's descriptor to one.
    uid: run as this user. pass_sockets: socket activation, sd_listen_fds(3).
    With ready=False the constructor does not wait: for servers that are expected
    not to start.
    """

    living = set()  # those not ended yet

    def __init__(self, ns, *args, env=None, uid=None, pass_sockets=(), ready=True, cwd=None,
                 before_exec=None):
        self.ns, self.args = ns, [str(a) for a in args]
        self.folder = tempfile.TemporaryDirectory(prefix="pixie-")
        os.chmod(self.folder.name, 0o777)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify_path = os.path.join(self.folder.name, "notify")
        self.control = os.path.join(self.folder.name, "control.sock")
        self.notify.bind(notify_path)
        os.chmod(notify_path, 0o777)
        self.notified = []
        self.out = open(os.path.join(self.folder.name, "out"), "w+b")
        self.err = open(os.path.join(self.folder.name, "err"), "w+b")
        env = dict(env(self.err.fileno()) if callable(env) else env or {})
        argv = [binary(), *self.args]
        if pass_sockets:  # LISTEN_PID is the pid of who execs, known only to the child
            env["LISTEN_FDS"] = str(len(pass_sockets))
            argv = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *argv]

        def child():
            if pass_sockets:
                self._hand_over(pass_sockets)
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            if before_exec:
                before_exec()

        self.process = ns.popen(
            argv, before_exec=child, env=environment(
                {"NOTIFY_SOCKET": notify_path, "CONTROL": self.control, **env}),
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, cwd=cwd,
            close_fds=not pass_sockets)
        self.ended = False
        self.living.add(self)
        if ready:
            self.wait_ready()

    @staticmethod
    def _hand_over(sockets):
        """Descriptors 3, 4, …; the rest of ours is close-on-exec."""
        high = [os.dup2(s.fileno(), 100 + i, inheritable=False) for i, s in enumerate(sockets)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)

    @property
    def pid(self):
        return self.process.pid

    # -- its life ---------------------------------------------------------

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        self.notify.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                self.notified.append(self.notify.recv(4096).decode())
            except TimeoutError:
                if self.process.poll() is not None:
                    break
                continue
            if "READY=1" in self.notified[-1].split("\n"):
                return
        log, status = self.log(), self.process.poll()
        self.kill()
        raise AssertionError(f"pixie {self.args} did not become ready (status {status}):\n{log}")

    def wait(self, timeout=STOP_SECONDS):
        """Waits for it to end by itself; returns the exit status."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            log = self.log()
            self.kill()
            raise AssertionError(f"pixie {self.args} still runs after {timeout} s:\n{log}") from None

    def stop(self, number=signal.SIGTERM):
        """Ends it as systemd would, and checks what it leaves."""
        if self.ended:
            return
        died = self.process.poll()
        if died is None:
            self.process.send_signal(number)
        status = self.wait()
        log = self.log()
        self._close()
        assert not SANITIZER.search(log), f"a sanitizer complains:\n{log[-6000:]}"
        assert died is None, f"the server had died with status {died}:\n{log[-4000:]}"
        assert status == 0, f"exit status {status} after {number.name}:\n{log[-4000:]}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self):
        if not self.ended:
            self.ended = True
            self.living.discard(self)
            self.notify.close()
            self.out.close()
            self.err.close()
            self.folder.cleanup()

    def alive(self):
        return self.process.poll() is None

    # -- what it says -----------------------------------------------------

    def _read(self, f):
        return os.pread(f.fileno(), 1 << 26, 0).decode("utf-8", "backslashreplace")

    def log(self):
        return self._read(self.err)

    def output(self):
        return self._read(self.out)

    def events(self):
        """The log's whole lines; one that has not the log's form is an error."""
        found = []
        for line in self.log().rpartition("\n")[0].splitlines():
            match = LINE.fullmatch(line)
            assert match, f"not a log line: {line!r}"
            found.append(Event(match))
        return found

    def logged(self, *words, level=None, timeout=60):
        """The first event that holds all the words; waits for it, else fails."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events():
                if all(w in event.line for w in words) and level in (None, event.level):
                    return event
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"nothing logged with {words} at {level or 'any level'}:\n{self.log()[-4000:]}")
            time.sleep(0.02)

    # -- what it holds ----------------------------------------------------

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def descriptors_left(self, wanted, seconds=60):
        """How many it has once they are as few as `wanted`, or after so long."""
        deadline = time.monotonic() + seconds
        while self.descriptors() > wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.descriptors()

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def holds(self):
        return self.descriptors(), self.resident_kib()

    @staticmethod
    def at_rest(look, still=4, seconds=20):
        """What look() gives once that is the same for `still` seconds: transfers linger for some."""
        last, since = look(), time.monotonic()
        end = since + seconds
        while time.monotonic() < min(end, since + still):
            time.sleep(0.2)
            if (now := look()) != last:
                last, since = now, time.monotonic()
        return last


def command(*args, env=None, timeout=60, cwd=None):
    """Runs pixie to its end (--help, roms, mistakes); returns it with .stdout and .stderr."""
    done = subprocess.run([binary(), *map(str, args)], env=environment(env), timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done
