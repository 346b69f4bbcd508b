"""Attestations seen by others: skopeo and podman take the image alone, docker's buildx reads what is said of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.client import Client
from capas.settings import load_settings
from support.building import write_files
from support.buildx import find_buildx
from support.hub import running_hub
from support.registry_peer import running_registry
from support.terminal import Terminal

pytestmark = pytest.mark.peer("skopeo")
FILES = {"Dockerfile": "FROM scratch\nCOPY status /var/lib/dpkg/status\n",
         "status": "Package: base-files\nStatus: install ok installed\nVersion: 12\nArchitecture: all\n"}  # fmt: skip


@pytest.fixture(params=["hub", "docker-registry"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An image with attestations, pushed to a registry of ours and to docker's."""
    write_files(tmp_path / "context", FILES)
    start = running_hub if request.param == "hub" else running_registry
    with start(tmp_path / "registry") as address:
        name = f"{address}/me/app:1"
        capas = Terminal(tmp_path)
        flags = ("--push", "--load", "--sbom=true", "--provenance=mode=max")
        capas.ok("build", "-t", name, *flags, str(tmp_path / "context"))
        yield name


def peer(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout


def test_docker_reads_the_sbom_and_the_provenance(image: str) -> None:
    buildx = find_buildx()

    def read(what: str) -> dict[str, Any]:
        found = json.loads(peer(buildx, "imagetools", "inspect", image, "--format", f"{{{{json .{what}}}}}"))
        assert isinstance(found, dict)
        return found

    assert [one["name"] for one in read("SBOM")["SPDX"]["packages"]] == [image, "base-files"]
    definition = read("Provenance")["SLSA"]["buildDefinition"]
    assert definition["externalParameters"]["configSource"] == {"path": "Dockerfile"}


def test_skopeo_copies_the_image_alone_and_everything(image: str, tmp_path: Path) -> None:
    for words, count in (((), 1), (("--all",), 2)):
        target = tmp_path / f"copy{count}"
        peer(
            "skopeo",
            "--insecure-policy",
            "copy",
            "-q",
            *words,
            "--src-tls-verify=false",
            f"docker://{image}",
            f"oci:{target}:1",
        )
        top = json.loads((target / "index.json").read_text())["manifests"][0]
        document = json.loads((target / "blobs/sha256" / top["digest"].split(":")[1]).read_text())
        assert len(document.get("manifests", [1])) == count


def test_a_pull_takes_the_image_and_leaves_what_is_said_of_it(image: str, tmp_path: Path) -> None:
    other = Terminal(tmp_path / "other")
    other.ok("pull", image)
    assert len(other.ok("images", "-q").split()) == 1
    assert json.loads(other.ok("image", "sbom", image))["packages"][1]["name"] == "base-files"


def test_the_attestations_are_among_the_referrers_of_the_image(image: str, tmp_path: Path) -> None:
    index = json.loads(peer("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{image}"))
    about, attestation = (Digest(one["digest"]) for one in index["manifests"])
    settings = load_settings({"CAPAS_ROOT": str(tmp_path), "HOME": str(tmp_path)})
    repository = Client(settings).repository(Reference.parse(image))
    for _ in range(2):  # pushed again, it is listed once all the same
        (found,) = repository.referrers(about)
        assert found.digest == attestation
        assert found.artifact_type == "application/vnd.docker.attestation.manifest.v1+json"
        Terminal(tmp_path).ok("push", image)
