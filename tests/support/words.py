"""Every text of Capas that people read, collected from the source: what the catalogue must hold.

Run as a program (`PYTHONPATH=src python tests/support/words.py`) it prints what the catalogue lacks and what no
source has any more.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

HOUSE = Path(__file__).parents[2] / "src" / "capas"
CATALOGUE = HOUSE / "es.json"
KINDS = {
    "Invalid", "NotFound", "AlreadyExists", "Conflict", "Unauthenticated", "Denied", "Unavailable", "Exhausted",
    "RuledOut",
    "Corrupt", "Unsupported", "Interrupted", "TooMany", "CapasError", "kind", "Told",
}  # fmt: skip
EVENTS = {"Started": (1,), "Finished": (1,), "Failed": (1,), "Said": (0,), "Advanced": (3,)}
TELLING = {"_": 1, "_n": 2, "reason": 1, "say": 1, "say_number": 2}  # in pages: how many of the arguments are texts
MEANINGS = {"told": 1, "beware": 1, "counted": 2}  # in what explains: how many of the arguments are texts
SPOKEN = {"say", "warn", "words", "_words", "confirm", "translate"}
COUNTED = {"count_of"}  # phrases in the forms for one and for many
REASONS = {
    "fault",
    "_fault",
    "one_of",
    "_word",
    "_invalid",
    "_bad",
    "_problem",
    "_wrong",
    "_malformed",
    "_refuse",
    "_no",
}
# what click says by itself where Capas can come; of each it has more, for programs that are not ours
CLICK = {
    "Usage:", "[OPTIONS]", "COMMAND [ARGS]...", "Options", "Arguments", "Commands", "Missing command.",
    "Missing argument", "Missing option", "No such option {name!r}.", "default: {default}",
    "Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)",
    "Option {name!r} does not take a value.", "Option {name!r} requires an argument.",
    "Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})",
    "Invalid value for {param_hint}: {message}", "{value!r} is not a valid {number_type}.",
    "{value!r} is not one of {choices}.", "Show this message and exit.",
}  # fmt: skip

# the system's own reasons, as they stand in errors
SYSTEM = {
    text.lower() if lower else text
    for text in map(os.strerror, (
        errno.EACCES, errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EBUSY, errno.ECONNREFUSED, errno.ECONNRESET,
        errno.EEXIST, errno.EHOSTUNREACH, errno.EINVAL, errno.EIO, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
        errno.ENETUNREACH, errno.ENOENT, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS, errno.ETIMEDOUT,
    ))
    for lower in (False, True)
}  # fmt: skip


def list_help() -> set[str]:
    """What `--help` says: the command table, and the help of each command and of its options."""
    from capas.cli.commands import BUILDER, CONTAINER, HUB, HUB_TOKEN, HUB_USER, IMAGE, MAIN, SYSTEM
    from capas.cli.main import program

    found = {program.help or "", *(option.help or "" for option in program.params if isinstance(option, click.Option))}
    for verb in (
        verb for table in (BUILDER, CONTAINER, HUB, HUB_TOKEN, HUB_USER, IMAGE, MAIN, SYSTEM) for verb in table.values()
    ):
        command = getattr(import_module(f"capas.cli.{verb.module}"), verb.attribute)
        found |= {verb.summary, command.help or ""}
        found |= {option.help or "" for option in command.params if isinstance(option, click.Option)}
    return found - {""}


def list_spoken() -> set[str]:
    """What commands say when all goes well, and what click says for them."""
    calls = (call for room in ("cli", "look") for path in sorted((HOUSE / room).rglob("*.py")) for call in _calls(path))
    return CLICK | {text for call in calls if call.args and _name(call.func) in SPOKEN for text in _texts(call.args[0])}


def list_counts() -> set[str]:
    """So many of something, in both forms."""
    calls = (call for path in sorted(HOUSE.rglob("*.py")) for call in _calls(path) if _name(call.func) in COUNTED)
    return {text for call in calls for node in call.args[:2] for text in _texts(node)}


def list_headings() -> set[str]:
    """What stands over the columns of tables that are not docker's."""
    return {
        text
        for path in sorted((HOUSE / "cli").glob("*.py"))
        if "spoken(" in path.read_text() and path.name != "table.py"
        for call in _calls(path)
        if _name(call.func) == "Column"
        for text in _texts(call.args[1])
    }


def list_events() -> set[str]:
    """The words of progress."""
    return {
        text
        for path in sorted(HOUSE.rglob("*.py"))
        for call in _calls(path)
        for place in EVENTS.get(_name(call.func), ())
        for argument in (*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "text"))
        for text in _texts(argument)
    }


