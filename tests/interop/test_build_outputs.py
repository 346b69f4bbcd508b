"""Builds seen by skopeo, umoci, podman, docker-registry and our hub: archives, layouts, pushes, indexes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.building import write_files
from support.hub import running_hub
from support.registry_peer import running_registry
from support.terminal import Terminal

pytestmark = pytest.mark.peer("skopeo")
DOCKERFILE = 'FROM scratch\nARG TARGETARCH\nCOPY file /file-$TARGETARCH\nCMD ["/x"]\n'
BOTH = "linux/amd64,linux/arm64"


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    write_files(tmp_path / "context", {"Dockerfile": DOCKERFILE, "file": "content"})
    return Terminal(tmp_path)


@pytest.fixture(params=["hub", "docker-registry"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A registry of ours, and docker's."""
    start = running_hub if request.param == "hub" else running_registry
    with start(tmp_path / "registry") as address:
        yield address


def build(capas: Terminal, *flags: str) -> str:
    return capas.ok("build", str(capas.root / "context"), *flags)


def peer(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout


def inspect_raw(image: str) -> dict[str, object]:
    found = json.loads(peer("skopeo", "inspect", "--raw", "--tls-verify=false", image))
    assert isinstance(found, dict)
    return found


def test_skopeo_copies_every_platform_of_an_oci_archive(capas: Terminal, tmp_path: Path) -> None:
    build(capas, "--platform", BOTH, "-o", f"type=oci,dest={tmp_path}/a.tar,name=me/app:1")
    peer("skopeo", "--insecure-policy", "copy", "--all", f"oci-archive:{tmp_path}/a.tar", f"oci:{tmp_path}/back:1")
    found = json.loads(peer("skopeo", "inspect", "--override-arch=arm64", f"oci:{tmp_path}/back:1"))
    assert found["Architecture"] == "arm64"


@pytest.mark.peer("umoci")
def test_umoci_unpacks_a_layout_directory(capas: Terminal, tmp_path: Path) -> None:
    build(capas, "-o", f"type=oci,tar=false,dest={tmp_path}/layout,name=me/app:1")
    peer("umoci", "unpack", "--image", f"{tmp_path}/layout:1", str(tmp_path / "bundle"))
    assert (tmp_path / "bundle/rootfs/file-amd64").read_text() == "content"


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_skopeo_reads_a_docker_archive(capas: Terminal, tmp_path: Path, compression: str) -> None:
    build(capas, "-o", f"type=docker,dest={tmp_path}/a.tar,name=me/app:1,compression={compression}")
    found = json.loads(peer("skopeo", "inspect", f"docker-archive:{tmp_path}/a.tar:me/app:1"))
    assert (found["Architecture"], len(found["Layers"])) == ("amd64", 1)


def test_a_push_of_several_platforms_is_an_index_that_skopeo_copies(
    capas: Terminal, registry: str, tmp_path: Path
) -> None:
    build(capas, "-t", f"{registry}/me/app:1", "--platform", BOTH, "--push", "--metadata-file", f"{tmp_path}/m.json")
    raw = inspect_raw(f"docker://{registry}/me/app:1")
    assert [entry["platform"]["architecture"] for entry in raw["manifests"]] == ["amd64", "arm64"]  # type: ignore[attr-defined]
    digest = json.loads((tmp_path / "m.json").read_text())["containerimage.digest"]
    found = json.loads(peer("skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/me/app@{digest}"))
    assert found["Architecture"] == "amd64"
    peer("skopeo", "--insecure-policy", "copy", "--all", "--src-tls-verify=false", f"docker://{registry}/me/app:1",
         f"oci:{tmp_path}/back:1")  # fmt: skip
    assert capas.ok("images", "-q") == ""  # --push alone keeps nothing here


def test_a_stored_index_is_tagged_and_pushed_as_a_whole(capas: Terminal, registry: str) -> None:
    build(capas, "-t", "me/app:1", "--platform", BOTH)
    capas.ok("tag", "me/app:1", f"{registry}/me/app:2")
    assert "digest: sha256:" in capas.ok("push", f"{registry}/me/app:2")
    assert len(inspect_raw(f"docker://{registry}/me/app:2")["manifests"]) == 2  # type: ignore[arg-type]
    capas.ok("rmi", "me/app:1")
    capas.ok("push", f"{registry}/me/app:2")
    assert capas.ok("system", "check").strip() == "Everything is whole"


def test_push_by_digest_moves_no_tag(capas: Terminal, registry: str, tmp_path: Path) -> None:
    output = f"type=image,name={registry}/me/app,push-by-digest=true,store=false"
    build(capas, "-o", output, "--metadata-file", str(tmp_path / "m.json"))
    digest = json.loads((tmp_path / "m.json").read_text())["containerimage.digest"]
    assert inspect_raw(f"docker://{registry}/me/app@{digest}")["schemaVersion"] == 2
    done = subprocess.run(["skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/me/app:latest"],
                          capture_output=True, timeout=60)  # fmt: skip
    assert done.returncode != 0


def test_an_index_saved_here_is_whole_for_skopeo_and_loads_again(capas: Terminal, tmp_path: Path) -> None:
    build(capas, "-t", "me/app:1", "--platform", BOTH)
    capas.ok("save", "-o", f"{tmp_path}/a.tar", "me/app:1", "--format", "oci")
    peer("skopeo", "--insecure-policy", "copy", "--all", f"oci-archive:{tmp_path}/a.tar", f"dir:{tmp_path}/back")
    other = Terminal(tmp_path / "other")
    other.ok("load", "-i", f"{tmp_path}/a.tar")
    assert json.loads(other.ok("inspect", "me/app:1"))[0]["Platforms"] == BOTH.split(",")


@pytest.mark.root
@pytest.mark.peer("podman")
def test_podman_pulls_the_image_of_its_platform(capas: Terminal, tmp_path: Path) -> None:
    with running_hub(tmp_path / "registry") as address:
        build(capas, "-t", f"{address}/me/app:1", "--platform", BOTH, "--push")
        with tempfile.TemporaryDirectory(dir="/tmp") as place:  # podman takes no long path
            store = ["--root", f"{place}/s", "--runroot", f"{place}/r", "--storage-driver", "vfs"]
            peer("podman", *store, "pull", "--tls-verify=false", f"{address}/me/app:1")
            found = json.loads(peer("podman", *store, "image", "inspect", f"{address}/me/app:1"))
        assert found[0]["Architecture"] == "amd64"


def test_outputs_that_take_standard_output_say_the_rest_elsewhere(capas: Terminal, tmp_path: Path) -> None:
    outputs = ["-o", "type=oci,dest=-,compression=uncompressed", "-o", str(tmp_path / "files")]
    done = capas.run("build", str(capas.root / "context"), *outputs)
    assert done.returncode == 0
    assert "oci-layout" in done.stdout
    assert "Built" not in done.stdout
    assert "Built sha256:" in done.stderr
    assert (tmp_path / "files/file-amd64").read_text() == "content"


def test_the_id_file_has_the_index_s_digest(capas: Terminal, tmp_path: Path) -> None:
    quiet = build(capas, "--platform", BOTH, "-q", "--iidfile", str(tmp_path / "id")).strip()
    assert (tmp_path / "id").read_text() == quiet


def test_a_failed_build_pushes_and_writes_nothing(capas: Terminal, tmp_path: Path) -> None:
    context = write_files(tmp_path / "bad", {"Dockerfile": "FROM scratch\nCOPY absent /\n"})
    capas.fails("build", str(context), "-o", f"type=oci,dest={tmp_path}/a.tar", "-o", f"{tmp_path}/out")
    assert not (tmp_path / "a.tar").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["image-manifest=true", "image-manifest=false", "oci-mediatypes=false"])
