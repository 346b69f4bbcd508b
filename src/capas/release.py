"""Which Capas this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def capas_version() -> str:
    """The version of the installed package; "0+source" in a bare checkout."""
    try:
        return version("capas")
    except PackageNotFoundError:
        return "0+source"
