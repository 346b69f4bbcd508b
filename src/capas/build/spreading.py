"""Files of a context laid out on disk, for a step to have them mounted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from capas.build.selection import Picked
from capas.build.sources.digesting import Digesting
from capas.build.sources.walk import name_of
from capas.errors import CapasError, Conflict, Interrupted, Unsupported
from capas.layer.apply import apply
from capas.layer.entry import FILE, Entry
from capas.layer.writer import TarWriter
from capas.parallel import Task
from capas.snapshot.namespaces import identity

_NAME = b"file"  # what a file that is mounted by itself is called here
_EVERY = 256
_CHUNK = 1 << 20


def spread(picked: Picked, folder: Path, cancelled: threading.Event) -> Path:
    """Write what was picked into `folder`, which is made; the path of the file or of the directory.

    The files go as a tar through the one place where a layer becomes files, read and written once.

    Raises: Conflict for a file that changes meanwhile; Exhausted; Interrupted; Unsupported for a name that is a mark.
    """
    folder.mkdir(mode=0o755)
    read, write = os.pipe()
    writing = Task(lambda: _write(picked, write, cancelled))
    thread = threading.Thread(target=_quietly, args=(writing,), daemon=True)
    thread.start()
    failure: CapasError | None = None
    with open(read, "rb") as tar:
        try:
            apply(tar, folder, style="plain", lenient=identity() == "single")
        except CapasError as error:  # of a tar cut short, when the writer is to blame
            failure = error
    thread.join()
    writing.wait()
    if failure is not None:
        raise failure
    return folder if picked.is_directory else folder / os.fsdecode(_NAME)


def _write(picked: Picked, pipe: int, cancelled: threading.Event) -> None:
    try:
        with open(pipe, "wb", buffering=_CHUNK) as out:
            tar = TarWriter(out.write)
            for number, (path, entry) in enumerate(_members(picked)):
                if not number % _EVERY and cancelled.is_set():
                    raise Interrupted("cancelled")
                _add(tar, picked, path, entry)
            tar.finish()
    except BrokenPipeError:
        pass  # the reader has given up, and says why


def _members(picked: Picked) -> Iterator[tuple[bytes, Entry]]:
    if not picked.is_directory:
        yield _NAME, picked.entry
        return
    yield b"", picked.entry
    yield from picked.iter_below()


def _add(tar: TarWriter, picked: Picked, path: bytes, entry: Entry) -> None:
    if name_of(path).startswith(b".wh."):
        raise Unsupported("{path} cannot be mounted: its name is a mark of layers", path=path.decode(errors="replace"))
    named = entry._replace(path=path)
    if entry.kind != FILE:
        tar.add(named, None)
        return
    with picked.files.open(entry) as file:
        body = Digesting(file)
        if entry.size <= _CHUNK and entry.sparse is None:
            tar.add_small(named, body.read(_CHUNK + 1))
        else:
            tar.add(named, body)
    if body.hexdigest() != picked.files.digest(entry):  # the step's key would be that of other files
        raise Conflict("{path} changed while it was read", path=path.decode(errors="replace"))


def _quietly(task: Task[None]) -> None:
    try:
        task.run()
    except BaseException:
        pass  # whoever waits for it is told
