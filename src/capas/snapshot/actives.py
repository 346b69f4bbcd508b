"""Views and actives: a directory each, under the key that its user chose."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.oci.digest import ChainID
from capas.snapshot.contract import Info, Kind
from capas.snapshot.scratch import Scratch


class Actives:
    """`active/<key>/` holds `info.json` and whatever the driver puts beside it."""

    def __init__(self, root: Path, scratch: Scratch) -> None:
        self._root = root / "active"
        self._scratch = scratch

    def path(self, key: str) -> Path:
        """The directory of a key. Raises: Invalid for what cannot be a name."""
        if not key or key.startswith((".", "sha256:")) or "/" in key or "\0" in key:
            raise Invalid("not a snapshot's key: {key!r}", key=key[:100])
        return self._root / key

    def create(self, key: str, kind: Kind, parent: ChainID | None, fill: Callable[[Path], object]) -> None:
        """A new key; `fill` puts the driver's things into its directory. Atomic. Raises: AlreadyExists."""
        path = self.path(key)
        with self._scratch.directory() as place:
            fill(place)
            (place / "info.json").write_text(json.dumps({"kind": kind, "parent": parent}))
            place.chmod(0o755)
            try:
                os.rename(place, path)
            except OSError:
                raise AlreadyExists("there is a snapshot {key} already", key=key) from None

    def find(self, key: str) -> Info | None:
        """What is known of a key, None for no such key."""
        try:
            found = json.loads((self.path(key) / "info.json").read_bytes())
        except FileNotFoundError:
            return None
        return Info(key, found["kind"], ChainID.parse(found["parent"]) if found["parent"] else None)

    def get(self, key: str) -> Info:
        """As `find`. Raises: NotFound."""
        found = self.find(key)
        if found is None:
            raise NotFound("no snapshot {key}", key=key)
        return found

    def iterate(self) -> Iterator[Info]:
        """Every key."""
        for name in os.listdir(self._root):
            found = self.find(name)
            if found is not None:
                yield found

    def remove(self, key: str) -> None:
        """Idempotent."""
        self._scratch.discard(self.path(key))
