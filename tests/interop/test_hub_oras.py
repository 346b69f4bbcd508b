"""oras (its Python client, from PyPI) speaks to our hub: artifacts whole and in chunks, tags, subjects."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import oras.client
import pytest

from support.hub import running_hub
from support.hub_client import HubClient, digest_of

REPOSITORY = "of/oras"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubClient]:
    with running_hub(tmp_path / "hub") as address:
        client = HubClient(address, REPOSITORY)
        yield client
        client.close()


@pytest.fixture
def client(hub: HubClient) -> oras.client.OrasClient:
    return oras.client.OrasClient(hostname=hub.address, insecure=True)


def make_file(folder: Path, size: int) -> tuple[Path, bytes]:
    folder.mkdir(exist_ok=True)
    data = os.urandom(size)
    path = folder / "model.bin"
    path.write_bytes(data)
    return path, data


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_what_oras_pushes_it_pulls_back(
    hub: HubClient, client: oras.client.OrasClient, tmp_path: Path, chunked: bool
) -> None:
    path, data = make_file(tmp_path / "out", 300_000)
    target = f"{hub.address}/{REPOSITORY}:v1"
    pushed = client.push(
        target,
        files=[f"{path}:application/x.model"],
        disable_path_validation=True,
        do_chunked=chunked,
        chunk_size=65536,
    )
    assert pushed.status_code in (200, 201)
    assert hub.send("GET", f"blobs/{digest_of(data)}").data == data
    [pulled] = client.pull(target, outdir=str(tmp_path / "back"))
    assert Path(pulled).read_bytes() == data


def test_oras_lists_and_deletes_tags(hub: HubClient, client: oras.client.OrasClient, tmp_path: Path) -> None:
    path, _ = make_file(tmp_path / "out", 1000)
    for tag in ("one", "two"):
        client.push(f"{hub.address}/{REPOSITORY}:{tag}", files=[str(path)], disable_path_validation=True)
    assert sorted(client.get_tags(f"{hub.address}/{REPOSITORY}")) == ["one", "two"]
    client.delete_tags(f"{hub.address}/{REPOSITORY}", ["one"])
    assert hub.send("HEAD", "manifests/one").status == 404


def test_oras_attaches_to_a_subject(hub: HubClient, client: oras.client.OrasClient, tmp_path: Path) -> None:
    subject = hub.push_image("v1")
    path, _ = make_file(tmp_path / "out", 1000)
    described = oras.oci.Subject.from_manifest(json.loads(subject.data))
    described.digest, described.size = subject.digest, len(subject.data)
    client.push(f"{hub.address}/{REPOSITORY}:sbom", files=[str(path)], disable_path_validation=True, subject=described)
    found = json.loads(hub.send("GET", f"referrers/{subject.digest}").data)["manifests"]
    assert len(found) == 1
