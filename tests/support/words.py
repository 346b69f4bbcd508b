"""Every text of Capas that people read, collected from the source: what the catalogue must hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "src" / "capas"
KINDS = {
    "Invalid", "NotFound", "AlreadyExists", "Conflict", "Unauthenticated", "Denied", "Unavailable", "Exhausted",
    "Corrupt", "Unsupported", "Interrupted",
}  # fmt: skip
EVENTS = {"Started": 1, "Finished": 1, "Failed": 1}
SPOKEN = {"say", "warn", "words", "confirm", "translate"}


def list_help() -> set[str]:
    """What `--help` says: the help of commands and options, the summaries of the command table."""
    from capas.cli.commands import CONTAINER, HUB, IMAGE, MAIN, SYSTEM

    found = {verb.summary for table in (CONTAINER, HUB, IMAGE, MAIN, SYSTEM) for verb in table.values()}
    for path in sorted((HOUSE / "cli").glob("*.py")):
        for call in _calls(path):
            found.update(_text(word.value) for word in call.keywords if word.arg == "help")
    return {text for text in found if text}


def list_spoken() -> set[str]:
    """What commands say when all goes well."""
    return {
        _text(call.args[0])
        for path in sorted((HOUSE / "cli").glob("*.py"))
        for call in _calls(path)
        if call.args and isinstance(call.func, ast.Attribute | ast.Name) and _name(call.func) in SPOKEN
    } - {""}


def list_errors() -> set[str]:
    """The templates of errors and of their hints."""
    found: set[str] = set()
    for path in sorted(HOUSE.rglob("*.py")):
        for call in _calls(path):
            if _name(call.func) in KINDS and call.args:
                found.add(_text(call.args[0]))
                found.update(_text(word.value) for word in call.keywords if word.arg == "hint")
    return found - {""}


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
