"""`type=local` and `type=tar`: the files of the result, without an image around them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from capas.build.bench import Bench
from capas.build.export import Composed
from capas.build.exporters.destination import opened_destination
from capas.build.exporters.output import Output
from capas.build.sources.tree import TreeFiles
from capas.build.sources.walk import iter_below
from capas.errors import Invalid, Told
from capas.events import Report, Said
from capas.layer.apply import apply
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FILE, HARDLINK, Entry
from capas.layer.writer import TarWriter
from capas.oci.platform import Platform
from capas.store.disk import disk_errors

Adjust = Callable[[Entry], Entry | None]
"""An entry as it is to be written, None to leave it out."""


def export_tar(composed: Sequence[Composed], output: Output, stdout: BinaryIO | None, bench: Bench) -> None:
    """One tar of the files, with their owners and modes. Raises: Invalid; Exhausted; Corrupt."""
    with opened_destination(output.dest, stdout) as out:
        _write_trees(TarWriter(out.write), composed, output, lambda entry: entry, bench)


def export_local(composed: Sequence[Composed], output: Output, bench: Bench) -> None:
    """The files into a directory on the host, beside what is there. Every file is the caller's own, with its mode, as
    BuildKit's are; capabilities and devices are left out.

    Nothing is written outside it, whatever links are in the result or in the directory. Raises: Invalid; Exhausted.
    """
    dest = Path(output.dest)
    if dest.exists() and not dest.is_dir():
        raise Invalid("{path} is not a directory", path=output.dest, hint="type=tar writes a file")
    with disk_errors(dest):
        dest.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with open(writing, "wb") as out:
                _write_trees(TarWriter(out.write), composed, output, _Mine(bench.report), bench)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        with open(reading, "rb") as tar:
            apply(tar, dest, style="plain", lenient=True)
    except BaseException:
        thread.join()
        if failed and not isinstance(failed[0], BrokenPipeError):
            raise failed[0] from None
        raise
    thread.join()
    if failed:
        raise failed[0]


class _Mine:
    """Entries as the caller's own files."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._owner = os.geteuid(), os.getegid()

    def __call__(self, entry: Entry) -> Entry | None:
        if entry.kind in (CHARACTER, BLOCK):
            self._report(
                Said(
                    Told("left out the device {path}", {"path": f"/{entry.path.decode(errors='replace')}"}),
                    stream="err",
                )
            )
            return None
        uid, gid = self._owner
        xattrs = {name: value for name, value in entry.xattrs.items() if name.startswith(b"user.")}
        return entry._replace(uid=uid, gid=gid, xattrs=xattrs)


def _write_trees(tar: TarWriter, composed: Sequence[Composed], output: Output, adjust: Adjust, bench: Bench) -> None:
    split = len(composed) > 1 if output.split is None else output.split
    for one in composed:
        prefix = folder_of(one.platform).encode() if split else b""
        if prefix:
            root = adjust(Entry(prefix, DIRECTORY, 0o755, mtime_ns=bench.mtime_ns))
            assert root is not None
            tar.add(root, None)
        files = bench.tree_files("the result", one.layers, one.chain)
        _write_tree(tar, files, prefix + b"/" if prefix else b"", adjust)
    tar.finish()


def _write_tree(tar: TarWriter, files: TreeFiles, prefix: bytes, adjust: Adjust) -> None:
    first: dict[tuple[int, int], bytes] = {}
    for entry in iter_below(files, b""):
        wanted = adjust(entry._replace(path=prefix + entry.path))
        if wanted is None:
            continue
        if entry.kind != FILE or not entry.size:
            tar.add(wanted, None)
            continue
        place = files.place(entry)
        if place in first:
            tar.add(wanted._replace(kind=HARDLINK, size=0, sparse=None, target=first[place]), None)
            continue
        first[place] = wanted.path
        with files.open(entry) as body:
            tar.add(wanted, body)


def folder_of(platform: Platform) -> str:
    """What the directory of a platform is called, as BuildKit calls it: linux_arm_v7."""
    return "_".join(part for part in platform if part)
