"""Caches of builds by buildx: in a registry, in a directory of the client, and what is kept of a context it sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.buildkitd import Buildx
from support.registry_peer import running_registry

pytestmark = pytest.mark.root
DOCKERFILE = "FROM busybox AS one\nRUN echo {} >/made\nFROM busybox\nCOPY --from=one /made /\n"


def forget(buildx: Buildx) -> None:
    buildx.terminal.ok("builder", "prune", "-af")


def test_a_cache_in_a_directory_of_the_client_is_written_and_read(buildx: Buildx, tmp_path: Path) -> None:
    context, cache = tmp_path / "c", tmp_path / "cache"
    told = buildx.build(
        context, f"--cache-to=type=local,dest={cache},mode=max", Dockerfile=DOCKERFILE.format("directory")
    )
    assert "exporting cache to" in told
    forget(buildx)
    told = buildx.build(context, f"--cache-from=type=local,src={cache}", f"--output={tmp_path / 'out'}")
    assert told.count("CACHED") == 2
    assert (tmp_path / "out/made").read_text() == "directory\n"


def test_a_cache_in_a_registry_is_written_and_read(buildx: Buildx, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        ref = f"type=registry,ref={registry}/team/cache:1"
        buildx.build(tmp_path / "c", f"--cache-to={ref},mode=max", Dockerfile=DOCKERFILE.format("registry"))
        forget(buildx)
        assert buildx.build(tmp_path / "c", f"--cache-from={ref}").count("CACHED") == 2


def test_a_cache_inside_a_pushed_image_is_read(buildx: Buildx, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        name = f"{registry}/team/app:1"
        flags = ["--push", f"--tag={name}", "--cache-to=type=inline"]
        buildx.build(tmp_path / "c", *flags, Dockerfile="FROM busybox\nRUN echo inline >/made\n")
        forget(buildx)
        assert "CACHED" in buildx.build(tmp_path / "c", f"--cache-from={name}")


def test_a_cache_of_another_kind_is_refused_by_name(buildx: Buildx, tmp_path: Path) -> None:
    told = buildx.fails_to_build(tmp_path, "--cache-to=type=oss,bucket=x", Dockerfile="FROM scratch\n")
    assert "--cache-to: there is no cache of type 'oss'" in told


def test_of_a_context_only_what_changed_is_sent_again(buildx: Buildx, tmp_path: Path) -> None:
    dockerfile = "FROM scratch\nCOPY . /\n"
    first = buildx.build(tmp_path / "c", Dockerfile=dockerfile, a_txt="a" * 5000, b_txt="b" * 300)
    assert "transferring context 5.3" in first
    again = buildx.build(tmp_path / "c", f"--output={tmp_path / 'out'}", b_txt="c" * 301)
    assert "transferring context 301B" in again
    assert (tmp_path / "out/a.txt").read_text() == "a" * 5000
    assert (tmp_path / "out/b.txt").read_text() == "c" * 301
    assert "files of a client: c:" in buildx.ok("du", "--verbose")
