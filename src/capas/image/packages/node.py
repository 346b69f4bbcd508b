"""Node's packages: package.json of what is installed in node_modules, and package-lock.json where nothing is.

Spec: npm, "package.json", "package-lock.json" (versions 1, 2 and 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from capas.image.packages.finding import File
from capas.image.packages.package import Package

_MODULES = "node_modules/"


def iter_node(installed: Sequence[File], locks: Sequence[File]) -> Iterator[Package]:
    """What is installed, and what a lock file names that is installed nowhere; nothing that is for developers."""
    known: set[tuple[str, str]] = set()
    for file in installed:
        document = _document(file)
        name, version = _text(document.get("name")), _text(document.get("version"))
        if name and version:
            known.add((name, version))
            yield Package("npm", name, version, "", _licence(document), supplier=_person(document.get("author")),
                          path=file.path, layer=file.layer)  # fmt: skip
    for file in locks:
        for name, version, licence in _iter_locked(_document(file)):
            if (name, version) not in known:
                known.add((name, version))
                yield Package("npm", name, version, "", licence, path=file.path, layer=file.layer)


def _iter_locked(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, one in _object(document.get("packages")).items():
        entry = _object(one)
        if _MODULES in path and not entry.get("dev") and not entry.get("link"):
            name = _text(entry.get("name")) or path.rpartition(_MODULES)[2]
            yield name, _text(entry.get("version")), _licence(entry)
    if "packages" in document:
        return
    waiting = [_object(document.get("dependencies"))]
    while waiting:
        for name, one in waiting.pop().items():
            entry = _object(one)
            if not entry.get("dev"):
                yield name, _text(entry.get("version")), ""
                waiting.append(_object(entry.get("dependencies")))


def _document(file: File) -> Mapping[str, Any]:
    """The file's object; an empty one for what is none, as packages keep broken ones to test with."""
    try:
        return _object(msgspec.json.decode(file.data))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}


def _licence(document: Mapping[str, Any]) -> str:
    said = document.get("license") or document.get("licenses")
    parts = said if isinstance(said, list) else [said]
    names = [_text(part) or _text(_object(part).get("type")) for part in parts]
    return " or ".join(name for name in names if name)


def _person(value: object) -> str:
    return _text(value) or _text(_object(value).get("name"))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
