"""An archive that was picked becomes a directory with what it holds."""

from __future__ import annotations

from capas.build.archives import spool_archive
from capas.build.bench import Bench
from capas.build.selection import Picked
from capas.layer.entry import DIRECTORY, Entry


def unpack(picked: Picked, bench: Bench) -> Picked:
    """An archive as a directory with what it holds. Raises: Corrupt for one that is damaged or truncated."""
    name = picked.name.decode(errors="replace")
    with picked.files.open(picked.entry) as file:
        archive = spool_archive(file, bench.scratch.new_path(), name, limit_ns=bench.epoch_ns)
    bench.close_later(archive)
    return Picked(picked.name, Entry(b"", DIRECTORY, 0o755), archive.files, b"", picked.parents, archive=True)
