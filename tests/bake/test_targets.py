"""Targets and groups: what files say together, and what is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from capas.bake.files import kind_of, read_files
from capas.bake.override import parse_overrides
from capas.bake.printed import print_document
from capas.bake.resolution import Resolved, resolve
from capas.errors import CapasError, Invalid, NotFound

GIVEN = {"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64"}


def bake(
    *texts: str, names: Sequence[str] = (), sets: Sequence[str] = (), environ: dict[str, str] | None = None
) -> Resolved:
    files = [(f"{n}.json" if text.lstrip().startswith("{") else f"{n}.hcl", text) for n, text in enumerate(texts)]
    env = environ or {}
    return resolve(read_files(files, env, GIVEN, {}), names, parse_overrides(sets, env))


def fields(*texts: str, **asked: Any) -> dict[str, Any]:
    """The default target's."""
    return dict(bake(*texts, **asked).targets["default"])


def test_a_target_has_dockers_defaults() -> None:
    assert fields('target "default" {}') == {"context": ".", "dockerfile": "Dockerfile"}


def test_groups_are_opened_each_target_once() -> None:
    found = bake('group "default" { targets = ["all", "a"] }\ngroup "all" { targets = ["a", "b"] }\n'
                 'target "a" {}\ntarget "b" {}')  # fmt: skip
    assert found.wanted == ("a", "b")


def test_a_target_inherits_and_has_the_last_word() -> None:
    found = fields("""
        target "base" {
          args = { A = "1", B = "1" }
          tags = ["base"]
          cache-from = ["x"]
          annotations = ["a=1"]
        }
        target "other" { args = { B = "2" } }
        target "default" {
          inherits = ["base", "other"]
          args = { C = 3, A = null }
          tags = ["mine"]
          cache-from = ["type=local,src=c"]
          annotations = ["b=1"]
        }""")
    assert found["args"] == {"A": "1", "B": "2", "C": "3"}
    assert found["tags"] == ["mine"]
    assert found["cache-from"] == [{"type": "registry", "ref": "x"}, {"type": "local", "src": "c"}]
    assert found["annotations"] == ["a=1", "b=1"]


def test_a_later_file_adds_to_an_earlier_one() -> None:
    found = fields('target "default" { args = { A = "1" } }', '{"target": {"default": {"args": {"B": "${1+1}"}}}}')
    assert found["args"] == {"A": "1", "B": "2"}


def test_a_matrix_makes_a_target_of_every_combination_and_a_group_of_them() -> None:
    text = """
        target "app" {
          name = "app-${tgt}-${replace(v, ".", "-")}"
          matrix = { tgt = ["a", "b"], v = ["1.0", "2.0"] }
          target = tgt
          args = { V = v }
        }"""
    found = bake(text, names=["app"])
    assert found.wanted == ("app-a-1-0", "app-b-1-0", "app-a-2-0", "app-b-2-0")
    assert found.targets["app-b-2-0"]["target"] == "b"
    assert found.targets["app-b-2-0"]["args"] == {"V": "2.0"}
    assert bake(text, names=["app-a-2-0"]).wanted == ("app-a-2-0",)


@pytest.mark.parametrize(
    ("default", "given", "expected"),
    [('"x"', "y", "y"), ("false", "true", "true"), ("1", "2.5", "2.5"), ('["a"]', "b,c", "b-c"),
     ('["a"]', '["d", "e"]', "d-e"), ("null", "z", "z")],
)  # fmt: skip
def test_the_environment_overrides_variables_in_their_type(default: str, given: str, expected: str) -> None:
    text = f"""variable "V" {{ default = {default} }}
        target "default" {{ args = {{ X = try(join("-", V), V) }} }}"""
    assert fields(text, environ={"V": given})["args"] == {"X": expected}


def test_variables_are_made_of_each_other_in_any_order() -> None:
    text = 'variable "A" { default = "${B}!" }\nB = upper(C)\nvariable "C" { default = "c" }\n'
    assert fields(text + 'target "default" { tags = [A] }')["tags"] == ["C!"]


def test_a_variable_made_of_itself_is_refused_with_the_circle() -> None:
    with pytest.raises(Invalid, match="A → B → A"):
        bake('A = B\nB = "${A}"\ntarget "default" { tags = [A] }')


def test_a_condition_that_is_not_met_is_said_in_the_files_own_words() -> None:
    text = """variable "N" {
  default = 3
  validation {
    condition = N > 1
    error_message = "N is too small"
  }
}
target "default" {}"""
    assert fields(text)
    with pytest.raises(Invalid, match=r"0\.hcl:4:5: variable N: N is too small"):
        fields(text, environ={"N": "0"})


def test_functions_of_the_file_take_arguments_and_the_rest() -> None:
    text = """function "tag" {
          params = [name]
          variadic_params = more
          result = join("-", concat([name], more))
        }
        target "default" { tags = [tag("a"), tag("a", "b", "c")] }"""
    assert fields(text)["tags"] == ["a", "a-b-c"]


def test_a_target_can_name_another_targets_attribute() -> None:
    text = 'target "a" { args = { V = "1" } }\ntarget "default" { tags = ["x:${target.a.args.V}"] }'
    assert fields(text)["tags"] == ["x:1"]


