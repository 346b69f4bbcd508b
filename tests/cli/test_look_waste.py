"""`capas image waste` as a person, and as a pipeline, uses it."""

from __future__ import annotations

import json

import pytest

from support.changesets import file
from support.looking import make_engine, put_image
from support.terminal import Terminal

STEPS = ["RUN /bin/sh -c make # buildkit", "RUN /bin/sh -c rm -rf /build # buildkit"]


@pytest.fixture(scope="module")
def capas(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    root = tmp_path_factory.mktemp("waste")
    made = [file("build/\x1b[31m\u202e", b"1" * 400), file("usr/app", b"2" * 500), file("var/log/x\n", b"3" * 100)]
    put_image(make_engine(root), "app", made, [file(".wh.build")], steps=STEPS)
    return Terminal(root)


def test_the_summary_comes_first_and_the_mend_last(capas: Terminal) -> None:
    lines = capas.ok("image", "waste", "app").splitlines()
    assert lines[0] == "Efficiency: 50.0%: of 1kB in 2 layers, 400B are hidden by later layers, 100B left over"
    assert "     400B  deleted  0 → 1  /build" in lines
    assert "     100B  0  logs" in lines
    assert "      RUN make && rm -rf /build" in lines
    assert "      RUN make && find /var/log -type f -delete" in lines


def test_no_name_in_the_image_commands_the_terminal(capas: Terminal) -> None:
    assert capas.ok("image", "waste", "app").replace("\n", "").isprintable()
    assert capas.ok("image", "waste", "--format", "json", "app").isascii()


def test_json_has_everything_exactly(capas: Terminal) -> None:
    found = json.loads(capas.ok("image", "waste", "--format", "json", "app"))
    assert (found["Size"], found["Wasted"], found["Lost"], found["Left"], found["Efficiency"]) == (
        1000, 500, 400, 100, 0.5,
    )  # fmt: skip
    assert found["Losses"] == [
        {"Path": "/build/\x1b[31m\u202e", "Root": "/build", "Size": 400, "Layer": 0, "By": 1, "Why": "deleted"}
    ]
    assert found["Mends"][0]["Line"] == "RUN make && rm -rf /build"


@pytest.mark.parametrize(("limit", "code"), [("49%", 1), ("50%", 0), ("499B", 1), ("0.5kB", 0), ("20MB", 0), ("0", 1)])
def test_a_pipeline_fails_above_its_limit(capas: Terminal, limit: str, code: int) -> None:
    done = capas.run("image", "waste", "app", "--fail-above", limit)
    assert done.returncode == code
    assert ("more than" in done.stderr) is bool(code)


def test_a_limit_that_is_none_is_refused(capas: Terminal) -> None:
    assert "5% or 20MB" in capas.fails("image", "waste", "app", "--fail-above", "much")