def list_errors() -> set[str]:
    """The templates of errors and of their hints, and the reasons that fill them."""
    found: set[str] = set()
    for path in sorted(HOUSE.rglob("*.py")):
        for call in _calls(path):
            hints = [word.value for word in call.keywords if word.arg in ("hint", "why", "problem")]
            if _name(call.func) in KINDS and call.args:
                found.update(text for node in (call.args[0], *hints) for text in _texts(node))
            elif _name(call.func) in REASONS:
                found.update(text for node in (*call.args, *hints) for text in _texts(node) if " " in text)
        found |= _set_aside(path)
    return found


def list_findings() -> set[str]:
    """What checks say: why each rule is there, and the messages and hints of its findings."""
    from capas.dockerfile.checks.checking import RULES
    from capas.dockerfile.checks.linting import UNREADABLE
    from capas.dockerfile.checks.rule import Severity

    found = {rule.why for rule in (UNREADABLE, *RULES)} | {str(severity) for severity in Severity}
    for path in sorted((HOUSE / "dockerfile" / "checks").glob("*.py")):
        for call in _calls(path):
            if _name(call.func) == "note":
                hints = [word.value for word in call.keywords if word.arg == "hint"]
                found.update(text for node in (*call.args[2:3], *hints) for text in _texts(node))
    return found - {"{problem}", "{advice}"}


def list_meanings() -> set[str]:
    """What `capas explain` says, wherever its sentences are made."""
    found: set[str] = set()
    for path in sorted(HOUSE.rglob("*.py")):
        for call in _calls(path):
            name = _name(call.func)
            texts = call.args[: MEANINGS.get(name, 0)]
            if name == "translate" and {"meaning", "look"} & set(path.parts):
                texts = call.args[:1]
            found.update(text for node in texts for text in _texts(node))
    return found


def list_facts() -> set[str]:
    """The names of what `system info`, `version` and `system df` tell."""
    tree = ast.parse((HOUSE / "engine" / "system.py").read_text())
    keys = (key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys if key)
    kinds = (call.args[0] for call in _calls(HOUSE / "engine" / "usage.py") if _name(call.func) == "DiskUsage")
    return {"Version", *(text for nodes in (keys, kinds) for node in nodes for text in _texts(node))}


def list_pages() -> set[str]:
    """What the hub's pages say: `_("…")` and `_n("…", "…", n)` in templates, `say` and `say_number` in its code."""
    from jinja2 import Environment, nodes

    from capas.hub.pages.speech import AGES

    found = {text for _, *texts in AGES for text in texts}
    for path in sorted((HOUSE / "hub" / "pages" / "templates").glob("*.html")):
        for call in Environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            texts = call.args[: TELLING.get(getattr(call.node, "name", ""), 0)]
            found.update(const.value for text in texts for const in (text, *text.find_all(nodes.Const))
                         if isinstance(const, nodes.Const))  # fmt: skip
    for path in sorted((HOUSE / "hub").rglob("*.py")):
        for call in _calls(path):
            for argument in call.args[: TELLING.get(_name(call.func), 0)]:
                found.update(_texts(argument))
    return found


def list_all() -> set[str]:
    """Everything that the catalogue must hold, and nothing besides."""
    spoken = list_help() | list_spoken() | list_counts() | list_headings() | list_events() | list_pages()
    return spoken | list_errors() | list_findings() | list_meanings() | list_facts() | SYSTEM


def write_catalogue(held: dict[str, str]) -> str:
    """The catalogue's text: sorted by key, a line an entry."""
    return json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def _set_aside(path: Path) -> set[str]:
    """Hints and reasons that are chosen before the error is made: `hint = … if … else …`, `why = {…}.get(…)`."""
    names = {"hint", "why", "problem"}
    lines = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assign))
    values = [line.value for line in lines if names & {_name(target) for target in line.targets}]
    pieces = {id(piece) for value in values for node in ast.walk(value) if isinstance(node, ast.JoinedStr)
              for piece in ast.walk(node)}  # fmt: skip
    return {
        node.value
        for value in values
        for node in ast.walk(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces
        and node.value.strip().count(" ") > 1 and node.value == node.value.strip()
    }  # fmt: skip


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    """The text, or both of `a if … else b`."""
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


if __name__ == "__main__":
    held: dict[str, str] = json.loads(CATALOGUE.read_text("utf-8")) if CATALOGUE.exists() else {}
    wanted = list_all()
    said = {"missing": sorted(wanted - held.keys()), "stale": sorted(held.keys() - wanted)}
    sys.stdout.write(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
