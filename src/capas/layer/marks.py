"""The names by which a changeset deletes.

Spec: OCI image-spec, layer.md, "Whiteouts".
"""

from __future__ import annotations

WHITEOUT = b".wh."
SPECIAL = b".wh..wh."
"""aufs kept its own affairs under such names."""
OPAQUE = b".wh..wh..opq"
