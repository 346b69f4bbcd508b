"""The table of contents of a layer: its entries, and where in the tar their bodies are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from capas.errors import Corrupt
from capas.layer.entry import Entry
from capas.layer.reader import iter_entries
from capas.store.contract import Readable

_VERSION = 1


class Contents(NamedTuple):
    """The entries of a layer in tar order, whiteouts among them."""

    entries: Sequence[Entry]

    def dump(self) -> bytes:
        """As bytes to be kept: reading them is far quicker than reading the tar again."""
        return msgspec.msgpack.encode((_VERSION, self.entries), enc_hook=dict)  # NO_XATTRS is a read-only view

    @classmethod
    def load(cls, data: bytes) -> Contents:
        """What `dump` gave. Raises: Corrupt, also for another version's bytes: make them again."""
        try:
            version, entries = msgspec.msgpack.decode(data, type=tuple[int, list[Entry]])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Corrupt("the table of contents cannot be read: {error}", error=str(error)) from None
        if version != _VERSION:
            raise Corrupt("the table of contents is of version {version}", version=version)
        return cls(entries)


def read_contents(tar: Readable) -> Contents:
    """The table of contents of an uncompressed tar, read to its end. Raises: Corrupt."""
    return Contents([entry for entry, _ in iter_entries(tar)])
