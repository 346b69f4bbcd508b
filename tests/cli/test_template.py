"""Go templates against what Go's text/template and docker print."""

from __future__ import annotations

import pytest

from capas.cli.template import Template
from capas.errors import Invalid

DATA = {
    "Name": "a",
    "Tags": ["x", "y"],
    "Config": {"Env": ["A=1"], "Labels": {"k": "v"}, "Cmd": None},
    "N": 3,
    "On": True,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Name}}:{{.N}}", "a:3"),
        ("{{json .Tags}}", '["x","y"]'),
        ("{{.Config.Env}} {{.Config.Labels}} {{.On}} {{.Config.Cmd}}", "[A=1] map[k:v] true <no value>"),
        ('{{index .Config.Labels "k"}}{{index .Tags 1}}', "vy"),
        ("{{if eq .N 3}}three{{else}}no{{end}}", "three"),
        ("{{if not .On}}off{{else if .Name}}named{{end}}", "named"),
        ("{{range .Tags}}<{{.}}>{{end}}", "<x><y>"),
        ("{{range $i, $t := .Tags}}{{$i}}={{$t}} {{$.Name}},{{end}}", "0=x a,1=y a,"),
        ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
        ("{{with .Config}}{{.Env}}{{end}}", "[A=1]"),
        ('{{join .Tags "+"}} {{upper .Name}} {{len .Tags}}', "x+y A 2"),
        ('{{.Name | printf "%5s|"}}', "    a|"),
        ("a {{- .Name -}} b", "aab"),
        ("{{/* nothing */}}{{.Config.Labels.nope}}", "<no value>"),
        ('{{$n := .Name}}{{println $n "z"}}', "a z\n"),
    ],
)
def test_a_template_prints_what_go_prints(template: str, text: str) -> None:
    assert Template(template).fill(DATA) == text


@pytest.mark.parametrize(
    "template", ["{{.Name", "{{end}}", "{{if .Name}}", "{{nope .Name}}", "{{.Nope}}", "{{", "{{len 3 4}}", "{{(.Name}}"]
)
def test_a_template_that_is_wrong_says_so(template: str) -> None:
    with pytest.raises(Invalid, match="--format"):
        Template(template).fill(DATA)


def test_a_field_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(Invalid) as caught:
        Template("{{.Nmae}}").fill(DATA)
    assert "Name, Tags, Config" in caught.value.hint
