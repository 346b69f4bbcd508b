"""fsck finds what is missing, damaged, stray or unlinked, mends it, and deletes nothing that can be pulled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.keeping.fsck import Finding, check
from capas.hub.records.links import Links
from capas.oci.digest import Digest
from capas.store.put import put
from support.asgi import Direct
from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, describe, digest_of


class Damaged:
    """A hub with one image (`layer`, `{}`) and the means to hurt it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app = create_app(root, options=Options(grace_seconds=0))
        self.client = Direct(self.app)
        self.layer = Digest(digest_of(b"layer"))
        self.manifest = self.push()

    def push(self, tag: str = "v1") -> str:
        for data in (b"{}", b"layer"):
            sent = self.client.send("POST", f"/v2/app/blobs/uploads/?digest={digest_of(data)}", data)
            assert sent.status == 201
        document = {"schemaVersion": 2, "config": describe(CONFIG, b"{}"), "layers": [describe(LAYER, b"layer")]}
        return self.put(tag, json.dumps(document).encode(), MANIFEST)

    def put(self, tag: str, data: bytes, media_type: str) -> str:
        answer = self.client.send("PUT", f"/v2/app/manifests/{tag}", data, {"content-type": media_type})
        assert answer.status == 201, answer.data
        return answer.headers["docker-content-digest"]

    def path(self, digest: Digest) -> Path:
        return self.root / "blobs" / "sha256" / digest.hex

    def check(self, *, repair: bool = False, read: bool = True) -> list[Finding]:
        return list(check(self.app.hub, repair=repair, read=read))

    def kinds(self, **flags: bool) -> set[tuple[str, bool]]:
        return {(one.kind, one.repaired) for one in self.check(**flags)}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Damaged]:
    made = Damaged(tmp_path)
    yield made
    made.client.close()


def test_a_whole_hub_has_nothing_wrong(hub: Damaged) -> None:
    assert hub.check() == []


@pytest.mark.parametrize("how", ["missing", "damaged", "shorter"])
def test_a_lost_or_damaged_blob_is_found_and_healed_by_the_next_push(hub: Damaged, how: str) -> None:
    path = hub.path(hub.layer)
    path.unlink()
    if how != "missing":
        path.write_bytes(b"lAyer" if how == "damaged" else b"lay")
    expected = "missing" if how == "missing" else "damaged"
    assert hub.kinds() == {(expected, False)}
    assert hub.kinds(repair=True) == {(expected, True), ("incomplete", False)}
    assert not path.exists()
    assert hub.client.send("HEAD", f"/v2/app/blobs/{hub.layer}").status == 404, "so that a client sends it again"
    hub.push()
    assert hub.check() == []
    assert hub.client.send("GET", f"/v2/app/blobs/{hub.layer}").data == b"layer"


def test_other_bytes_of_the_same_size_are_found_only_by_reading(hub: Damaged) -> None:
    hub.path(hub.layer).unlink()
    hub.path(hub.layer).write_bytes(b"lAyer")
    assert hub.check(read=False) == []
    assert hub.kinds() == {("damaged", False)}


def test_bytes_that_no_record_knows_are_collected_after_a_repair(hub: Damaged) -> None:
    stray = Digest.of(b"stray")
    put(hub.app.hub.blobs, b"stray")
    collect(hub.app.hub)
    assert hub.path(stray).exists(), "collect looks at the records alone"
    assert hub.kinds(repair=True) == {("stray", True)}
    collect(hub.app.hub)
    assert not hub.path(stray).exists()
    assert hub.check() == []


def test_a_link_that_was_lost_is_made_again(hub: Damaged) -> None:
    Links(hub.app.hub.database).unlink("app", hub.layer)
    assert hub.client.send("GET", f"/v2/app/blobs/{hub.layer}").status == 404
    assert hub.kinds() == {("unlinked", False)}
    assert hub.kinds(repair=True) == {("unlinked", True)}
    assert hub.client.send("GET", f"/v2/app/blobs/{hub.layer}").data == b"layer"
    assert hub.check() == []


def test_an_index_whose_child_was_deleted_is_told(hub: Damaged) -> None:
    data = hub.client.send("GET", "/v2/app/manifests/v1").data
    hub.put("all", json.dumps({"schemaVersion": 2, "manifests": [describe(MANIFEST, data)]}).encode(), INDEX)
    hub.client.send("DELETE", f"/v2/app/manifests/{hub.manifest}")
    [finding] = hub.check()
    assert finding.kind == "incomplete"
    assert hub.manifest in finding.text


def test_a_manifest_with_other_bytes_is_told(hub: Damaged) -> None:
    from capas.hub.records.tables.images import manifests

    hub.app.hub.database.write(lambda db: db.execute(manifests.update().values(data=b"{}")))
    assert ("manifest", False) in hub.kinds(repair=True)


def test_the_command_tells_as_json_and_by_its_exit_code(hub: Damaged) -> None:
    def fsck(*flags: str) -> subprocess.CompletedProcess[str]:
        environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src"), "LANG": "C.UTF-8"}
        command = [sys.executable, "-m", "capas", "hub", "fsck", "--root", str(hub.root), *flags]
        return subprocess.run(command, capture_output=True, text=True, env=environ)

    assert (fsck().returncode, fsck().stdout) == (0, "Everything is whole\n")
    hub.path(hub.layer).unlink()
    found = fsck("--format", "json")
    assert found.returncode == 1
    first = json.loads(found.stdout.splitlines()[0])
    assert (first["kind"], first["subject"], first["repaired"]) == ("missing", hub.layer, False)
    assert "Traceback" not in found.stderr
