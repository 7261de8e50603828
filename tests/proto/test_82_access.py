"""Who may read and who may change: token, Unix socket, other sites, other names."""
import os
import socket
import stat
import subprocess

import pytest

from lib import pixie, rawhttp, tftp
from lib.api import CHANGED, Api, Control
from lib.fixtures import MAC
from lib.netns import Lan

USAGE, NO_INPUT, UNAVAILABLE, CANNOT_CREATE, NO_PERMISSION, CONFIG = 64, 66, 69, 73, 77, 78
NOBODY = 65534
STATE = f"/api/v1/machines/{MAC}/state"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    return str(tmp_path_factory.mktemp("token") / "admin")


@pytest.fixture(scope="module")
def guarded(lan, site, token_file):
    """A server with a token that it made itself."""
    process = pixie.Pixie(lan.server, *site.options(), "-v", "DEBUG", "--admin-token", token_file,
                          "--host-name", "boot.test,other.test")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def token(guarded, token_file):
    with open(token_file) as f:
        return f.read().strip()


def state_of(lan, machine=MAC):
    status, value = Api(lan).ask("GET", f"/api/v1/machines/{machine}")
    return value["state"] if status == 200 else None


# -- the token ----------------------------------------------------------------

def test_the_token_is_made_once_and_printed_once(guarded, token, token_file):
    assert stat.S_IMODE(os.stat(token_file).st_mode) == 0o600
    assert len(token) == 64 and guarded.output().count(token) == 1
    assert token not in guarded.log()


def test_a_token_that_is_there_is_not_printed(lan, site, token_file, token, start, tmp_path):
    process = start("--admin-token", token_file, "-t", ":1069", "-u", ":1080")
    assert process.output() == "" and token not in process.log()


def test_without_the_token_nothing_changes(lan, guarded, token):
    for wrong in (None, "x", token[:-1], token + "0", token.upper() + "x"):
        status, value = Api(lan, token=wrong).set(MAC, "local")
        assert status == 401 and "Bearer" in value["error"]
    answer = Api(lan).raw("PUT", STATE, body={"state": "local"})
    assert answer["www-authenticate"] == "Bearer"
    assert state_of(lan) is None


def test_with_the_token_it_does(lan, guarded, token):
    status, value = Api(lan, token=token).set(MAC, "local")
    assert status in CHANGED and (value["state"], value["state_by"]) == ("local", "api")
    assert state_of(lan) == "local"
    assert Api(lan, token=token).ask("DELETE", f"/api/v1/machines/{MAC}")[0] in CHANGED
    assert state_of(lan) is None


def test_guessing_is_slowed(lan, start, token_file, token):
    process = start("--admin-token", token_file, "--state", "none", "-t", ":1069", "-u", ":1080")
    api = Api(lan, token="0" * 64, port=1080)
    found = [api.set(MAC, "local")[0] for _ in range(40)]
    assert 401 in found and 429 in found and found.index(429) >= 10
    assert found.count(401) < 30  # ten, and one a second
    assert Api(lan, control=process.control).set(MAC, "local")[0] in CHANGED
    process.logged("api-refused", "peer=", level="WARNING")


def test_strangers_do_not_fill_the_log(lan, start, token_file):
    process = start("--admin-token", token_file, "-t", ":1069", "-u", ":1080")
    with Api(lan, port=1080).connect() as c:
        for _ in range(900):
            c.ask(STATE, "Content-Length: 0", method="PUT", host=Lan.SERVER)
            assert c.answer("PUT").status == 401
    lines = [e for e in process.events() if e.event == "api-refused" and e.level == "WARNING"]
    assert 400 < len(lines) < 880
    process.process.terminate()
    process.wait()
    process.logged("api-flood", level="WARNING")
    process.kill()


BAD_TOKENS = [
    ("", CONFIG, "at least"), ("short", CONFIG, "at least"), ("x" * 300, CONFIG, "longer"),
    ("two words are not one token", CONFIG, "one word"), ("\x00" * 40, CONFIG, "one word"),
]


@pytest.mark.parametrize("text,status,words", BAD_TOKENS, ids=lambda v: repr(v)[:12])
def test_bad_tokens(lan, site, tmp_path, text, status, words):
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080",
                          "--admin-token", path, ready=False)
    assert process.wait() == status and words in process.log()
    assert [line[:7] for line in process.log().splitlines()].count("pixie: ") == 1
    process.kill()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_rights_of_the_token_are_checked(lan, site, tmp_path, mode):
    path = tmp_path / "token"
    path.write_text("0" * 64)
    path.chmod(mode)
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080",
                          "--admin-token", path, ready=False)
    assert process.wait() == NO_PERMISSION
    assert "chmod 600" in process.log()
    process.kill()


