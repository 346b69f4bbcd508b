"""What `bake --print` shows: everything resolved, as JSON that is a bake file again."""

from __future__ import annotations

from typing import Any

from capas.bake.resolution import Resolved

_ORDER = (
    "description", "annotations", "attest", "context", "contexts", "dockerfile", "dockerfile-inline", "args", "labels",
    "tags", "cache-from", "cache-to", "target", "secret", "ssh", "platforms", "output", "pull", "no-cache", "network",
    "no-cache-filter", "shm-size", "ulimits", "call", "entitlements", "extra-hosts",
)  # fmt: skip
_TEMPLATES = ("args", "labels")  # what is escaped as docker does it, to be read again


def print_document(resolved: Resolved) -> dict[str, Any]:
    """The document, with the fields in docker's order and maps sorted."""
    return {
        "group": {name: {"targets": list(members)} for name, members in sorted(resolved.groups.items())},
        "target": {
            name: {key: _shown(key, fields[key]) for key in _ORDER if _says(fields.get(key))}
            for name, fields in sorted(resolved.targets.items())
        },
    }


def _shown(key: str, value: Any) -> Any:
    if key == "dockerfile-inline":
        return _escaped(value)
    if key in _TEMPLATES:
        value = {name: _escaped(text) for name, text in value.items()}
    return _sorted(value)


def _escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _says(value: Any) -> bool:
    return value is not None and value != [] and value != {} and value != ""


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items()) if item is not None}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
