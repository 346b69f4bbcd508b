"""Which variables a line sees, and whose value wins."""

from __future__ import annotations

import pytest

from capas.dockerfile.expand import Expander, expand_instruction, expand_word
from capas.dockerfile.instructions import Arg, Env
from capas.dockerfile.parse import parse_dockerfile
from capas.dockerfile.scope import Scope, global_scope, list_known_args, proxy_args
from capas.errors import Invalid

AUTOMATIC = {"TARGETPLATFORM": "linux/amd64", "TARGETARCH": "amd64"}


def walk(text: str, *, env: dict[str, str] | None = None, **build_args: str) -> Scope:
    """The scope at the end of the last stage."""
    dockerfile = parse_dockerfile(text)
    scope = Scope.begin(env or {}, build_args, global_scope(dockerfile, build_args, AUTOMATIC))
    for instruction in dockerfile.stages[-1].instructions:
        if isinstance(instruction, Arg):
            scope = scope.with_arg(dockerfile, instruction)
        elif isinstance(instruction, Env):
            expanded = expand_instruction(instruction, Expander(scope.variables))
            assert isinstance(expanded, Env)
            scope = scope.with_env(expanded.pairs)
    return scope


def test_a_global_arg_is_seen_by_from_and_sees_the_ones_before_it() -> None:
    dockerfile = parse_dockerfile("ARG A=1 B=$A.2\nARG C=${B}-$TARGETARCH\nFROM debian:$C")
    variables = global_scope(dockerfile, {}, AUTOMATIC)
    assert expand_word(dockerfile.stages[0].base, variables) == "debian:1.2-amd64"
    assert global_scope(dockerfile, {"B": "x"}, AUTOMATIC)["C"] == "x-amd64"


def test_a_global_arg_is_not_seen_in_a_stage_until_it_is_declared_again() -> None:
    assert "A" not in walk("ARG A=1\nFROM x\nENV b=$A").variables
    assert walk("ARG A=1\nFROM x\nENV b=$A").env == {"b": ""}
    assert walk("ARG A=1\nFROM x\nARG A\nENV b=$A").env == {"b": "1"}


def test_a_default_of_the_stage_wins_over_the_global_one_and_the_command_line_over_both() -> None:
    assert walk("ARG A=1\nFROM x\nARG A=2").args == {"A": "2"}
    assert walk("ARG A=1\nFROM x\nARG A=2", A="3").args == {"A": "3"}
    assert walk("ARG A=1\nFROM x\nARG A", A="3").args == {"A": "3"}
    assert walk("FROM x\nARG A", A="").args == {"A": ""}


def test_an_argument_that_is_not_declared_is_not_seen() -> None:
    assert walk("FROM x\nRUN y", A="1").variables == {}


def test_an_arg_without_any_value_is_unset() -> None:
    assert walk("FROM x\nARG A\nENV b=${A-unset}").env == {"b": "unset"}


def test_an_arg_is_seen_from_its_own_line_on() -> None:
    assert walk("FROM x\nENV b=${A:-no}\nARG A=yes\nENV c=$A").env == {"b": "no", "c": "yes"}


def test_pairs_of_one_arg_see_those_before_them() -> None:
    assert walk("FROM x\nARG a=1 b=$a$a").args == {"a": "1", "b": "11"}


def test_platform_arguments_are_there_once_declared() -> None:
    assert walk("FROM x\nARG TARGETARCH").args == {"TARGETARCH": "amd64"}
    assert walk("FROM x\nARG TARGETARCH", TARGETARCH="arm64").args == {"TARGETARCH": "arm64"}


def test_env_wins_over_an_arg_before_it_and_stays_in_the_image() -> None:
    scope = walk("FROM x\nARG V=arg\nENV V=env", V="given")
    assert (scope.variables["V"], scope.env) == ("env", {"V": "env"})


def test_an_arg_after_env_is_for_the_build_alone() -> None:
    scope = walk("FROM x\nARG V=arg", env={"V": "base"})
    assert (scope.variables["V"], scope.env) == ("arg", {"V": "base"})
    assert walk("FROM x\nARG V", env={"V": "base"}).variables["V"] == "base"


def test_env_can_take_an_arg_with_a_default() -> None:
    assert walk("FROM x\nARG V\nENV V=${V:-v1}").env == {"V": "v1"}
    assert walk("FROM x\nARG V\nENV V=${V:-v1}", V="v2").env == {"V": "v2"}


def test_proxies_need_no_arg() -> None:
    assert proxy_args({"HTTP_PROXY": "a", "no_proxy": "b", "OTHER": "c"}) == {"HTTP_PROXY": "a", "no_proxy": "b"}


def test_every_argument_that_can_be_given_is_listed() -> None:
    known = list_known_args(parse_dockerfile("ARG A\nFROM x\nARG B=1 C\nFROM y\nARG D"), AUTOMATIC)
    assert {"A", "B", "C", "D", "http_proxy", "NO_PROXY", "TARGETARCH"} <= known
    assert "E" not in known


def test_a_default_that_cannot_be_expanded_is_pointed_at() -> None:
    with pytest.raises(Invalid, match="Dockerfile:2:1"):
        walk("FROM x\nARG A=${B:?needed}")
    with pytest.raises(Invalid, match="Dockerfile:1:1"):
        walk("ARG A=${B\nFROM x")
