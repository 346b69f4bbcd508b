"""fsck of layer files: each is read whole and held against what its tar says."""

from __future__ import annotations

from collections.abc import Iterator

from capas.errors import CapasError, NotFound
from capas.events import Advanced, Report
from capas.layer.files import LayerFiles
from capas.store.check import Finding
from capas.store.disk import disk_errors


def check_files(files: LayerFiles, *, repair: bool, report: Report) -> Iterator[Finding]:
    """Read every layer file and tell which is damaged. Repair: remove it: what is packed, or a pull, gives it again."""
    done = 0
    for diff_id, size in files.iterate():
        done += size
        report(Advanced("check", done, text="Checking"))
        try:
            with disk_errors(files.path(diff_id)), files.open(diff_id) as file:
                file.verify()
        except NotFound:  # deleted while we looked
            continue
        except CapasError as error:
            if repair:
                files.remove(diff_id)
            yield Finding("damaged", diff_id, str(error), repair)
