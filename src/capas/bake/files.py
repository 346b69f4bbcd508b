"""Which bake files there are, what each is written in, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capas.bake.definition import BLOCKS, Definition, read_definition
from capas.bake.hcl.json import parse_json
from capas.bake.hcl.parser import parse_hcl
from capas.bake.hcl.syntax import Body, Value

COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
DEFAULTS = (
    *COMPOSE, "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
)  # fmt: skip
"""Where bake looks when no file is named; what a later one says holds."""

File = tuple[str, str]
"""A name and a text."""


def read_files(
    files: Iterable[File], environ: Mapping[str, str], given: Mapping[str, Value], dotenv: Mapping[str, str]
) -> Definition:
    """What the files say together: compose files first. `dotenv` has what `.env` beside them says.

    Raises: Invalid or NotFound, with the file and the line.
    """
    bodies: list[Body] = []
    found = Definition()
    for name, text in files:
        kind = kind_of(name, text)
        if kind == "compose":
            from capas.bake.compose import parse_compose

            found = parse_compose(text, name, {**dotenv, **environ}).over(found)
        else:
            bodies.append(parse_json(text, name, BLOCKS) if kind == "json" else parse_hcl(text, name))
    return read_definition(bodies, environ, given).over(found)


def kind_of(name: str, text: str) -> str:
    """What a file is written in: by its ending, or else by how it begins."""
    lowered = name.lower()
    for endings, kind in (((".hcl",), "hcl"), ((".json",), "json"), ((".yaml", ".yml"), "compose")):
        if lowered.endswith(endings):
            return kind
    if text.lstrip().startswith("{"):
        return "json"
    return "compose" if "\nservices:" in f"\n{text}" else "hcl"


def parse_dotenv(text: str) -> dict[str, str]:
    """`NAME=value` lines; quotes around a value are taken off."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.lstrip().startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name.strip()] = value[1:-1] if quoted else value.split(" #")[0].rstrip()
    return found