def test_targets_that_are_contexts_come_first_and_are_kept_nowhere() -> None:
    found = bake('target "base" { tags = ["b"] }\ntarget "default" { contexts = { b = "target:base" } }')
    assert list(found.targets) == ["base", "default"]
    assert found.wanted == ("default",)
    assert found.targets["base"]["output"] == [{"type": "cacheonly"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('target "default" { inherits = ["default"] }', "default → default"),
        ('target "default" { contexts = { a = "target:b" } }\ntarget "b" { contexts = { a = "target:default" } }',
         "default → b → default"),
        ('group "default" { targets = ["g"] }\ngroup "g" { targets = ["g"] }', "g → g"),
    ],
)  # fmt: skip
def test_circles_are_refused_and_shown(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        bake(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('target "default" {\n  tagz = ["x"]\n}', "0.hcl:2:3: there is no such attribute here"),
        ('target "default" {\n  tags = "x"\n}', "0.hcl:2:3: a list is needed here, not string"),
        ('target "default" {\n  args = { A = [1] }\n}', "0.hcl:2:3: a string is needed here, not list"),
        ('target "a b" {}', "0.hcl:1:1: a name has letters"),
        ('targets "a" {}', "0.hcl:1:1: there is no such kind of block"),
        ('target "default" {\n  tags = [TAG]\n}', "0.hcl:2:11: there is no variable TAG"),
        ('target "default" { matrix = { a = ["x"] } }', "needs a name"),
        ('target "default" {\n  name = "x"\n}', "0.hcl:2:3: a name of its own"),
        ('{"target": {"default": {"tags": [1,]}}}', "0.json:1:36: this is not JSON"),
        ('target "default" {\n  tags = ["x"]\n  secret = ["id"]\n}', "0.hcl:3:3: 'id' is not key=value"),
        ("x = 1\nx = 2", "0.hcl:2:1: this attribute was set before"),
    ],
)  # fmt: skip
def test_faults_are_shown_with_file_line_and_column(text: str, said: str) -> None:
    with pytest.raises(CapasError) as caught:
        bake(text)
    assert said in str(caught.value)


def test_a_name_that_is_near_is_suggested() -> None:
    with pytest.raises(NotFound) as caught:
        bake('target "webapp" {}', names=["webap"])
    assert caught.value.hint == "did you mean webapp?"


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["default.args.A=2", "*.args.B=3"], {"args": {"A": "2", "B": "3"}}),
        (["default.tags=x", "default.tags=y"], {"tags": ["x", "y"]}),
        (["default.tags+=x"], {"tags": ["t", "x"]}),
        (["def*.platform=linux/arm64"], {"platforms": ["linux/arm64"]}),
        (["default.context=a=b"], {"context": "a=b"}),
        (["default.no-cache=true"], {"no-cache": True}),
        (["default.args.FROM_OUTSIDE"], {"args": {"A": "1", "FROM_OUTSIDE": "outside"}}),
        (["default.push=true"], {"output": [{"type": "image", "push": "true"}]}),
        (["default.output=out", "default.push=true"], {"output": [{"type": "local", "dest": "out"}]}),
        (["default.load=true"], {"output": [{"type": "docker"}]}),
        (["default.annotations=a=b"], {"annotations": ["x=y", "a=b"]}),
    ],
)
def test_set_overrides_a_field_of_the_targets_that_fit(sets: list[str], expected: dict[str, object]) -> None:
    text = 'target "default" {\n  args = { A = "1" }\n  tags = ["t"]\n  annotations = ["x=y"]\n}'
    found = fields(text, sets=sets, environ={"FROM_OUTSIDE": "outside"})
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default", "is not TARGET.FIELD=VALUE"),
        ("default.nope=1", "there is no field 'nope'"),
        ("other.tags=1", "no target is called 'other'"),
        ("default.args=1", "args needs a name"),
        ("default.tags.x=1", "tags has no parts"),
        ("default.push=maybe", "true or false is needed here"),
    ],
)
def test_a_set_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(CapasError) as caught:
        fields('target "default" {}', sets=[text])
    assert said in str(caught.value)


def test_what_is_printed_can_be_baked_again() -> None:
    text = """
        target "default" {
          args = { A = "$${x} %%{y}" }
          dockerfile-inline = <<-EOT
            FROM scratch
              COPY $${a} /
          EOT
          output = ["type=local,dest=out"]
          secret = ["id=s,src=./s"]
        }"""
    import json

    printed = print_document(bake(text))
    assert printed["target"]["default"]["args"] == {"A": "$${x} %%{y}"}
    assert printed["target"]["default"]["dockerfile-inline"] == "FROM scratch\n  COPY $${a} /\n"
    assert print_document(bake(json.dumps(printed))) == printed


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [("a.hcl", "{", "hcl"), ("a.json", "", "json"), ("a.yml", "", "compose"), ("-", " {", "json"),
     ("-", "services:\n", "compose"), ("-", 'target "x" {}', "hcl")],
)  # fmt: skip
def test_a_file_is_read_by_its_ending_or_its_look(name: str, text: str, kind: str) -> None:
    assert kind_of(name, text) == kind
