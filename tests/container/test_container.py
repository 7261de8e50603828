"""The container: the image that Containerfile describes, built without a registry, and run.

Twice: by buildah (chroot isolation, which needs neither cgroups nor a daemon), and
from a root folder assembled here out of the Containerfile's own lines. Where
buildah cannot build at all, its half is skipped with its own words as the reason
and the other half stands for both.
"""
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from lib import pixie, rawhttp, tftp
from lib.fixtures import MAC, Site
from lib.netns import Lan

USER = 65532
ENV = {"TFTP": ":6969", "HTTP": ":8080", "SCRIPTS": "/scripts", "TFTP_SINGLE_PORT": "1",
       "STATE": "/var/lib/pixie/.pixie.db"}


def instructions():
    """[(word, rest)] of the Containerfile."""
    with open(os.path.join(pixie.ROOT, "Containerfile")) as f:
        text = re.sub(r"\\\n", " ", f.read())
    lines = [line.strip() for line in text.splitlines()]
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What is sent to the builder: the files the Containerfile names, the tested binary."""
    folder = tmp_path_factory.mktemp("context")
    os.makedirs(folder / "build")
    for name in ("Containerfile", ".containerignore"):
        shutil.copy(os.path.join(pixie.ROOT, name), folder)
    shutil.copy(pixie.binary(), folder / "build" / "pixie")
    return folder


class Buildah:
    """buildah with a store of its own, so that nothing of the machine's is touched."""

    def __init__(self, folder):
        self.command = ["buildah", "--root", str(folder / "store"), "--runroot",
                        str(folder / "run"), "--storage-driver", "vfs"]

    def __call__(self, *args, cwd=None, check=True):
        return subprocess.run([*self.command, *map(str, args)], cwd=cwd, check=check, timeout=100,
                              capture_output=True, text=True)

    def build(self, folder, tag):
        return self("bud", "--isolation", "chroot", "--pull-never", "-f", "Containerfile",
                    "-t", tag, ".", cwd=folder, check=False)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory):
    assert shutil.which("buildah"), "buildah is not installed: tools/deps.sh test"
    tool = Buildah(tmp_path_factory.mktemp("buildah"))
    probe = tmp_path_factory.mktemp("probe")
    (probe / "file").write_text("x")
    (probe / "Containerfile").write_text("FROM scratch\nCOPY file /\n")
    done = tool.build(probe, "probe")
    if done.returncode != 0:
        pytest.skip("BUILDAH CANNOT BUILD HERE, only the assembled root is tested: "
                    + done.stderr.strip()[-500:])
    yield tool
    tool("rm", "-a", check=False)
    tool("rmi", "-a", "-f", check=False)


# -- the image ---------------------------------------------------------------------------

def test_image_is_built_from_scratch_without_a_registry(buildah, context):
    done = buildah.build(context, "pixie")
    assert done.returncode == 0, done.stderr
    image = json.loads(buildah("inspect", "--type", "image", "pixie").stdout)["OCIv1"]["config"]
    assert image["Cmd"] == ["/pixie"] and "Entrypoint" not in image
    assert dict(e.split("=", 1) for e in image["Env"] if not e.startswith("PATH=")) == ENV
    assert set(image["ExposedPorts"]) == {"6969/udp", "8080/tcp"}
    assert set(image["Volumes"]) == {"/scripts", "/var/lib/pixie"}


def test_image_holds_the_binary_and_nothing_else(buildah, context):
    assert buildah.build(context, "pixie").returncode == 0
    container = buildah("from", "--pull-never", "pixie").stdout.strip()
    root = buildah("mount", container).stdout.strip()
    files = [os.path.join(d, n) for d, _, names in os.walk(root) for n in names]
    assert files == [os.path.join(root, "pixie")]
    assert os.stat(files[0]).st_mode & 0o777 == 0o755
    with open(files[0], "rb") as a, open(pixie.binary(), "rb") as b:
        assert a.read() == b.read()


def test_the_binary_needs_no_library(context):
    """Else it would not start in an empty root."""
    done = subprocess.run(["ldd", pixie.binary()], capture_output=True, text=True)
    assert "not a dynamic executable" in done.stdout + done.stderr


def test_lines_are_the_originals_in_meaning():
    """Ports, folder, no entry point: who ran the original's image changes the name only."""
    words = instructions()
    assert words[0] == ("FROM", "scratch")
    assert {rest for word, rest in words if word == "EXPOSE"} == {"6969/udp", "8080/tcp"}
    assert [rest for word, rest in words if word == "VOLUME"] == ["/scripts", "/var/lib/pixie"]
    assert [rest for word, rest in words if word == "CMD"] == ['["/pixie"]']
    assert [word for word, _ in words if word in ("ENTRYPOINT", "RUN", "ADD", "USER")] == []


# -- running it ----------------------------------------------------------------------------

SCRIPTS, STATES = "/scripts", "/var/lib/pixie"  # its two volumes


