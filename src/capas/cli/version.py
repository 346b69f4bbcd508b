"""The version, read from the package's own record."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def capas_version() -> str:
    """The version of the installed package; "0+source" in a bare checkout."""
    try:
        return version("capas")
    except PackageNotFoundError:
        return "0+source"


def version_line() -> str:
    """As docker prints its own."""
    return f"Capas version {capas_version()}"