def test_no_token_means_no_changes_over_tcp(lan, start):
    start("-t", ":1069", "-u", ":1080")
    api = Api(lan, token="0" * 64, port=1080)
    status, value = api.set(MAC, "local")
    assert status == 403 and "--admin-token" in value["error"]
    assert api.get("/api/v1/version")["changes"] == "socket"


# -- the Unix socket ----------------------------------------------------------

def test_the_socket_needs_no_token(lan, guarded):
    api = Api(lan, control=guarded.control)
    status, value = api.set(MAC, "once")
    assert status in CHANGED and (value["state"], value["state_by"]) == ("once", "socket")
    assert api.ask("DELETE", f"/api/v1/machines/{MAC}")[0] in CHANGED


def test_the_socket_has_file_rights(guarded):
    assert stat.S_IMODE(os.stat(guarded.control).st_mode) == 0o660

    def as_nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    code = f"import socket; socket.socket(socket.AF_UNIX).connect({guarded.control!r})"
    done = subprocess.run(["/usr/bin/python3", "-c", code], preexec_fn=as_nobody,
                          capture_output=True, text=True)
    assert done.returncode != 0 and "PermissionError" in done.stderr


def test_the_socket_goes_with_the_server(lan, site):
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080")
    path = process.control
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    process.process.terminate()
    process.wait()
    assert not os.path.exists(path)
    process.kill()


def test_a_socket_left_behind_is_replaced(start, tmp_path):
    path = str(tmp_path / "c")
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
    start("-t", ":1069", "-u", ":1080", "--control", path)
    with Control(path) as c:
        assert c.get("/api/v1/version").status == 200


@pytest.mark.parametrize("what", ["server", "file", "folder"])
def test_a_socket_that_cannot_be(lan, site, guarded, tmp_path, what):
    path = {"server": guarded.control, "file": str(tmp_path / "f"),
            "folder": str(tmp_path / "no" / "c")}[what]
    if what == "file":
        (tmp_path / "f").write_text("precious")
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080",
                          "--control", path, ready=False)
    assert process.wait() == (UNAVAILABLE if what == "server" else CANNOT_CREATE)
    assert path in process.log()
    process.kill()
    if what == "file":
        assert (tmp_path / "f").read_text() == "precious"


def test_a_user_without_a_place_for_the_socket_is_told(lan, site):
    """As in a container that runs pixie as some user: there is no $XDG_RUNTIME_DIR."""
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080",
                          uid=65534, env={"CONTROL": ""})
    process.logged("control-missing", "XDG_RUNTIME_DIR", level="WARNING")
    process.stop()


def test_an_unasked_socket_that_cannot_be_is_only_said(lan, site, tmp_path):
    process = pixie.Pixie(lan.server, *site.options(), "-t", ":1069", "-u", ":1080",
                          env={"CONTROL": "", "RUNTIME_DIRECTORY": str(tmp_path / "no")})
    process.logged("control-missing", "--control", level="WARNING")
    process.stop()


def test_no_socket_at_all(start):
    process = start("-t", ":1069", "-u", ":1080", "--control", "none")
    assert not os.path.exists(process.control)


# -- browsers -----------------------------------------------------------------

