"""The same Dockerfile, context and base built by Capas and by docker (BuildKit): the images say and hold the same.

Needs the lab's root with docker: `tools/lab.py make`. What is meant to differ is written down here, with the reason.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.same_builds import differing, read_archive, write_context
from support.trees import Seen

TOP = Path(__file__).parents[2]
sys.path[:0] = [str(TOP / "tools"), str(TOP / "examples")]

import lab  # noqa: E402
from bases import busybox_tar  # noqa: E402

BUILDS = Path(__file__).parent / "builds"
NAMES = sorted(path.name.removesuffix(".Dockerfile") for path in BUILDS.glob("*.Dockerfile"))
FLAGS = ("--network", "host", "--build-arg", "GIVEN=given")

pytestmark = [
    pytest.mark.root,
    pytest.mark.peer("skopeo"),
    pytest.mark.peer("umoci"),
    pytest.mark.xdist_group("docker-builds"),
    pytest.mark.skipif(bool(lab.find_missing()), reason=lab.find_missing()),
]


class Built(NamedTuple):
    """The image of one builder."""

    config: dict[str, Any]
    tree: dict[bytes, Seen]


class Pair(NamedTuple):
    """The same Dockerfile's images."""

    name: str
    ours: Built
    theirs: Built


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("same")


@pytest.fixture(scope="module")
def docker(work: Path) -> Iterator[Callable[..., None]]:
    """Docker's client on a daemon of its own."""
    root = lab.Root(f"test-{os.getpid()}")
    daemon = lab.Docker(root, root.name, work / "docker", "overlay2")
    try:
        daemon.start()
        yield lambda *words: run(daemon.argv(*map(str, words)), dict(os.environ))
    finally:
        daemon.stop()
        root.close()


@pytest.fixture(scope="module")
def capas(work: Path) -> Callable[..., None]:
    """Our own command line on a store of its own."""
    program = str(Path(sys.executable).with_name("capas"))
    env = {**os.environ, "CAPAS_ROOT": str(work / "capas"), "CAPAS_RUN_ROOT": str(work / "capas-run")}
    return lambda *words: run((program, *map(str, words)), env)


@pytest.fixture(scope="module")
def context(work: Path, capas: Callable[..., None], docker: Callable[..., None]) -> Path:
    """The context, once both have the base: busybox with the mount points that any base has."""
    base, image = work / "busybox.tar", work / "busybox-image.tar"
    data = io.BytesIO(busybox_tar())
    with tarfile.open(fileobj=data, mode="a") as tar:
        for name in ("proc", "sys"):
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o555
            tar.addfile(member)
    base.write_bytes(data.getvalue())
    capas("import", "--change", 'CMD ["sh"]', base, "busybox")
    capas("save", "-o", image, "busybox")
    docker("load", "-i", image)
    return write_context(work / "context")


@pytest.fixture(scope="module", params=NAMES)
def pair(
    request: pytest.FixtureRequest, work: Path, context: Path, capas: Callable[..., None], docker: Callable[..., None]
) -> Pair:
    file = BUILDS / f"{request.param}.Dockerfile"
    found = []
    for name, builder in (("ours", capas), ("theirs", docker)):
        place = work / request.param / name
        place.mkdir(parents=True)
        builder("build", "-q", *FLAGS, "-f", file, "-t", f"same/{request.param}", context)
        builder("save", "-o", place / "image.tar", f"same/{request.param}")
        found.append(Built(*read_archive(place / "image.tar", place)))
    return Pair(request.param, *found)


def run(argv: tuple[str, ...], env: dict[str, str]) -> None:
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    assert not done.returncode, f"{' '.join(argv)}: {done.stderr[-2000:]}"


def test_the_config_is_the_same_field_by_field(pair: Pair) -> None:
    ours, theirs = dict(pair.ours.config), dict(pair.theirs.config)
    assert differing(ours.pop("config"), theirs.pop("config")) == {}
    for compared in (ours, theirs):
        for name in ("created", "rootfs", "history"):  # times; layers are compared as trees; the next test
            compared.pop(name)
    assert differing(ours, theirs) == {}


def test_the_history_tells_the_same_steps(pair: Pair) -> None:
    assert steps(pair.ours) == steps(pair.theirs)


def test_the_tree_is_the_same_entry_by_entry(pair: Pair) -> None:
    ours, theirs = (
        {path: comparable(path, seen) for path, seen in built.tree.items() if not is_chowned(path)}
        for built in (pair.ours, pair.theirs)
    )
    assert differing(ours, theirs) == {}


def steps(built: Built) -> list[str]:
    """What the history says; of a health check docker prints how its program keeps it."""
    told = [str(line.get("created_by")) for line in built.config["history"]]
    return ["HEALTHCHECK" if text.startswith("HEALTHCHECK") else text for text in told]


def comparable(path: bytes, seen: Seen) -> Seen:
    """Without what is meant to differ."""
    if path.endswith(b"/environment"):  # RUN knows the time of the build, so that what it makes can be made again
        lines = [line for line in seen.content.splitlines() if not line.startswith(b"SOURCE_DATE_EPOCH=")]
        seen = seen._replace(content=b"\n".join(lines), size=0)
    return seen


def is_chowned(path: bytes) -> bool:
    """ADD --chown of an archive: what it holds is chowned too, as by BuildKit from 0.23 on; docker 26 has an older."""
    return path.startswith(b"chowned/")
