"""What applying a layer left open, kept beside its tree."""

from __future__ import annotations

import json
from typing import Any

from capas.layer.applied import Applied, LowerLink


def dump_notes(applied: Applied) -> bytes:
    """As JSON; names that are not UTF-8 keep their bytes."""
    lists = {
        name: [_text(path) for path in getattr(applied, name)] for name in ("whiteouts", "opaques", "implicit", "bare")
    }
    links = [(_text(link.path), _text(link.target)) for link in applied.links]
    return json.dumps({"entries": applied.entries, "size": applied.size, "links": links, **lists}).encode()


def load_notes(data: bytes) -> Applied:
    """What `dump_notes` gave."""
    found = json.loads(data)
    lists: dict[str, Any] = {
        name: tuple(map(_bytes, found[name])) for name in ("whiteouts", "opaques", "implicit", "bare")
    }
    links = tuple(LowerLink(_bytes(path), _bytes(target)) for path, target in found["links"])
    return Applied(found["entries"], found["size"], links=links)._replace(**lists)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
