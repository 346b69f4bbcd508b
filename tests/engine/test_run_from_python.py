"""`capas.run`: containers from Python."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.engine.container_request import ContainerRequest
from capas.engine.engine import Engine
from capas.errors import Invalid, NotFound
from capas.settings import load_settings
from support.busybox import make_tree

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    place = Path(tempfile.mkdtemp(prefix="capas-python-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    tar = shutil.make_archive(str(place / "tree"), "tar", make_tree(place / "tree"))
    engine = Engine(
        load_settings({"CAPAS_ROOT": f"{place}/root", "CAPAS_RUN_ROOT": f"{place}/run", "PATH": os.environ["PATH"]})
    )
    with open(tar, "rb") as stream:
        engine.images.import_(stream, "busybox", changes=["CMD echo default"])
    yield engine
    shutil.rmtree(place, ignore_errors=True)


def test_what_a_container_printed_comes_back_stream_by_stream(engine: Engine) -> None:
    done = engine.containers.run_captured("busybox", ["sh", "-c", "cat; echo err >&2; exit 3"], stdin=b"in")
    assert done == (3, b"in", b"err\n")
    assert engine.containers.list(every=True) == []


def test_the_image_s_command_is_the_default(engine: Engine) -> None:
    assert engine.containers.run_captured("busybox").stdout == b"default\n"


def test_options_are_docker_s_flags(engine: Engine) -> None:
    request = ContainerRequest(env=["A=1"], workdir="/tmp", tmpfs=["/scratch"])
    done = engine.containers.run_captured("busybox", ["sh", "-c", "echo $A; pwd; touch /scratch/x"], request)
    assert done == (0, b"1\n/tmp\n", b"")


def test_errors_are_kinds(engine: Engine) -> None:
    with pytest.raises(NotFound):
        engine.containers.run_captured("busybox", ["no-such-command"])
    with pytest.raises(Invalid):
        engine.containers.run_captured("busybox", request=ContainerRequest(memory="much"))
    assert engine.containers.list(every=True) == []