OTHERS = [
    ["Origin: http://evil.test"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"],
    ["Sec-Fetch-Site: same-site"], ["Origin: http://evil.test", "Sec-Fetch-Site: same-origin"],
    [f"Origin: http://{Lan.SERVER}:8080"],
]


@pytest.mark.parametrize("fields", OTHERS, ids=str)
def test_pages_of_other_sites_get_nowhere(lan, guarded, token, fields):
    api = Api(lan, token=token)
    assert api.ask("PUT", STATE, *fields, body={"state": "local"})[0] == 403
    assert api.ask("DELETE", f"/api/v1/machines/{MAC}", *fields)[0] == 403
    assert api.ask("GET", "/api/v1/machines", *fields)[0] == 403
    assert api.raw("GET", "/api/v1/events", *fields).status == 403
    assert state_of(lan) is None


def test_our_own_page_gets_in(lan, guarded, token):
    api = Api(lan, token=token)
    for host in (Lan.SERVER, f"{Lan.SERVER}:80", "boot.test", "OTHER.test:80", "localhost"):
        fields = [f"Origin: http://{host}", "Sec-Fetch-Site: same-origin"]
        assert api.ask("PUT", STATE, *fields, body={"state": "local"}, host=host)[0] in CHANGED
    assert api.ask("DELETE", f"/api/v1/machines/{MAC}")[0] in CHANGED


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=application/json"])
def test_what_a_form_can_send_is_no_change(lan, guarded, token, kind):
    status, _ = Api(lan, token=token).ask("PUT", STATE, body={"state": "local"}, kind=kind)
    assert status == 415 and state_of(lan) is None


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PATCH"])
def test_no_other_method_and_no_leave_for_other_sites(lan, guarded, token, method):
    answer = Api(lan, token=token).raw(method, STATE, "Access-Control-Request-Method: PUT")
    assert answer.status in (403, 405)
    assert not answer.has("access-control-allow-origin")


@pytest.mark.parametrize("host", ["evil.test", f"{Lan.SERVER}.evil.test", "0.0.0.0", "[::]",
                                  "localhost.evil.test", "boot.test.evil.test"])
def test_names_that_were_made_to_point_here(lan, guarded, token, host):
    api = Api(lan, token=token)
    fields = [f"Origin: http://{host}", "Sec-Fetch-Site: same-origin"]
    assert api.ask("PUT", STATE, *fields, body={"state": "local"}, host=host)[0] == 403
    assert api.ask("GET", "/api/v1/machines", host=host)[0] == 403
    assert api.raw("GET", "/api/v1/events", host=host).status == 403
    with rawhttp.Connection(lan.client, Lan.SERVER) as c:
        page = c.get("/", "Accept: text/html", "User-Agent: Mozilla/5.0", host=host)
        assert page.status == 403 and "--host-name" in page.text
    assert state_of(lan) is None


def test_boot_files_are_there_under_any_name(lan, guarded):
    for host in ("evil.test", "whatever", Lan.SERVER):
        for path in (f"/ipxe/{MAC}.ipxe", "/chain.ipxe", "/extra/small.bin", "/metrics"):
            with rawhttp.Connection(lan.client, Lan.SERVER) as c:
                assert c.get(path, host=host).status == 200, (path, host)


@pytest.mark.parametrize("name", ["a.html", "b.SVG", "c.xml", "index/index.html"])
def test_documents_of_others_have_an_origin_of_their_own(lan, site, guarded, name):
    """Else a script in one could take the token out of the page's storage."""
    site.write(f"extra/sandbox/{name}", b"<p>my page")
    http = rawhttp.Connection(lan.client, Lan.SERVER)
    policy = http.get(f"/extra/sandbox/{name.removesuffix('index.html')}")["content-security-policy"]
    assert policy.split()[0] == "sandbox" and "allow-same-origin" not in policy
    other = http.get("/extra/small.bin").fields
    assert "content-security-policy" not in [field for field, _ in other]
    http.close()


@pytest.mark.parametrize("where", ["scripts/token", "extra/sub/token", "roms/token", "scripts/link"])
def test_the_token_is_not_served(lan, own_site, where):
    """In a directory that is served, everybody could read it: pixie does not start."""
    own_site.write("extra/sub/x")
    path = own_site.path(where)
    if where.endswith("link"):
        os.symlink(own_site.path("extra"), path)
        path += "/token"
    process = pixie.Pixie(lan.server, *own_site.options(), "--roms", own_site.roms, "-t", ":1069",
                          "-u", ":1080", "--admin-token", path, ready=False)
    assert process.wait() == CONFIG and "served" in process.log()
    assert process.output() == ""
    process.kill()


@pytest.mark.parametrize("more", [[], ["--no-timeline"]], ids=["", "unused"])
def test_the_token_is_served_through_no_link(lan, own_site, tmp_path, more):
    path = tmp_path / "token"
    path.write_text("0" * 64)
    path.chmod(0o600)
    for folder in ("scripts", "extra"):
        os.symlink(path, own_site.path(folder, "soft.ipxe"))
        os.link(path, own_site.path(folder, "hard.ipxe"))
    process = pixie.Pixie(lan.server, *own_site.options(), "-t", ":1069", "-u", ":1080",
                          "--admin-token", path, *more)
    own_site.write("extra/small.bin", b"x")
    get = lambda name: rawhttp.get(lan.client, Lan.SERVER, "/" + name, port=1080).status
    try:
        for name in ("ipxe/soft.ipxe", "ipxe/hard.ipxe", "extra/soft.ipxe", "extra/Hard.ipxe"):
            for _ in range(3):  # what is asked for again is kept in memory
                assert get(name) == 403, name
            with pytest.raises(tftp.Refused):
                tftp.get(lan.client, Lan.SERVER, name, port=1069)
        assert get("extra/small.bin") == 200
    finally:
        process.stop()
