"""Real clients at a hub with accounts: docker, podman, skopeo and Capas log in, push, and others do not see it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from capas.hub.app import create_app
from capas.hub.hub import Hub, Options
from capas.hub.people.access import Scope
from capas.hub.people.accounts import set_active, set_password
from capas.hub.people.sessions import list_sessions
from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken, create_token, revoke_token
from support.hub import running_hub
from support.people import KEEPER, PASSWORD, person
from support.terminal import Terminal


class Place(NamedTuple):
    """A hub with alice and bob, and an image in the store of a machine."""

    address: str
    hub: Hub
    terminal: Terminal
    tmp_path: Path

    def token(self, name: str, *scopes: Scope, kind: str = PERSONAL) -> str:
        new = NewToken("alice", name, scopes or None, kind=kind)
        return create_token(self.hub.database, new, os.urandom(32).hex(), KEEPER)

    def build(self, name: str) -> str:
        context = self.tmp_path / "context"
        context.mkdir(exist_ok=True)
        (context / "hello").write_text("hello")
        (context / "Dockerfile").write_text('FROM scratch\nCOPY hello /\nCMD ["/hello"]\n')
        reference = f"{self.address}/{name}"
        self.terminal.ok("build", "-q", "-t", reference, str(context))
        return reference


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    app = create_app(tmp_path / "hub", options=Options(open=False))
    with running_hub(tmp_path / "hub", app=app) as address:
        for name in ("alice", "bob"):
            person(app.hub.database, name, password=PASSWORD)
        yield Place(address, app.hub, Terminal(tmp_path), tmp_path)


def run(*command: str, stdin: str = "", environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, env={**os.environ, **(environ or {})}
    )


def config_of(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text()))


def test_capas_logs_in_pushes_and_pulls_what_is_private(place: Place) -> None:
    capas, reference = place.terminal, place.build("alice/app:v1")
    capas.fails("push", "-q", reference)
    capas.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    capas.ok("push", "-q", reference)
    capas.ok("image", "rm", reference)
    capas.ok("pull", "-q", reference)
    capas.ok("logout", place.address)
    capas.ok("image", "rm", reference)
    capas.fails("pull", "-q", reference)


def test_capas_login_keeps_an_identity_token_in_the_place_of_the_password(place: Place) -> None:
    capas = place.terminal
    capas.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    (entry,) = config_of(place.tmp_path / "home/.docker/config.json")["auths"].values()  # type: ignore[attr-defined]
    name, _, kept = base64.b64decode(entry["auth"]).decode().partition(":")
    assert (name, kept.startswith("capas_login_"), list(entry)) == ("alice", True, ["auth"])
    (session,) = list_sessions(place.hub.database, number_of(place, "alice"), place.hub.now_ns())
    assert (session.kind, session.client) == ("client", "capas")
    capas.ok("push", "-q", place.build("alice/app:v1"))
    set_password(place.hub.database, "alice", "another password", KEEPER)
    capas.fails("push", "-q", place.build("alice/app:v2"))


def number_of(place: Place, name: str) -> int:
    from capas.hub.people.accounts import find_user

    found = find_user(place.hub.database, name)
    assert found is not None
    return found.number


def test_capas_says_kindly_that_a_login_is_wrong(place: Place) -> None:
    said = place.terminal.fails("login", "-u", "alice", "--password-stdin", place.address, stdin=b"wrong")
    assert "wrong user name or password" in said


def test_others_neither_pull_nor_push_and_are_told_what_a_missing_one_is(place: Place) -> None:
    capas, reference = place.terminal, place.build("alice/app:v1")
    capas.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    capas.ok("push", "-q", reference)
    capas.ok("login", "-u", "bob", "--password-stdin", place.address, stdin=PASSWORD.encode())
    capas.fails("push", "-q", reference)
    capas.ok("image", "rm", reference)
    private = capas.fails("pull", "-q", reference)
    missing = capas.fails("pull", "-q", f"{place.address}/alice/no1:v1")
    assert private.replace("alice/app", "X") == missing.replace("alice/no1", "X")


def test_a_robot_pushes_until_it_is_revoked(place: Place) -> None:
    capas, reference = place.terminal, place.build("alice/app:v1")
    secret = place.token("ci", Scope("alice/*", "writer"), kind=ROBOT)
    capas.ok("login", "-u", "alice+ci", "--password-stdin", place.address, stdin=secret.encode())
    capas.ok("push", "-q", reference)
    revoke_token(place.hub.database, "alice", ROBOT, "ci", KEEPER)
    capas.fails("push", "-q", place.build("alice/app:v2"))


@pytest.mark.peer("docker")
def test_docker_logs_in_without_a_daemon_and_keeps_no_password(place: Place) -> None:
    folder = place.tmp_path / "docker"
    docker = {"DOCKER_CONFIG": str(folder), "DOCKER_HOST": "unix:///nonexistent.sock"}
    place.terminal.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    reference = place.build("alice/app:v1")
    place.terminal.ok("push", "-q", reference)
    inspect = ("docker", "manifest", "inspect", "--insecure", reference)
    assert run(*inspect, environ=docker).returncode != 0
    wrong = run("docker", "login", "-u", "alice", "--password-stdin", place.address, stdin="wrong", environ=docker)
    assert wrong.returncode != 0
    done = run("docker", "login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD, environ=docker)
    assert done.returncode == 0, done.stderr
    (entry,) = config_of(folder / "config.json")["auths"].values()  # type: ignore[attr-defined]
    assert "identitytoken" in entry
    assert base64.b64decode(entry["auth"]) == b"alice:"
    assert PASSWORD not in (folder / "config.json").read_text()
    shown = run(*inspect, environ=docker)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["schemaVersion"] == 2
    set_active(place.hub.database, "alice", False, KEEPER)
    assert run(*inspect, environ=docker).returncode != 0


@pytest.mark.peer("docker")
def test_docker_logs_in_with_a_personal_token(place: Place) -> None:
    docker = {"DOCKER_CONFIG": str(place.tmp_path / "docker"), "DOCKER_HOST": "unix:///nonexistent.sock"}
    secret = place.token("laptop")
    done = run("docker", "login", "-u", "alice", "--password-stdin", place.address, stdin=secret, environ=docker)
    assert done.returncode == 0, done.stderr


@pytest.mark.peer("skopeo")
def test_skopeo_logs_in_copies_and_deletes(place: Place) -> None:
    auth = f"--authfile={place.tmp_path / 'auth.json'}"
    layout = place.tmp_path / "layout"
    place.build("alice/app:v1")
    place.terminal.ok("save", "--format", "oci", "-o", str(place.tmp_path / "app.tar"), f"{place.address}/alice/app:v1")
    source, target = f"oci-archive:{place.tmp_path / 'app.tar'}", f"docker://{place.address}/alice/copy:v1"
    copy = ("skopeo", "copy", "-q", auth, "--dest-tls-verify=false", source, target)
    assert run(*copy).returncode != 0
    login = ("skopeo", "login", auth, "--tls-verify=false", "-u", "alice", "--password-stdin", place.address)
    assert run(*login, stdin="wrong").returncode != 0
    assert run(*login, stdin=PASSWORD).returncode == 0
    done = run(*copy)
    assert done.returncode == 0, done.stderr
    back = run("skopeo", "copy", "-q", auth, "--src-tls-verify=false", target, f"oci:{layout}:v1")
    assert back.returncode == 0, back.stderr
    for login_name, right in (("bob", False), ("alice", True)):
        other = f"--creds={login_name}:{PASSWORD}"
        assert (run("skopeo", "inspect", other, "--tls-verify=false", target).returncode == 0) is right
    assert run("skopeo", "delete", auth, "--tls-verify=false", target).returncode == 0
    assert run("skopeo", "inspect", auth, "--tls-verify=false", target).returncode != 0


@pytest.mark.peer("podman")
def test_podman_logs_in_and_out(place: Place) -> None:
    auth = f"--authfile={place.tmp_path / 'auth.json'}"
    login = ("podman", "login", auth, "--tls-verify=false", "-u", "alice", "--password-stdin", place.address)
    wrong = run(*login, stdin="wrong")
    assert wrong.returncode != 0
    done = run(*login, stdin=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert run("podman", "login", auth, "--get-login", place.address).stdout.strip() == "alice"
    assert run("podman", "logout", auth, place.address).returncode == 0


def test_a_login_without_the_right_hears_whose_it_is_and_not_whether_the_name_exists(place: Place) -> None:
    capas, reference = place.terminal, place.build("alice/app:v1")
    capas.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    capas.ok("push", "-q", reference)
    bob = Terminal(place.tmp_path / "bob")
    bob.ok("login", "-u", "bob", "--password-stdin", place.address, stdin=PASSWORD.encode())
    said = [bob.fails("pull", f"{place.address}/alice/{name}:v1") for name in ("app", "abc")]
    assert f"bob is logged in at {place.address}: this account may not do that, or there is no such name" in said[0]
    assert "log in first" not in said[0] and "`capas login`" not in said[0]
    assert said[1].replace("abc", "app") == said[0]


@pytest.fixture
def at_home(place: Place) -> Iterator[dict[str, str]]:
    """The variables by which docker, podman and skopeo find the logins that Capas keeps; podman's store beside them."""
    home = Path(tempfile.mkdtemp(prefix="pod"))  # podman wants it short
    conf = place.tmp_path / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\n')
    yield {
        "HOME": str(place.terminal.root / "home"), "XDG_RUNTIME_DIR": str(home / "xdg"), "CONTAINERS_CONF": str(conf),
        "TMPDIR": str(place.tmp_path), "PODMAN": str(home), "DOCKER_HOST": "unix:///nonexistent.sock",
        "DOCKER_CONFIG": str(place.terminal.root / "home" / ".docker"),
    }  # fmt: skip
    shutil.rmtree(home)


