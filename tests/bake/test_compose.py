"""Compose files: their build sections are targets."""

from __future__ import annotations

from typing import Any

import pytest

from capas.bake.files import parse_dotenv, read_files
from capas.bake.interpolation import interpolate
from capas.errors import CapasError, Invalid


def targets(text: str, **environ: str) -> dict[str, Any]:
    return {name: one.fields for name, one in read_files([("compose.yaml", text)], environ, {}, {}).targets.items()}


def test_every_service_with_a_build_section_is_a_target() -> None:
    text = "services:\n  web:\n    build: ./web\n  my.db:\n    build:\n      context: db\n  cache:\n    image: redis\n"
    definition = read_files([("compose.yaml", text)], {}, {}, {})
    assert definition.groups == {"default": ("web", "my_db")}
    assert definition.targets["web"].fields == {"context": "web"}


def test_the_fields_of_a_build_section_are_read() -> None:
    found = targets("""
services:
  web:
    image: me/web:${TAG:-dev}
    build:
      context: ./web
      dockerfile: Web.Dockerfile
      args: ["A=1", "PASSED", "GONE"]
      labels: {l: 1}
      target: prod
      cache_from: ["x/y:cache"]
      additional_contexts: {res: ./res, alpine: "docker-image://alpine"}
      secrets: [tok, {source: envy}]
      ssh: [default]
      extra_hosts: ["h=1.2.3.4", "i:::1"]
      ulimits: {nofile: {soft: 1, hard: 2}}
      network: host
      no_cache: true
secrets:
  tok: {file: ./tok.txt}
  envy: {environment: ENVY}
""", PASSED="p")["web"]  # fmt: skip
    assert found == {
        "tags": ["me/web:dev"], "context": "web", "dockerfile": "Web.Dockerfile", "args": {"A": "1", "PASSED": "p"},
        "labels": {"l": "1"}, "target": "prod", "cache-from": [{"type": "registry", "ref": "x/y:cache"}],
        "contexts": {"res": "res", "alpine": "docker-image://alpine"},
        "secret": [{"id": "tok", "src": "tok.txt"}, {"id": "envy", "env": "ENVY"}], "ssh": [{"id": "default"}],
        "extra-hosts": {"h": "1.2.3.4", "i": "::1"}, "ulimits": ["nofile=1:2"], "network": "host",
        "entitlements": ["network.host"], "no-cache": True,
    }  # fmt: skip


def test_x_bake_adds_to_lists_and_overrides_the_rest() -> None:
    found = targets("""
services:
  web:
    build:
      context: .
      tags: [a]
      platforms: [linux/arm64]
      x-bake:
        tags: b
        platforms: [linux/amd64]
        output: type=docker
        pull: true
""")["web"]
    assert found["tags"] == ["a", "b"]
    assert found["platforms"] == ["linux/arm64", "linux/amd64"]
    assert found["output"] == [{"type": "docker"}]
    assert found["pull"] is True


def test_a_bake_file_has_the_last_word_over_a_compose_file() -> None:
    files = [("docker-bake.hcl", 'target "web" { args = { A = "2" } }'),
             ("compose.yaml", "services: {web: {build: {context: ., args: {A: 1, B: 1}}}}")]  # fmt: skip
    assert read_files(files, {}, {}, {}).targets["web"].fields["args"] == {"A": "2", "B": "1"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("$A", "a"), ("${A}b", "ab"), ("$$A", "$A"), ("${NO}", ""), ("${NO:-d}", "d"), ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""), ("${A:+x}", "x"), ("${NO+x}", ""), ("${NO:-${A:-${B}}}", "a"), ("100$", "100$"),
        ("${NO:-$A}", "a"), ("$9", "$9"),
    ],
)  # fmt: skip
def test_variables_are_filled_in_as_compose_does(text: str, filled: str) -> None:
    assert interpolate(text, {"A": "a", "EMPTY": ""}, "here") == filled


@pytest.mark.parametrize(
    ("text", "said"), [("${NO:?is needed}", "is needed"), ("${A", "not closed"), ("${A B}", "is no variable")]
)
def test_a_variable_that_cannot_be_filled_in_is_refused(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        interpolate(text, {}, "here")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [", "compose.yaml:1:12: this is not YAML"),
        ("services: 1", "compose.yaml: services is not a map"),
        ("services: {a: {build: {args: {A: [1]}}}}", "services.a: a string is needed here"),
        ("services: {a: {build: {x-bake: {nope: 1}}}}", "services.a: there is no field 'nope'"),
        ("!!python/object/apply:os.system [ls]", "compose.yaml:1:1: this is not YAML"),
    ],
)
def test_faults_name_the_file_and_the_service(text: str, said: str) -> None:
    with pytest.raises(CapasError) as caught:
        targets(text)
    assert said in str(caught.value)


def test_env_files_are_read() -> None:
    assert parse_dotenv("A=1\n# B=2\nexport C='x y'\nD=\"z\"\nE=q # note\n") == {
        "A": "1",
        "C": "x y",
        "D": "z",
        "E": "q",
    }
