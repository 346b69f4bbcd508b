"""The names by which a changeset deletes.

Spec: OCI image-spec, layer.md, "Whiteouts".
"""

from __future__ import annotations

from capas.errors import Corrupt

WHITEOUT = b".wh."
SPECIAL = b".wh..wh."
"""aufs kept its own affairs under such names."""
OPAQUE = b".wh..wh..opq"


def read_mark(path: bytes) -> tuple[bytes, bytes] | None:
    """The directory, and the name in it that an entry beginning with `.wh.` deletes from the layers below.

    No name for all that the directory has there; None for an entry that means nothing to us. Raises: Corrupt.
    """
    folder, _, name = path.rpartition(b"/")
    if any(part.startswith(SPECIAL) for part in (*folder.split(b"/"), name)) and name != OPAQUE:
        return None
    if any(part.startswith(WHITEOUT) for part in folder.split(b"/")):
        raise Corrupt("an entry beneath a whiteout: {path!r}", path=path[:200])
    if name == OPAQUE:
        return folder, b""
    hidden = name.removeprefix(WHITEOUT)
    if hidden in (b"", b".", b".."):
        raise Corrupt("a whiteout of nothing: {path!r}", path=path[:200])
    return folder, hidden
