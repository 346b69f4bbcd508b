"""The line of `capas --version`."""

from __future__ import annotations

from capas.release import capas_version


def version_line() -> str:
    """As docker prints its own."""
    return f"Capas version {capas_version()}"
