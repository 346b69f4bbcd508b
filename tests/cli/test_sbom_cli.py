"""`capas image sbom` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

from support.building import write_files
from support.tars import make_tar
from support.terminal import Terminal

STATUS = b"Package: base-files\nStatus: install ok installed\nVersion: 12.4\nArchitecture: amd64\n"
TREE = {"var": None, "var/lib": None, "var/lib/dpkg": None, "var/lib/dpkg/status": STATUS}


def test_the_packages_of_an_image_are_printed_in_either_format(tmp_path: Path) -> None:
    capas = Terminal(tmp_path)
    capas.ok("import", "-", "me/app:1", stdin=make_tar(TREE))
    spdx = json.loads(capas.ok("image", "sbom", "me/app:1"))
    assert [package["name"] for package in spdx["packages"]] == ["me/app:1", "base-files"]
    cyclonedx = json.loads(capas.ok("image", "sbom", "--format", "cyclonedx", "me/app:1"))
    assert [component["name"] for component in cyclonedx["components"]] == ["base-files"]


def test_an_sbom_is_written_to_a_file(tmp_path: Path) -> None:
    capas = Terminal(tmp_path)
    capas.ok("import", "-", "me/app:1", stdin=make_tar(TREE))
    assert capas.ok("image", "sbom", "-o", str(tmp_path / "sbom.json"), "me/app:1") == ""
    assert json.loads((tmp_path / "sbom.json").read_text())["spdxVersion"] == "SPDX-2.3"


def test_an_image_that_is_not_here_has_no_sbom(tmp_path: Path) -> None:
    assert "no such image: nope" in Terminal(tmp_path).fails("image", "sbom", "nope")


def test_an_attested_image_has_an_index_to_annotate(tmp_path: Path) -> None:
    capas = Terminal(tmp_path)
    write_files(tmp_path / "context", {"Dockerfile": "FROM scratch\nLABEL a=b\n"})
    words = ("build", "-t", "me/app:1", "--annotation", "index:org.test=1", str(tmp_path / "context"))
    assert "annotation org.test is for an index" in capas.fails(*words)
    capas.ok(*words, "--provenance=true", "-o", f"type=oci,dest={tmp_path}/layout,tar=false")
    top = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"][0]
    index = json.loads((tmp_path / "layout/blobs/sha256" / top["digest"].split(":")[1]).read_text())
    assert index["annotations"] == {"org.test": "1"}


def test_attestations_of_bare_files_are_told_to_be_left_out(tmp_path: Path) -> None:
    capas = Terminal(tmp_path)
    write_files(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY x /\n", "x": "x"})
    done = capas.run("build", "--sbom=true", "-o", str(tmp_path / "out"), str(tmp_path / "context"))
    assert done.returncode == 0
    assert "attestations stand beside images" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x"]
