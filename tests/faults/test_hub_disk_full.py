"""A hub on a full disk says so and keeps no half blob."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub import running_hub
from support.hub_client import HubClient, code_of, digest_of

pytestmark = pytest.mark.root


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubClient]:
    """A hub that has 3 MiB of disk."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "capas-test", str(tmp_path)], check=True)
    try:
        with running_hub(tmp_path / "hub") as address:
            client = HubClient(address, "app")
            yield client
            client.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("size", [2_900_000, 8_000_000])
def test_a_blob_too_large_for_the_disk_is_refused(hub: HubClient, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    digest = digest_of(data)
    small = hub.push_blob(b"small" * 50_000)
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    answer = hub.send("PUT", f"{location}?digest={digest}", body=data)
    assert (answer.status, code_of(answer)) == (507, "UNAVAILABLE")
    assert hub.send("GET", location).status == 404
    assert hub.send("HEAD", f"blobs/{digest}").status == 404
    assert not list((tmp_path / "hub" / "ingest").iterdir())
    assert hub.send("GET", f"blobs/{small}").data == b"small" * 50_000
    hub.push_blob(os.urandom(500_000))


def test_a_manifest_on_a_full_disk_is_refused_and_leaves_nothing(hub: HubClient, tmp_path: Path) -> None:
    pushed = hub.push_image("v1")
    filler = tmp_path / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    answers = [hub.put(f"many-{number}", pushed.data) for number in range(40)]  # the log of the records has some room
    refused = [answer for answer in answers if answer.status != 201]
    assert refused, "the disk was never full"
    assert {(answer.status, code_of(answer)) for answer in refused} == {(507, "UNAVAILABLE")}
    filler.unlink()
    taken = [f"many-{number}" for number, answer in enumerate(answers) if answer.status == 201]
    assert json.loads(hub.send("GET", "tags/list").data)["tags"] == sorted([*taken, "v1"])
    assert hub.put("after", pushed.data).status == 201
