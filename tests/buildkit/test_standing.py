"""Builds of buildx that stand on each other: targets of a bake file, and images of a layout at the client."""

from __future__ import annotations

import json
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from support.buildkitd import Buildx, write
from support.processes import is_running

pytestmark = pytest.mark.root
ATTESTS_NOTHING = "--set=*.attest=type=provenance,disabled=true"


def write_targets(folder: Path, **targets: dict[str, object]) -> Path:
    """A bake file of targets, each with the context that is a directory of its name."""
    given = {name: {"context": str(folder / name), **target} for name, target in targets.items()}
    path = folder / "bake.json"
    path.write_text(json.dumps({"target": given}))
    return path


def read_blobs(archive: Path) -> dict[str, bytes]:
    """The blobs of an archive by their digests."""
    with tarfile.open(archive) as opened:
        found = {one.name: opened.extractfile(one) for one in opened if one.isfile() and one.name.startswith("blobs/")}
        return {name: file.read() for name, file in found.items() if file is not None}


def bake(buildx: Buildx, path: Path, *words: str) -> str:
    """What buildx tells of baking it."""
    flags = ["--progress=plain", f"--allow=fs={path.parent}", "-f", str(path), ATTESTS_NOTHING]
    return buildx.ok("bake", *flags, *words)


def test_a_target_stands_on_others_and_is_what_capas_bake_makes_of_it(buildx: Buildx, tmp_path: Path) -> None:
    dockerfile = "FROM busybox\nARG WHO\nENV WHO=$WHO\nCOPY a.txt /\nRUN echo for $WHO >/who\nWORKDIR /w\n"
    write(tmp_path / "base", Dockerfile=dockerfile, a_txt="from base")
    write(tmp_path / "middle", Dockerfile="FROM below\nRUN cp /who $PWD/copy; echo $WHO >>copy\n")
    write(tmp_path / "app", Dockerfile="FROM mid\nCOPY --from=files /a.txt /b.txt\nRUN cat /b.txt copy\n")
    path = write_targets(
        tmp_path,
        base={"args": {"WHO": "ana"}, "labels": {"level": "base"}},
        middle={"contexts": {"below": "target:base"}},
        app={"contexts": {"mid": "target:middle", "files": "target:base"}},
    )
    assert "from base" in bake(buildx, path, "app", "--set=app.output=type=image,name=by-buildx")
    buildx.terminal.ok("bake", "-f", str(path), "app", "--set=app.output=type=image,name=by-capas")
    ids = [buildx.terminal.ok("inspect", "--format", "{{.Id}}", f"by-{one}") for one in ("buildx", "capas")]
    assert ids[0] == ids[1]


def test_what_another_target_gave_is_not_left_among_the_images(buildx: Buildx, tmp_path: Path) -> None:
    before = buildx.terminal.ok("image", "ls", "-a", "-q")
    write(tmp_path / "base", Dockerfile="FROM busybox\nRUN echo passing >/by\n")
    write(tmp_path / "app", Dockerfile="FROM base\nRUN cat /by\n")
    assert "passing" in bake(buildx, write_targets(tmp_path, base={}, app={"contexts": {"base": "target:base"}}), "app")
    assert buildx.terminal.ok("image", "ls", "-a", "-q") == before


def test_targets_of_several_platforms_stand_on_each_other(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "base", Dockerfile="FROM scratch\nARG TARGETARCH\nENV BASE=$TARGETARCH\nCOPY a /\n", a="a")
    write(tmp_path / "app", Dockerfile="FROM base\nCOPY b.txt /\n", b_txt="b")
    platforms = ["linux/amd64", "linux/arm64"]
    path = write_targets(
        tmp_path, base={"platforms": platforms}, app={"platforms": platforms, "contexts": {"base": "target:base"}}
    )
    archives = [tmp_path / "by-buildx.tar", tmp_path / "by-capas.tar"]
    bake(buildx, path, "app", f"--set=app.output=type=oci,dest={archives[0]}")
    buildx.terminal.ok("bake", "-f", str(path), "app", f"--set=app.output=type=oci,dest={archives[1]}")
    found = [read_blobs(one) for one in archives]
    assert found[0] == found[1]
    assert all(any(f"BASE={word}".encode() in blob for blob in found[0].values()) for word in ("amd64", "arm64"))


def test_a_target_that_fails_ends_what_stands_on_it(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "base", Dockerfile="FROM busybox\nRUN exit 7\n")
    write(tmp_path / "app", Dockerfile="FROM base\nRUN true\n")
    path = write_targets(tmp_path, base={}, app={"contexts": {"base": "target:base"}})
    told = buildx.fails("bake", f"--allow=fs={tmp_path}", "-f", str(path), ATTESTS_NOTHING, "app")
    assert "RUN exit 7 failed with exit code 7" in told


def test_targets_that_are_interrupted_end_together(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "base", Dockerfile="FROM busybox\nRUN echo begun; sleep 43210\n")
    write(tmp_path / "app", Dockerfile="FROM base\nRUN true\n")
    path = write_targets(tmp_path, base={}, app={"contexts": {"base": "target:base"}})
    words = ["bake", "--progress=plain", f"--allow=fs={tmp_path}", "-f", str(path), "app"]
    with subprocess.Popen([buildx.program, *words], env=buildx.environ, stderr=subprocess.PIPE, text=True) as client:
        assert client.stderr is not None
        assert any("begun" in line and "echo" not in line for line in client.stderr)
        client.send_signal(signal.SIGINT)
        client.stderr.read()
        assert client.wait(60) != 0
    deadline = time.monotonic() + 60
    while is_running("43210"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_image_of_a_layout_at_the_client_is_a_context(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "c", Dockerfile="FROM busybox\nENV LAID=out\nRUN echo of the layout >/word\n")
    buildx.terminal.ok("build", "-q", "-t", "laid", str(tmp_path / "c"))
    buildx.terminal.ok("save", "--format=oci", "-o", str(tmp_path / "laid.tar"), "laid")
    (tmp_path / "layout").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "laid.tar", "-C", tmp_path / "layout"], check=True)
    buildx.terminal.ok("rmi", "laid")
    told = buildx.build(
        tmp_path / "d", f"--build-context=base=oci-layout://{tmp_path / 'layout'}",
        Dockerfile="FROM base AS b\nRUN cat /word; echo $LAID\nFROM busybox\nCOPY --from=base /word /w\nRUN cat /w\n",
    )  # fmt: skip
    assert "of the layout" in told


def test_a_layout_whose_blob_is_not_what_it_is_called_is_refused(buildx: Buildx, tmp_path: Path) -> None:
    write(tmp_path / "c", Dockerfile="FROM busybox\nRUN echo to be broken >/broken\n")
    layout = tmp_path / "layout"
    buildx.terminal.ok("build", "-q", f"--output=type=oci,dest={tmp_path / 'o.tar'}", str(tmp_path / "c"))
    layout.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "o.tar", "-C", layout], check=True)
    manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    path = layout / "blobs" / manifest.replace(":", "/")
    path.write_bytes(path.read_bytes().replace(b'"schemaVersion":2', b'"schemaVersion": 2'))
    told = buildx.fails_to_build(
        tmp_path / "d", f"--build-context=base=oci-layout://{layout}@{manifest}", Dockerfile="FROM base\n"
    )
    assert manifest[:19] in told
