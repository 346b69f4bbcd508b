"""Archives to and from docker, podman and skopeo."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.image.archive import load, save
from capas.image.image import Image
from capas.image.layout import Layout
from capas.image.validate import validate
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.memory import MemoryBlobs
from capas.store.store import Store
from support.images import make_image

NAME = Reference.parse("me/app:1")
FILES = ({"a": b"1" * 1000}, {"b": b"2" * 5000, "dir/c": b"3"})

pytestmark = pytest.mark.root


@pytest.fixture(params=["gzip", "none"])
def image(request: pytest.FixtureRequest) -> Image:
    return make_image(MemoryBlobs(), *FILES, compression=request.param)


@pytest.fixture
def archive(image: Image, tmp_path: Path) -> Path:
    path = tmp_path / "saved.tar"
    with path.open("wb") as out:
        save(out, [(image, [NAME])])
    return path


@pytest.fixture
def podman() -> Iterator[list[str]]:
    """A podman with a store of its own, whose path podman wants short."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="capas-") as directory:
        yield ["podman", f"--root={directory}/root", f"--runroot={directory}/run", "--storage-driver=vfs"]


@pytest.fixture(scope="module")
def docker() -> Iterator[list[str]]:
    """A docker daemon of its own, without networks."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="capas-docker-") as directory:
        socket = f"unix://{directory}/sock"
        daemon = subprocess.Popen(
            ["dockerd", "--bridge=none", "--iptables=false", "--storage-driver=vfs", "-H", socket,
             f"--data-root={directory}/root", f"--exec-root={directory}/exec", f"--pidfile={directory}/pid"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            client = ["docker", "-H", socket]
            deadline = time.monotonic() + 60
            while subprocess.run([*client, "version"], capture_output=True).returncode:
                assert daemon.poll() is None and time.monotonic() < deadline, "no docker daemon came up"
                time.sleep(0.1)
            yield client
        finally:
            daemon.terminate()
            daemon.wait(30)


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(path: Path, tmp_path: Path) -> tuple[Image, list[Reference]]:
    store = Store(tmp_path / "store")
    with path.open("rb") as stream:
        [(image, names)] = load(stream, store)
    validate(store.blobs, image.digest)
    return image, names


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive"])
def test_skopeo_reads_what_we_save(image: Image, archive: Path, tmp_path: Path, transport: str) -> None:
    run("skopeo", "copy", "-q", f"{transport}:{archive}", f"oci:{tmp_path}/layout:x")
    [(copied, _)] = Layout(tmp_path / "layout").images(Platform())
    assert [layer.diff_id for layer in copied.layers] == [layer.diff_id for layer in image.layers]
    validate(copied.source, copied.digest)


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize(("transport", "suffix"), [("docker-archive", ":me/app:1"), ("oci-archive", ":me/app:1")])
def test_what_skopeo_writes_is_loaded(image: Image, archive: Path, tmp_path: Path, transport: str, suffix: str) -> None:
    run("skopeo", "copy", "-q", f"oci-archive:{archive}", f"{transport}:{tmp_path}/copy.tar{suffix}")
    found, names = loaded(tmp_path / "copy.tar", tmp_path)
    assert (found.id, names) == (image.id, [NAME])


@pytest.mark.peer("podman")
@pytest.mark.parametrize("format", ["docker-archive", "oci-archive"])
def test_podman_loads_what_we_save_and_we_load_what_it_saves(
    image: Image, archive: Path, tmp_path: Path, podman: list[str], format: str
) -> None:
    run(*podman, "load", "-q", "-i", archive)
    assert run(*podman, "images", "-q", "--no-trunc", "docker.io/me/app:1").strip() == image.id
    run(*podman, "save", "-q", "--format", format, "-o", tmp_path / "back.tar", "me/app:1")
    found, names = loaded(tmp_path / "back.tar", tmp_path)
    assert (found.id, names) == (image.id, [NAME])


@pytest.mark.peer("dockerd")
@pytest.mark.peer("docker")
def test_docker_loads_what_we_save_and_we_load_what_it_saves(
    image: Image, archive: Path, tmp_path: Path, docker: list[str]
) -> None:
    assert "me/app:1" in run(*docker, "load", "-i", archive)
    assert run(*docker, "images", "-q", "--no-trunc", "me/app:1").strip() == image.id
    run(*docker, "save", "-o", tmp_path / "back.tar", "me/app:1")
    run(*docker, "rmi", "me/app:1")
    found, names = loaded(tmp_path / "back.tar", tmp_path)
    assert (found.id, names) == (image.id, [NAME])
