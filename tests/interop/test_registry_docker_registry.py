"""Debian's docker-registry: push, pull, mount, log in, list, delete; many processes at once; killed ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import NotFound, Unauthenticated
from capas.events import Event, Finished
from capas.image.image import Image
from capas.image.validate import validate
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.login import login
from capas.registry.message import Request
from capas.registry.pull import Pulled, pull
from capas.registry.push import push
from capas.registry.remote import RemoteSource
from capas.settings import Settings, load_settings
from capas.store.memory import MemoryBlobs
from capas.store.store import Store
from support.images import make_image
from support.registry_peer import PASSWORD, USER, running_registry
from support.scripted import MemoryRegistry, Reply, Served

pytestmark = pytest.mark.peer("docker-registry")
FILES = ({"a": b"1" * 300_000}, {"b": bytes(range(256)) * 9000})


def settings_in(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"HOME": str(tmp_path), "CAPAS_CONFIG": str(tmp_path / "none"), **environ})


class Desk:
    """A user with a store of their own."""

    def __init__(self, tmp_path: Path, **environ: str) -> None:
        self.settings = settings_in(tmp_path, **environ)
        self.client = Client(self.settings)
        self.store = Store(tmp_path / "store")
        self.events: list[Event] = []

    def pull(self, name: str) -> Pulled:
        reference = Reference.parse(name).with_default_tag()
        return pull(self.client, reference, self.store, receiver=None, platform=Platform(), report=self.events.append)

    def push(self, image: Image, name: str) -> None:
        reference = Reference.parse(name)
        push(self.client, reference, image, sources=self.store.records.list_sources, report=self.events.append)

    def said(self) -> set[str]:
        return {event.text for event in self.events if isinstance(event, Finished)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_what_is_pushed_is_pulled_whole(desk: Desk, address: str, docker: bool) -> None:
    image = make_image(MemoryBlobs(), *FILES, docker=docker)
    name = f"{address}/whole/app{docker}:1".lower()
    desk.push(image, name)
    pulled = desk.pull(name)
    assert (pulled.image.id, pulled.digest) == (image.id, image.digest)
    validate(desk.store.blobs, image.digest)
    assert not desk.pull(name).changed
    assert desk.pull(f"{address}/whole/app{docker}@{image.digest}".lower()).image.id == image.id


def test_blobs_are_mounted_from_a_repository_beside(desk: Desk, address: str) -> None:
    desk.push(make_image(MemoryBlobs(), *FILES), f"{address}/mount/base:1")
    image = desk.pull(f"{address}/mount/base:1").image
    desk.events.clear()
    desk.push(image, f"{address}/mount/other:1")
    assert desk.said() == {"Mounted from mount/base"}
    desk.events.clear()
    desk.push(image, f"{address}/mount/other:2")
    assert desk.said() == {"Layer already exists"}


def test_repositories_and_tags_are_listed_and_deleted(desk: Desk, address: str) -> None:
    image = make_image(MemoryBlobs(), {"a": b"1"})
    for tag in ("1", "2"):
        desk.push(image, f"{address}/list/app:{tag}")
    repository = desk.client.repository(Reference.parse(f"{address}/list/app"))
    assert sorted(repository.list_tags()) == ["1", "2"]
    assert "list/app" in desk.client.registry(address).list_catalog()
    repository.delete_manifest(image.digest)
    with pytest.raises(NotFound):
        repository.get_manifest("1")


def test_an_image_is_looked_at_where_it_is(desk: Desk, address: str) -> None:
    image = make_image(MemoryBlobs(), *FILES)
    desk.push(image, f"{address}/look/app:1")
    source = RemoteSource(desk.client.repository(Reference.parse(f"{address}/look/app")))
    assert Image.open(source, image.digest).config == image.config
    validate(source, image.digest)


def test_a_local_registry_serves_as_the_mirror_of_docker_io(tmp_path: Path, address: str) -> None:
    image = make_image(MemoryBlobs(), *FILES)
    desk = Desk(tmp_path, CAPAS_MIRRORS=f"docker.io=http://{address}")
    desk.push(image, f"{address}/library/tiny:latest")
    pulled = desk.pull("tiny")
    assert str(pulled.reference) == "docker.io/library/tiny:latest"
    assert pulled.image.id == image.id
    assert not desk.pull("tiny").changed
    with pytest.raises(NotFound, match="no such image: nowhere"):
        desk.pull("nowhere")


def test_a_login_is_asked_for_tried_and_kept(desk: Desk, tmp_path: Path) -> None:
    image = make_image(MemoryBlobs(), *FILES)
    with running_registry(tmp_path / "closed", login=True) as closed:
        with pytest.raises(Unauthenticated, match="access is refused") as refused:
            desk.push(image, f"{closed}/me/app:1")
        assert "capas login" in refused.value.hint
        with pytest.raises(Unauthenticated, match=f"wrong user name or password for {closed}"):
            login(desk.client, closed, USER, "guess")
        assert not desk.settings.docker_config.exists()
        login(desk.client, closed, USER, PASSWORD)
        desk.push(image, f"{closed}/me/app:1")
        assert desk.pull(f"{closed}/me/app:1").image.id == image.id
        assert PASSWORD not in desk.settings.docker_config.read_text()


def script(tmp_path: Path, name: str) -> list[str]:
    """A program that pulls into the store at tmp_path/store."""
    text = f"""
        from pathlib import Path
        from capas.oci.platform import Platform
        from capas.reference import Reference
        from capas.registry.client import Client
        from capas.registry.pull import pull
        from capas.settings import load_settings
        from capas.store.store import Store
        settings = load_settings({{"HOME": {str(tmp_path)!r}, "CAPAS_CONFIG": "/nowhere"}})
        print(pull(Client(settings), Reference.parse({name!r}), Store(Path({str(tmp_path / "store")!r})),
              receiver=None, platform=Platform()).digest)
    """
    return [sys.executable, "-c", textwrap.dedent(text)]


def test_processes_that_pull_one_image_fetch_each_blob_once(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    image = make_image(MemoryBlobs(), *FILES, {"c": os.urandom(3_000_000)})
    registry.add(image, "1")
    with Served(registry) as server:
        command = script(tmp_path, f"{server.address}/me/app:1")
        pulls = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        assert [one.communicate(timeout=60)[0].strip() for one in pulls] == [image.digest] * 4
        gets = [one.url.rsplit("/", 1)[1] for one in server.requests if one.method == "GET"]
    for layer in image.manifest.layers:
        assert gets.count(layer.digest) == 1
    validate(Store(tmp_path / "store").blobs, image.digest)


def test_a_killed_pull_is_taken_up_by_the_one_that_waits(tmp_path: Path) -> None:
    data = os.urandom(6_000_000)
    image = make_image(MemoryBlobs(), {"big": data}, compression="none")
    big = image.manifest.layers[0].digest
    half, go_on = threading.Event(), threading.Event()

    def slow(request: Request, reply: Reply) -> Reply:
        if big in request.url and not half.is_set():
            half.set()
            return reply._replace(breaks_after=3_000_000)
        go_on.wait(30)
        return reply

    registry = MemoryRegistry(bend=lambda request, reply: slow(request, reply) if big in request.url else reply)
    registry.add(image, "1")
    ingest = tmp_path / "store" / "ingest"
    with Served(registry) as server:
        command = script(tmp_path, f"{server.address}/me/app:1")
        leader = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(lambda: any(one.stat().st_size >= 3_000_000 for one in ingest.glob("*")))
        follower = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        leader.send_signal(signal.SIGKILL)
        leader.wait()
        go_on.set()
        assert follower.communicate(timeout=60)[0].strip() == image.digest
        ranges = [one.headers.get("Range") for one in server.requests if big in one.url]
    assert ranges[0] is None
    assert set(ranges[1:]) == {"bytes=3000000-"}
    validate(Store(tmp_path / "store").blobs, image.digest)


def wait_for(condition: object, seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.peer("skopeo")
def test_skopeo_uses_the_login_that_capas_kept(desk: Desk, tmp_path: Path) -> None:
    image = make_image(MemoryBlobs(), *FILES)
    config = desk.settings.docker_config
    with running_registry(tmp_path / "closed", login=True) as closed:
        login(desk.client, closed, USER, PASSWORD)
        desk.push(image, f"{closed}/me/app:1")
        inspect = ["skopeo", "inspect", "--tls-verify=false", f"docker://{closed}/me/app:1"]
        for flags, environ in ((["--authfile", config], {}), ([], {"REGISTRY_AUTH_FILE": str(config)})):
            done = subprocess.run(
                [*inspect, *flags], env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **environ}, capture_output=True
            )
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["Digest"] == image.digest


@pytest.mark.peer("skopeo")
def test_capas_uses_the_login_that_skopeo_kept(desk: Desk, tmp_path: Path) -> None:
    config = desk.settings.docker_config
    with running_registry(tmp_path / "closed", login=True) as closed:
        words = ["skopeo", "login", "--tls-verify=false", "--authfile", config, "-u", USER, "--password-stdin", closed]
        config.parent.mkdir()
        subprocess.run(words, input=PASSWORD.encode(), check=True, capture_output=True)
        desk.push(make_image(MemoryBlobs(), *FILES), f"{closed}/me/app:1")
        subprocess.run(["skopeo", "logout", "--authfile", config, closed], check=True, capture_output=True)
        with pytest.raises(Unauthenticated):
            Desk(tmp_path).pull(f"{closed}/me/app:1")


@pytest.mark.peer("docker")
def test_docker_finds_the_login_that_capas_kept(desk: Desk, tmp_path: Path) -> None:
    image = make_image(MemoryBlobs(), *FILES, docker=True)
    with running_registry(tmp_path / "closed", login=True) as closed:
        login(desk.client, closed, USER, PASSWORD)
        desk.push(image, f"{closed}/me/app:1")
        words = [
            "docker",
            "--config",
            desk.settings.docker_config.parent,
            "manifest",
            "inspect",
            "--insecure",
            f"{closed}/me/app:1",
        ]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["config"]["digest"] == image.id