def descendants(pid):
    found = []
    with contextlib.suppress(FileNotFoundError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in f.read().split():
                    found += [int(child), *descendants(int(child))]
    return found


def name_of(pid):
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


class Container:
    """A running one: the process that started it, and pixie within."""

    def __init__(self, process, log):
        self.process, self.log = process, log

    def pixie(self):
        """The pid of the server itself."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            if name_of(pid) == "pixie":
                return pid
        return None

    def wait_serving(self, lan):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(ConnectionError):
                if rawhttp.get(lan.client, Lan.SERVER, "/chain.ipxe", port=8080).status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"no server in the container: {self.read_log()}")

    def read_log(self):
        with open(self.log) as f:
            return f.read()

    def stop(self):
        pid = self.pixie()
        assert pid, f"pixie is gone: {self.read_log()}"
        os.kill(pid, signal.SIGTERM)
        assert self.process.wait(30) == 0, self.read_log()

    def kill(self):
        for pid in [*descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def assemble(context, root, volumes):
    """The same root folder, by hand: COPY and VOLUME; returns environment and command."""
    env, command = {}, None
    for word, rest in instructions():
        if word == "COPY":
            *sources, target = [w for w in shlex.split(rest) if not w.startswith("--")]
            for source in sources:
                shutil.copy(context / source, str(root) + target)
                os.chmod(str(root) + os.path.join(target, os.path.basename(source)), 0o755)
        elif word == "ENV":
            name, value = rest.split("=", 1)
            env[name] = value
        elif word == "VOLUME":
            shutil.copytree(volumes[rest], str(root) + rest)
            os.chown(str(root) + rest, *([USER] * 2 if rest == STATES else [0, 0]))
        elif word == "CMD":
            command = json.loads(rest)
    return env, command


def buildah_starter(tool, context, volumes):
    """The image's own command, by buildah."""
    assert tool.build(context, "pixie").returncode == 0
    image = json.loads(tool("inspect", "--type", "image", "pixie").stdout)
    name = tool("from", "--pull-never", "pixie").stdout.strip()
    given = []
    for where, folder in volumes.items():
        # Under chroot isolation buildah 1.28 mounts the image's empty volume over the
        # folder given by -v.
        tool("config", "--volume", f"{where}-", name)
        given += ["-v", f"{folder}:{where}" + (":ro" if where == SCRIPTS else "")]

    def start(lan, err):
        return lan.server.popen(
            [*tool.command, "run", "--isolation", "chroot", "--user", str(USER), *given, name, "--",
             *image["OCIv1"]["config"]["Cmd"]], stdin=subprocess.DEVNULL, stderr=err)
    return start


def assembled_starter(root, context, volumes):
    """The same in a root folder of ours; what is in the scripts' is root's."""
    root.mkdir(mode=0o755)
    env, command = assemble(context, root, volumes)

    def enter():
        os.chroot(root)
        os.chdir("/")
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)

    def start(lan, err):
        return lan.server.popen(command, before_exec=enter, env=env, stdin=subprocess.DEVNULL,
                                stderr=err)
    return start


@pytest.fixture(params=["buildah", "assembled"])
def run(request, lan, context, tmp_path):
    """run(scripts): the image as a user without rights, scripts mounted read-only; again it is
    the same container, with the database it has."""
    log, states = tmp_path / "log", tmp_path / "states"
    states.mkdir(mode=0o700)
    os.chown(states, USER, USER)
    starters = {}

    @contextlib.contextmanager
    def running(scripts):
        if not starters:
            volumes = {SCRIPTS: scripts, STATES: str(states)}
            starters[0] = (buildah_starter(request.getfixturevalue("buildah"), context, volumes)
                           if request.param == "buildah"
                           else assembled_starter(tmp_path / "root", context, volumes))
        with open(log, "ab") as err:
            container = Container(starters[0](lan, err), log)
        try:
            container.wait_serving(lan)
            yield container
            container.stop()
        finally:
            container.kill()
    return running


@pytest.fixture
def container(run, site):
    with run(site.scripts) as started:
        yield started


def test_container_serves_as_a_user_without_rights(lan, container, site):
    with open(f"/proc/{container.pixie()}/status") as f:
        status = f.read()
    assert re.search(rf"^Uid:\t{USER}\t{USER}", status, re.M)
    assert re.search(r"^CapEff:\t0+$", status, re.M)
    script = site.read(f"scripts/{MAC}.ipxe")
    assert rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{MAC}.ipxe", port=8080).body == script
    assert tftp.get(lan.client, Lan.SERVER, f"ipxe/{MAC}.ipxe", port=6969) == script


def test_container_sends_tftp_from_its_one_port(lan, container):
    """Only that one is published."""
    with tftp.Conversation(lan.client, Lan.SERVER, 6969) as talk:
        talk.rrq("snponly.efi", tsize=0, blksize=1468, windowsize=4)
        size = int(talk.oack()["tsize"])
        assert talk.peer[1] == 6969
        talk.error(8)
    for name in ("snponly.efi", "undionly.kpxe"):
        over_tftp = tftp.get(lan.client, Lan.SERVER, name, port=6969, blksize=1468, windowsize=4)
        assert over_tftp == rawhttp.get(lan.client, Lan.SERVER, f"/{name}", port=8080).body
        assert name != "snponly.efi" or len(over_tftp) == size


def test_container_logs_to_its_standard_error(lan, container):
    rawhttp.get(lan.client, Lan.SERVER, "/extra/nowhere", port=8080)
    deadline = time.monotonic() + 10
    while "/extra/nowhere" not in container.read_log() and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = [x for x in container.read_log().splitlines() if "/extra/nowhere" in x]
    assert len(lines) == 1 and pixie.LINE.fullmatch(lines[0]), lines


def test_states_are_kept_whatever_lies_beside_the_scripts(lan, run):
    """A pixie that root started left its database there, which this user cannot read."""
    folders = Site()
    folders.write(f"scripts/{MAC}.ipxe", "#!ipxe\n# pixie: once\necho installs\n")
    folders.write("scripts/.pixie.db", b"somebody else's")
    os.chmod(folders.path("scripts", ".pixie.db"), 0o600)

    def script():
        return rawhttp.get(lan.client, Lan.SERVER, f"/ipxe/{MAC}.ipxe", port=8080).text

    with run(folders.scripts):
        assert "echo installs" in script()
    with run(folders.scripts) as second:
        assert "echo installs" not in script() and "sanboot" in script()
    log = second.read_log()
    folders.close()
    assert "store-open file=/var/lib/pixie/.pixie.db" in log and "store-unread" not in log