def podman(environ: dict[str, str], *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    store = environ["PODMAN"]
    places = ("--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", "vfs")
    return run("podman", *places, *words, stdin=stdin, environ=environ)


@pytest.mark.root
@pytest.mark.peer("podman")
def test_podman_goes_on_with_the_login_of_capas(place: Place, at_home: dict[str, str]) -> None:
    reference = place.build("alice/app:v1")
    place.terminal.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    place.terminal.ok("push", "-q", reference)
    for words in (
        ("login", "--tls-verify=false", place.address),  # by what Capas kept
        ("pull", "-q", "--tls-verify=false", reference),
        ("push", "-q", "--tls-verify=false", reference, f"{place.address}/alice/app:podman"),
        ("login", "--tls-verify=false", "-u", "alice", "--password-stdin", place.address),
    ):
        done = podman(at_home, *words, stdin=PASSWORD)
        assert done.returncode == 0, (words, done.stderr)
    place.terminal.ok("pull", "-q", f"{place.address}/alice/app:podman")


@pytest.mark.peer("skopeo")
def test_skopeo_goes_on_with_the_login_of_capas(place: Place, at_home: dict[str, str]) -> None:
    reference = place.build("alice/app:v1")
    place.terminal.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    place.terminal.ok("push", "-q", reference)
    for words in (
        ("login", "--tls-verify=false", place.address),
        ("inspect", "--tls-verify=false", f"docker://{reference}"),
    ):
        done = run("skopeo", *words, environ=at_home)
        assert done.returncode == 0, (words, done.stderr)


@pytest.mark.peer("docker")
def test_docker_goes_on_with_the_login_of_capas_and_capas_with_dockers(place: Place, at_home: dict[str, str]) -> None:
    reference = place.build("alice/app:v1")
    place.terminal.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    place.terminal.ok("push", "-q", reference)
    inspect = ("docker", "manifest", "inspect", "--insecure", reference)
    assert run(*inspect, environ=at_home).returncode == 0
    login = ("docker", "login", "-u", "alice", "--password-stdin", place.address)
    assert run(*login, stdin=PASSWORD, environ=at_home).returncode == 0
    place.terminal.ok("push", "-q", reference)
    place.terminal.ok("pull", "-q", reference)
    place.terminal.ok("login", "-u", "alice", "--password-stdin", place.address, stdin=PASSWORD.encode())
    assert run(*inspect, environ=at_home).returncode == 0


@pytest.mark.peer("openssl")
def test_by_tls_the_login_goes_by_tls_alone(tmp_path: Path) -> None:
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "9",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*words, *names, *files], check=True, capture_output=True)
    private = ["-in", tmp_path / "key.pem", "-out", tmp_path / "pkcs8.pem"]
    subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", *private], check=True)
    app = create_app(tmp_path / "hub", options=Options(open=False))
    tls = (tmp_path / "cert.pem", tmp_path / "pkcs8.pem")
    with running_hub(tmp_path / "hub", app=app, tls=tls) as address:
        person(app.hub.database, "alice", password=PASSWORD)
        place = Place(address, app.hub, Terminal(tmp_path, {"SSL_CERT_FILE": str(tls[0])}), tmp_path)
        place.terminal.ok("login", "-u", "alice", "--password-stdin", address, stdin=PASSWORD.encode())
        place.terminal.ok("push", "-q", place.build("alice/app:v1"))
        stranger = Terminal(tmp_path / "stranger")
        said = stranger.fails("login", "-u", "alice", "--password-stdin", address, stdin=PASSWORD.encode())
        assert "certificate" in said
