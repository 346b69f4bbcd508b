"""The folder of tables of contents: bounded, swept with the layers, and checked. Any of them can be made again."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from capas.errors import Corrupt, Unsupported
from capas.oci.digest import DiffID
from capas.store.disk import unlink

if TYPE_CHECKING:  # whoever removes images only forgets
    from capas.store.check import Finding

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
MOST_BYTES = 512 << 20
"""What tables may take: those of some 20 million files. The ones not asked for the longest go first."""


def trim_contents(folder: Path, most: int = MOST_BYTES) -> None:
    """Delete the tables that were not used for the longest, until the rest takes no more than `most` bytes."""
    found = sorted((status.st_mtime_ns, path, status.st_size) for path, status in _scan(folder))
    total = sum(size for _, _, size in found)
    for _, path, size in found:
        if total <= most:
            return
        unlink(path)
        total -= size


def forget_contents(folder: Path, gone: Collection[DiffID]) -> None:
    """Delete the tables of these layers. Idempotent."""
    for diff_id in gone:
        unlink(folder / diff_id.hex)


def check_contents(folder: Path, *, repair: bool) -> Iterator[Finding]:
    """The tables that are damaged; a repair deletes them. Those of another version are none of our business."""
    from capas.layer.contents import Contents
    from capas.store.check import Finding

    for path, _ in _scan(folder):
        if not _HEX.fullmatch(path.name):
            continue
        try:
            Contents.load(path.read_bytes())
        except (FileNotFoundError, Unsupported):  # gone meanwhile, or another version's
            continue
        except Corrupt as error:
            if repair:
                unlink(path)
            yield Finding("damaged", f"sha256:{path.name}", str(error), repair)


def _scan(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file, half written ones too: whoever wrote them may be dead."""
    if folder.is_dir():
        for path in folder.iterdir():
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue
