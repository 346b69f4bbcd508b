"""Every table, known to one metadata: what makes or checks the schema imports this."""

from __future__ import annotations

from capas.hub.records.tables import changes, copying, finding, images, keeping, people
from capas.hub.records.tables.base import metadata

__all__ = ["changes", "copying", "finding", "images", "keeping", "metadata", "people"]
