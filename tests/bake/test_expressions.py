"""Expressions of HCL: the values that docker's own bake (buildx 0.29) gave for them, in `expressions.tsv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.bake.files import read_files
from capas.errors import CapasError, Invalid

CASES = [line.split("\t") for line in (Path(__file__).parent / "expressions.tsv").read_text("utf-8").splitlines()]


def value_of(expression: str) -> object:
    text = f'target "default" {{ args = {{ X = jsonencode({expression}) }} }}\n'
    return read_files([("docker-bake.hcl", text)], {}, {}, {}).targets["default"].fields["args"]["X"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_expression_has_the_value_that_docker_gives_it(expression: str, expected: str) -> None:
    if expected == "error":
        with pytest.raises(CapasError):
            value_of(expression)
    else:
        assert value_of(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "1 +",
        "[1",
        "{a",
        '"${',
        '"%{if true}x"',
        "foo(",
        "a.",
        "${1}",
        "1 2",
        '"\n"',
        "<<X\nY\n",
        "[for x y: x]",
        "~}",
        "?",
    ],
)
def test_what_is_no_hcl_is_refused_at_its_place(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        value_of(expression)
    assert str(caught.value).startswith("docker-bake.hcl:")


@pytest.mark.parametrize("opening", ["[", "(", '"${', "{a=", "-", "!"])
def test_nesting_without_end_is_refused(opening: str) -> None:
    with pytest.raises(Invalid):
        value_of(opening * 20_000)


def test_a_function_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(CapasError) as caught:
        value_of("bcrypt(1)")
    assert "there is no function bcrypt" in str(caught.value)
    assert "upper" in caught.value.hint
