"""`type=oci` and `type=docker`: an image archive, or the same as a directory."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from capas.build.exporters.annotations import annotations_at
from capas.build.exporters.destination import opened_destination
from capas.build.exporters.exported import Exported
from capas.build.exporters.output import Output
from capas.image.archive_save import blobs_of, documents_of, write_archive
from capas.image.layout_write import write_layout


def export_archive(exported: Exported, output: Output, stdout: BinaryIO | None) -> None:
    """Write it. Atomic: the file, or the directory's index, appears when all is there. Raises: Invalid; Exhausted."""
    level = "index-descriptor" if exported.over else "manifest-descriptor"
    extra = annotations_at(output.annotations, level)  # type: ignore[arg-type]
    documents = documents_of([(exported.top, output.names)], output.type, extra)
    blobs = blobs_of([exported.top])
    if not output.as_tar:
        write_layout(Path(output.dest), documents, blobs)
        return
    with opened_destination(output.dest, stdout) as out:
        write_archive(out, documents, blobs)
