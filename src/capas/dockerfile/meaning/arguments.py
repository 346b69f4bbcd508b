"""ARG, and the forms in which variables are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capas.dockerfile.instructions import Arg
from capas.dockerfile.meaning.known import ARGUMENTS
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Plain, Risk, Sentence, beware, told

_BRACED = re.compile(r"(?<!\\)\$\{(\w+)(:?[-+?]|##?|%%?|//?)((?:[^{}\\]|\\.|\$\{[^{}]*\})*)\}")
_SIMPLE = re.compile(r"(?<!\\)\$(?:(\w+)|\{(\w+)\})")
_ESCAPED = re.compile(r"\\\$\{?(\w+)")
_FORMS = {
    ":-": told("{form} is {name}, or {word} if it is empty or not set"),
    "-": told("{form} is {name}, or {word} if it is not set"),
    ":+": told("{form} is {word} if {name} holds something, else nothing"),
    "+": told("{form} is {word} if {name} is set, else nothing"),
    ":?": told("{form} is {name}; if it is empty or not set the build fails and says {word}"),
    "?": told("{form} is {name}; if it is not set the build fails and says {word}"),
    "#": told("{form} is {name} without the shortest beginning that fits {word}"),
    "##": told("{form} is {name} without the longest beginning that fits {word}"),
    "%": told("{form} is {name} without the shortest end that fits {word}"),
    "%%": told("{form} is {name} without the longest end that fits {word}"),
    "/": told("{form} is {name} with {other} for the first {word}"),
    "//": told("{form} is {name} with {other} for every {word}"),
}


def explain_arg(arg: Arg, scene: Scene) -> Iterator[Sentence | Risk]:
    """ARG. A `scene` without a stage is before the first FROM."""
    for pair in arg.pairs:
        if pair.value is None and scene.stage is not None and pair.key in scene.outer:
            yield told("Lets this stage see {name}, which is {value} by the ARG before the first FROM", name=pair.key,
                       value=scene.outer[pair.key])  # fmt: skip
        elif pair.value is None:
            yield told("Takes the variable {name} from `--build-arg {plain}=…`; without it, it is not set",
                       name=pair.key, plain=Plain(pair.key))  # fmt: skip
        else:
            yield told("{name} is {value} while building, unless `--build-arg {plain}=…` gives another value",
                       name=pair.key, value=scene.expand(pair.value), plain=Plain(pair.key))  # fmt: skip
        if pair.key in ARGUMENTS:
            yield ARGUMENTS[pair.key]
    if scene.stage is None:
        yield told(
            "It stands before the first FROM, so FROM lines see it; a stage sees it only after an ARG of its own"
        )
    else:
        yield told("It holds from this line to the end of the stage, and is no variable of containers")
        yield beware("A value is readable in the image's history: no passwords (`RUN --mount=type=secret` is for them)")


def explain_variables(text: str, scene: Scene) -> Iterator[Sentence]:
    """What `$name` and `${name…}` of an instruction are, each once."""
    seen: set[str] = set()
    for found in _BRACED.finditer(text):
        if found.group() not in seen:
            seen.add(found.group())
            word, _, other = found[3].partition("/") if found[2].startswith("/") else (found[3], "", "")
            form = _FORMS[found[2]]
            yield told(
                form.template, form=found.group(), name=found[1], word=word or Plain('""'), other=other or Plain('""')
            )
    for found in _SIMPLE.finditer(text):
        name = found[1] or found[2]
        if name not in seen:
            seen.add(name)
            yield _simple(found.group(), name, scene)
    for found in _ESCAPED.finditer(text):
        yield told("{form} is no variable: the backslash makes it plain text", form=found.group())


def _simple(form: str, name: str, scene: Scene) -> Sentence:
    value, line = scene.variables.get(name), scene.origins.get(name, 0)
    if value is None:
        return told("{form} is what the base image gave {name}, or nothing: this file sets it nowhere above", form=form,
                    name=name)  # fmt: skip
    if line:
        return told("{form} is {value} here (line {line})", form=form, value=value or Plain('""'), line=line)
    return told("{form} is given by the builder", form=form)
