"""skopeo speaks to our hub: push, pull, inspect, list, delete, mount."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.image.validate import validate
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs
from support.hub import running_hub
from support.hub_client import HubClient
from support.layouts import make_layout

pytestmark = pytest.mark.peer("skopeo")
FILES = {"etc/motd": b"hello\n", "data": bytes(range(256)) * 8000}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running_hub(tmp_path / "hub") as found:
        yield found


def skopeo(*words: str) -> str:
    done = subprocess.run(["skopeo", "--insecure-policy", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def push(layout: Path, target: str, *flags: str) -> None:
    skopeo("copy", "--dest-tls-verify=false", *flags, f"oci:{layout}:v1", f"docker://{target}")


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_what_skopeo_pushes_it_pulls_back_whole(address: str, tmp_path: Path, docker: bool) -> None:
    image = make_layout(tmp_path / "made", FILES, {"etc/issue": b"two\n"})
    flags = ["--format", "v2s2"] if docker else ["--preserve-digests"]
    push(tmp_path / "made", f"{address}/of/skopeo:v1", *flags)
    skopeo("copy", "--src-tls-verify=false", f"docker://{address}/of/skopeo:v1", f"oci:{tmp_path}/back:v1")
    back = DirectoryBlobs(tmp_path / "back")
    index = json.loads((tmp_path / "back" / "index.json").read_text())
    digest = Digest.parse(index["manifests"][0]["digest"])
    validate(back, digest)
    if not docker:
        assert digest == image.digest


def test_skopeo_inspects_and_lists(address: str, tmp_path: Path) -> None:
    image = make_layout(tmp_path / "made", FILES)
    for tag in ("v1", "v2", "latest"):
        push(tmp_path / "made", f"{address}/of/skopeo:{tag}")
    found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{address}/of/skopeo:v2"))
    assert found["Digest"] == image.digest
    assert found["RepoTags"] == ["latest", "v1", "v2"]
    assert found["Labels"] == {"made": "by a test"}
    listed = json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{address}/of/skopeo"))
    assert listed["Tags"] == ["latest", "v1", "v2"]


def test_skopeo_pushes_an_index_with_all_its_platforms(address: str, tmp_path: Path) -> None:
    images = [make_layout(tmp_path / name, FILES, architecture=name) for name in ("amd64", "arm64")]
    for name in ("amd64", "arm64"):
        push(tmp_path / name, f"{address}/of/skopeo:{name}")
    hub = HubClient(address, "of/skopeo")
    children = [
        {
            "mediaType": image.media_type,
            "digest": str(image.digest),
            "size": len(image.manifest_bytes),
            "platform": {"os": "linux", "architecture": image.config.architecture},
        }
        for image in images
    ]
    index = "application/vnd.oci.image.index.v1+json"
    assert hub.put("all", {"schemaVersion": 2, "mediaType": index, "manifests": children}, index).status == 201
    hub.close()
    source, target = f"docker://{address}/of/skopeo:all", f"docker://{address}/of/copied:all"
    skopeo("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", source, target)
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", target))
    assert [child["digest"] for child in raw["manifests"]] == [image.digest for image in images]


def test_skopeo_deletes(address: str, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", FILES)
    push(tmp_path / "made", f"{address}/of/skopeo:v1")
    skopeo("delete", "--tls-verify=false", f"docker://{address}/of/skopeo:v1")
    gone = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", f"docker://{address}/of/skopeo:v1"], capture_output=True, text=True
    )
    assert gone.returncode != 0
    assert "manifest unknown" in gone.stderr


def test_skopeo_copies_between_repositories(address: str, tmp_path: Path) -> None:
    image = make_layout(tmp_path / "made", FILES)
    push(tmp_path / "made", f"{address}/of/skopeo:v1")
    source, target = f"docker://{address}/of/skopeo:v1", f"docker://{address}/another/place:v1"
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", source, target)
    hub = HubClient(address, "another/place")
    assert hub.send("HEAD", "manifests/v1").headers["docker-content-digest"] == image.digest
    hub.close()
