"""`buildx history`: the last builds of the server, what they were told, and what they said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.buildkitd import Buildx

pytestmark = pytest.mark.root


def newest(buildx: Buildx) -> dict[str, str]:
    """What is listed of the last build."""
    first = buildx.ok("history", "ls", "--format", "json").splitlines()[0]
    found: dict[str, str] = json.loads(first)
    return found


def test_the_last_builds_are_listed_with_how_they_ended(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path / "good", Dockerfile="FROM busybox\nRUN true\n")
    assert newest(buildx)["status"] == "Completed"
    buildx.fails_to_build(tmp_path / "bad", Dockerfile="FROM busybox\nRUN exit 5\n")
    found = newest(buildx)
    assert found["status"] == "Error"
    assert "bad" in found["name"]


def test_a_build_s_words_are_told_again(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path, Dockerfile="FROM busybox\nRUN echo said once\n")
    for _ in range(2):
        told = buildx.ok("history", "logs", "--progress=plain")
        assert re.search(r"\d said once", told)
        assert "[2/2] RUN echo said once" in told


def test_what_a_build_was_told_is_shown(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path, "--build-arg=WHO=ana", Dockerfile="FROM busybox\nARG WHO\nRUN echo $WHO\n")
    told = buildx.ok("history", "inspect")
    assert "WHO" in told and "ana" in told
    assert re.search(r"Build Steps:\s+\d+/\d+", told), told


def test_logins_of_addresses_and_of_caches_are_not_told(buildx: Buildx, tmp_path: Path) -> None:
    flags = ["--build-context=more=https://ana:sesame@localhost:1/x.tar", "--cache-from=type=local,src=/none/sesame"]
    buildx.build(tmp_path, *flags, Dockerfile="FROM busybox\nRUN true\n")
    told = buildx.ok("history", "inspect") + buildx.ok("history", "inspect", "--format", "json")
    assert "localhost:1/x.tar" in told
    assert "sesame" not in told


def test_why_a_build_failed_is_shown(buildx: Buildx, tmp_path: Path) -> None:
    buildx.fails_to_build(tmp_path, Dockerfile="FROM busybox\nRUN exit 6\n")
    assert "failed with exit code 6" in buildx.ok("history", "inspect")


def test_a_build_is_forgotten(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path, Dockerfile="FROM busybox\nRUN echo to be forgotten\n")
    ref = newest(buildx)["ref"].rpartition("/")[2]
    buildx.ok("history", "rm", ref)
    assert ref not in buildx.ok("history", "ls", "--format", "json")


def test_questions_about_capabilities_are_no_builds(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path, Dockerfile="FROM busybox\nRUN echo one alone\n")
    before = len(buildx.ok("history", "ls", "--format", "json").splitlines())
    buildx.build(tmp_path)
    assert len(buildx.ok("history", "ls", "--format", "json").splitlines()) == before + 1
