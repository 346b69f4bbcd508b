"""A day at the hub with everybody's client: log in, push a private image, be denied others', search, star, share."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import urllib3

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By
from support.dockerd import running_dockerd
from support.hub import running_hub
from support.layouts import make_layout
from support.people import NOW_NS, PASSWORD
from support.terminal import PROGRAM

Words = Sequence[str]


class Client(NamedTuple):
    """What a client is told, with `{hub}` and `{image}` to be filled in."""

    login: Words
    push: Sequence[Words]
    pull: Sequence[Words]
    forget: Words = ()
    search: Words = ()
    searches_with_login: bool = True
    environ: Mapping[str, str] = {}


class Person(NamedTuple):
    """Somebody at a client, with a home of their own."""

    client: Client
    address: str

    def log_in(self, name: str, password: str = PASSWORD) -> bool:
        return self._run([*self.client.login, "-u", name, "--password-stdin", "{hub}"], password) is not None

    def push(self) -> bool:
        return all(self._run(words) is not None for words in self.client.push)

    def pull(self) -> bool:
        if self.client.forget:
            self._run(self.client.forget)
        return all(self._run(words) is not None for words in self.client.pull)

    def finds(self, name: str, words: str) -> bool:
        said = self._run([*self.client.search, "{hub}/" + words])
        assert said is not None
        return name in said

    def _run(self, words: Words, said: str = "") -> str | None:
        filled = [
            word.replace("{hub}", self.address).replace("{image}", f"{self.address}/ana/app:v1") for word in words
        ]
        environ = {**os.environ, **self.client.environ}
        done = subprocess.run(filled, input=said, capture_output=True, text=True, timeout=120, env=environ)
        assert PASSWORD not in done.stdout + done.stderr
        return done.stdout if done.returncode == 0 else None


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A hub with accounts, on which ana and bob live."""
    app = create_app(tmp_path / "hub", options=Options(open=False))
    for name in ("ana", "bob"):
        create_user(app.hub.database, NewUser(name, PASSWORD), By("keeper", "", NOW_NS))
    with running_hub(tmp_path / "hub", app=app) as found:
        yield found


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """A root filesystem with one file."""
    with tarfile.open(tmp_path / "made.tar", "w") as file:
        file.addfile(tarfile.TarInfo("motd"), io.BytesIO())
    return str(tmp_path / "made.tar")


def api(address: str, who: str, method: str, path: str, body: object = None) -> int:
    login = base64.b64encode(f"{who}:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return int(urllib3.request(method, f"http://{address}/api/v1{path}", body=data, headers=headers).status)


def live(address: str, make: Callable[[str], Client]) -> None:
    """The day."""
    ana, bob, nobody = (Person(make(name), address) for name in ("ana", "bob", "nobody"))
    assert not ana.log_in("ana", "a wrong password")
    assert ana.log_in("ana")
    assert bob.log_in("bob")
    assert ana.push()
    assert ana.pull()
    assert not bob.pull(), "private is private"
    assert not nobody.pull(), "private is private"
    assert api(address, "bob", "PUT", "/stars/ana/app") == 404
    if ana.client.search:
        assert ana.finds("ana/app", "app") == ana.client.searches_with_login
        assert not bob.finds("ana/app", "app")
    assert api(address, "bob", "PUT", "/visibility/ana/app", {"is_public": True}) == 404
    assert api(address, "ana", "PUT", "/visibility/ana/app", {"is_public": True}) == 200
    assert bob.pull(), "public is public"
    assert nobody.pull(), "public is public"
    assert not bob.push(), "seen is not owned"
    assert api(address, "bob", "PUT", "/stars/ana/app") == 200
    if bob.client.search:
        assert bob.finds("ana/app 1", "app")


@pytest.mark.peer("skopeo")
def test_skopeo(address: str, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"})

    def make(name: str) -> Client:
        skopeo, auth = ["skopeo", "--insecure-policy"], ["--authfile", str(tmp_path / f"{name}.json")]
        (tmp_path / f"{name}.json").write_text("{}")
        copy = [*skopeo, "copy", *auth, "--src-tls-verify=false", "--dest-tls-verify=false"]
        return Client(
            login=[*skopeo, "login", *auth, "--tls-verify=false"],
            push=[[*copy, f"oci:{tmp_path}/made:v1", "docker://{image}"]],
            pull=[[*copy, "docker://{image}", f"dir:{tmp_path}/{name}"]],
        )

    live(address, make)


@pytest.mark.root
@pytest.mark.peer("podman")
def test_podman(address: str, tmp_path: Path, archive: str) -> None:
    home = Path(tempfile.mkdtemp(prefix="pod"))  # podman wants a short path
    conf = tmp_path / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\n')

    def make(name: str) -> Client:
        (tmp_path / f"{name}.json").write_text("{}")
        podman = [
            "podman",
            "--root",
            str(home / name),
            "--runroot",
            str(home / f"{name}-run"),
            "--storage-driver",
            "vfs",
        ]
        auth = ["--authfile", str(tmp_path / f"{name}.json"), "--tls-verify=false"]
        return Client(
            login=[*podman, "login", *auth],
            push=[[*podman, "import", "-q", archive, "{image}"], [*podman, "push", "-q", *auth, "{image}"]],
            pull=[[*podman, "pull", "-q", *auth, "{image}"]],
            forget=[*podman, "rmi", "-a", "-f"],
            search=[*podman, "search", *auth, "--format", "{{.Name}} {{.Stars}}"],
            searches_with_login=False,  # it asks the search that docker asks, without its login
            environ={"CONTAINERS_CONF": str(conf), "TMPDIR": str(tmp_path)},
        )

    try:
        live(address, make)
    finally:
        shutil.rmtree(home)


def test_capas(address: str, tmp_path: Path, archive: str) -> None:
    def make(name: str) -> Client:
        home, capas = tmp_path / name, [str(PROGRAM)]
        return Client(
            login=[*capas, "login"],
            push=[[*capas, "import", archive, "{image}"], [*capas, "push", "{image}"]],
            pull=[[*capas, "pull", "{image}"]],
            forget=[*capas, "rmi", "{image}"],
            search=[*capas, "search", "--format", "{{.Name}} {{.StarCount}}"],
            environ={"DOCKER_CONFIG": str(home / "docker"), "CAPAS_ROOT": str(home / "store"), "HOME": str(home)},
        )

    live(address, make)


@pytest.mark.root
@pytest.mark.peer("dockerd")
def test_docker(address: str, tmp_path: Path, archive: str) -> None:
    with running_dockerd(tmp_path / "docker") as socket:

        def make(name: str) -> Client:
            docker = ["docker", "--config", str(tmp_path / name), "-H", socket]
            return Client(
                login=[*docker, "login"],
                push=[[*docker, "import", archive, "{image}"], [*docker, "push", "-q", "{image}"]],
                pull=[[*docker, "pull", "-q", "{image}"]],
                forget=[*docker, "rmi", "-f", "{image}"],
                search=[*docker, "search", "--format", "{{.Name}} {{.StarCount}}"],
                searches_with_login=False,  # docker tells its login to a search over TLS alone
            )

        live(address, make)
