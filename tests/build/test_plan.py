"""Plans: which stages and images are needed, and what is wrong is shown where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import Denied, Invalid, NotFound
from support.building import Workshop


def build(workshop: Workshop, context: Path, text: str, **wishes: object) -> list[str]:
    """The images asked for."""
    workshop.pulled.clear()
    workshop.build(context, dockerfile_text=text, **wishes)
    return sorted(name for name, _ in workshop.pulled)


def test_only_needed_stages_are_planned(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM nowhere AS unused\nRUN false\nFROM base AS used\nFROM used"
    assert build(workshop, tmp_path, text) == ["base:latest"]


def test_a_target_ends_the_build_there(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base AS first\nLABEL at=first\nFROM nowhere AS second"
    built = workshop.build(tmp_path, dockerfile_text=text, target="First")
    assert built.image.config.execution.labels == {"at": "first"}


def test_a_target_can_be_a_number(workshop: Workshop, tmp_path: Path) -> None:
    assert build(workshop, tmp_path, "FROM base\nFROM nowhere", target="0") == ["base:latest"]


def test_an_unknown_target_suggests_another(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        build(workshop, tmp_path, "FROM base AS builder\nFROM base", target="bulder")
    assert caught.value.hint == "did you mean builder?"


def test_the_base_can_be_an_argument(workshop: Workshop, tmp_path: Path) -> None:
    assert build(workshop, tmp_path, "ARG BASE=nowhere\nFROM $BASE", build_args={"BASE": "base"}) == ["base:latest"]


def test_a_base_that_is_nothing_is_an_error_with_a_place(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"Dockerfile:2:1: FROM \$BASE names nothing"):
        build(workshop, tmp_path, "ARG BASE\nFROM $BASE")


def test_a_base_that_is_not_there_points_at_its_line(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"Dockerfile:2:1: no such image: nowhere:latest"):
        build(workshop, tmp_path, "# nothing\nFROM nowhere")


def test_an_image_asked_for_twice_is_fetched_once(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base AS one\nFROM base AS two\nCOPY --from=base /etc/passwd /x\nCOPY --from=one /etc/group /y"
    assert build(workshop, tmp_path, text) == ["base:latest"]


def test_pull_is_passed_on(workshop: Workshop, tmp_path: Path) -> None:
    build(workshop, tmp_path, "FROM base", pull=True)
    assert workshop.pulled == [("base:latest", True)]


def test_a_stage_cannot_copy_from_itself_or_from_a_later_one(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"Dockerfile:2:1: .*copy from itself"):
        build(workshop, tmp_path, "FROM base AS one\nCOPY --from=one /a /b")
    with pytest.raises(Invalid, match="a stage that comes after it"):
        build(workshop, tmp_path, "FROM base\nCOPY --from=later /a /b\nFROM base AS later", target="0")


def test_a_number_beyond_the_stages_is_an_error(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no stage number 7"):
        build(workshop, tmp_path, "FROM base\nCOPY --from=7 /a /b")


def test_a_later_stage_of_the_same_name_as_its_base_uses_the_image(workshop: Workshop, tmp_path: Path) -> None:
    assert build(workshop, tmp_path, "FROM base AS base\nLABEL a=b") == ["base:latest"]


def test_equal_stages_run_once(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    text = (
        "FROM base AS a\nCOPY f /f\nFROM base AS b\nCOPY f /f\nFROM scratch\nCOPY --from=a /f /a\nCOPY --from=b /f /b"
    )
    assert workshop.build(tmp_path, dockerfile_text=text).steps == 3


def test_many_stages_in_a_row_are_no_problem(workshop: Workshop, tmp_path: Path) -> None:
    stages = [f"FROM s{number} AS s{number + 1}" for number in range(2000)]
    assert build(workshop, tmp_path, "\n".join(["FROM base AS s0", *stages])) == ["base:latest"]


def test_a_bad_variable_points_at_its_line(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"Dockerfile:3:1: "):
        build(workshop, tmp_path, 'FROM base\nARG A\nENV B="${A?must be given}"')


def test_a_dockerfile_cannot_grant_itself_rights(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Denied, match="Dockerfile:2:1: RUN --security=insecure is not granted"):
        build(workshop, tmp_path, "FROM base\nRUN --security=insecure true")


def test_the_host_network_is_for_whoever_builds_to_grant(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Denied, match="Dockerfile:2:1: RUN --network=host is not granted") as caught:
        build(workshop, tmp_path, "FROM base\nRUN --network=host true")
    assert "--allow network.host" in caught.value.hint


def test_the_stage_that_a_mount_names_is_needed(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Dockerfile:2:1: missing is not in the build context"):
        build(workshop, tmp_path, "FROM base AS a\nCOPY missing /f\nFROM base\nRUN --mount=target=/x,from=a true")


@pytest.mark.parametrize(
    ("mount", "why"),
    [("target=/x,from=b", "itself"), ("target=/x,from=9", "no stage number 9"), ("target=/", "whole tree")],
)
def test_a_mount_that_cannot_be_is_named(workshop: Workshop, tmp_path: Path, mount: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        build(workshop, tmp_path, f"FROM base AS a\nFROM base AS b\nRUN --mount={mount} true")


def test_a_failure_stops_the_others_and_leaves_no_scratch(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    stages = "FROM base AS a\nCOPY missing /f\nFROM base AS b\nCOPY f /f\n"
    text = f"{stages}FROM scratch\nCOPY --from=a / /a\nCOPY --from=b / /b"
    with pytest.raises(NotFound, match="Dockerfile:2:1: missing is not in the build context"):
        build(workshop, tmp_path, text)
    scratch = workshop.root / "cache" / "scratch"
    assert [path.name for path in scratch.iterdir() if not path.name.startswith(".")] == []
    assert not list((workshop.store.root / "leases").iterdir())