def test_a_registry_keeps_a_cache_for_another_machine(
    capas: Terminal, registry: str, tmp_path: Path, form: str
) -> None:
    build(capas, "-t", "app", "--cache-to", f"type=registry,ref={registry}/me/cache,mode=max,{form}")
    other = Terminal(tmp_path / "other")
    said = other.ok("build", str(capas.root / "context"), "-t", "app", "--cache-from", f"{registry}/me/cache")
    assert "(1 of 1 step cached)" in said
    assert inspect_raw(f"docker://{registry}/me/cache")["schemaVersion"] == 2


def test_skopeo_copies_a_directory_cache_to_a_registry_where_it_serves(
    capas: Terminal, registry: str, tmp_path: Path
) -> None:
    build(capas, "-t", "app", "--cache-to", f"type=local,dest={tmp_path}/cache")
    peer("skopeo", "--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false",
         f"oci:{tmp_path}/cache:latest", f"docker://{registry}/me/cache:latest")  # fmt: skip
    other = Terminal(tmp_path / "other")
    said = other.ok("build", str(capas.root / "context"), "-t", "app", "--cache-from", f"{registry}/me/cache")
    assert "(1 of 1 step cached)" in said


def test_a_blob_that_an_index_lacks_is_found(capas: Terminal, tmp_path: Path) -> None:
    build(capas, "-t", "me/app:1", "--platform", BOTH, "-o", f"type=oci,tar=false,dest={tmp_path}/lay", "--load")
    index = json.loads((tmp_path / "lay/index.json").read_text())["manifests"][0]["digest"].removeprefix("sha256:")
    arm64 = json.loads((tmp_path / "lay/blobs/sha256" / index).read_text())["manifests"][1]["digest"]
    (capas.root / "store/blobs/sha256" / arm64.removeprefix("sha256:")).unlink()
    done = capas.run("system", "check")
    assert done.returncode == 1
    assert f"missing: {arm64}: me/app:1 needs it" in done.stdout
