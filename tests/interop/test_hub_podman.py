"""podman speaks to our hub: push what it built, pull it again."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.hub import running_hub
from support.layouts import make_layout

pytestmark = [pytest.mark.root, pytest.mark.peer("podman")]
Podman = Callable[..., str]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running_hub(tmp_path / "hub") as found:
        yield found


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    """podman with a storage of its own, at a path as short as it wants it."""
    home = Path(tempfile.mkdtemp(prefix="pod"))
    conf = tmp_path / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\n')
    monkeypatch.setenv("CONTAINERS_CONF", str(conf))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(*words: str) -> str:
        places = ["--root", str(home / "root"), "--runroot", str(home / "run"), "--storage-driver", "vfs"]
        done = subprocess.run(["podman", *places, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    yield run
    shutil.rmtree(home)


def test_what_podman_pushes_it_pulls_back(address: str, podman: Podman, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"}, {"data": bytes(1_000_000)})
    podman("pull", "-q", f"oci:{tmp_path}/made:v1")
    image = podman("images", "-q", "--no-trunc").splitlines()[0]
    podman("push", "-q", "--tls-verify=false", image, f"docker://{address}/of/podman:v1")
    podman("rmi", "-a", "-f")
    assert podman("pull", "-q", "--tls-verify=false", f"{address}/of/podman:v1") == image.removeprefix("sha256:")
    layers = json.loads(podman("image", "inspect", f"{address}/of/podman:v1"))[0]["RootFS"]["Layers"]
    assert len(layers) == 2


def test_podman_pulls_what_is_there_already_quickly_and_by_digest(address: str, podman: Podman, tmp_path: Path) -> None:
    made = make_layout(tmp_path / "made", {"etc/motd": b"hello\n"})
    copy = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{tmp_path}/made:v1"]
    subprocess.run([*copy, f"docker://{address}/of/podman:v1"], check=True)
    first = podman("pull", "-q", "--tls-verify=false", f"{address}/of/podman@{made.digest}")
    assert podman("pull", "-q", "--tls-verify=false", f"{address}/of/podman:v1") == first
    assert first == made.id.hex
