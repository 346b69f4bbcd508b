"""The workbench: what the ops of one build share, made on first use."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from capas.build.ports import BuildPorts, RunStep
from capas.build.request import BuildRequest, mtime_of
from capas.build.sources.contract import Files
from capas.build.sources.slice import Slice
from capas.build.sources.tree import TreeFiles
from capas.build.vertex import Made
from capas.errors import Corrupt, Exhausted
from capas.events import Report, ignore
from capas.layer.compression import decompress
from capas.layer.contents import Contents, read_contents
from capas.layer.create import LayerBlob
from capas.layer.entry import Layer
from capas.layer.writer import TarWriter
from capas.oci.digest import DiffID
from capas.snapshot.contract import Snapshotter
from capas.store.contract import BlobStore

_CHUNK = 1 << 20


class Closable(Protocol):
    """What is to be let go in the end."""

    def close(self) -> None: ...


class Bench:
    """Shared by every thread of one build; everything here is safe from many of them."""

    def __init__(
        self,
        request: BuildRequest,
        ports: BuildPorts,
        blobs: BlobStore,
        context: Files,
        *,
        cancelled: threading.Event,
        report: Report = ignore,
    ) -> None:
        self.request = request
        self.blobs = blobs
        self.context = context
        self.cache = ports.cache
        self.cancelled = cancelled
        self.report = report
        self._ports = ports
        self._lock = threading.Lock()
        self._snapshotter: Snapshotter | None = None
        self._run_step: RunStep | None = None
        self._contents: dict[DiffID, Contents] = {}
        self._spooling = threading.Lock()
        self._spools: dict[DiffID, Slice] = {}
        self._closing = contextlib.ExitStack()
        self._scratch: Path | None = None
        self._count = 0

    @property
    def now_ns(self) -> int:
        """When a step is made: SOURCE_DATE_EPOCH where it is set."""
        epoch = self.epoch_ns
        return self._ports.clock() if epoch is None else epoch

    @property
    def epoch_ns(self) -> int | None:
        """SOURCE_DATE_EPOCH in nanoseconds."""
        epoch = self.request.source_date_epoch
        return None if epoch is None else epoch * 1_000_000_000

    @property
    def mtime_ns(self) -> int:
        """The time of files that come from a context."""
        return mtime_of(self.request)

    @property
    def cache_root(self) -> Path:
        """Where caches on disk are kept."""
        return self._ports.cache_root

    @property
    def snapshotter(self) -> Snapshotter:
        """The snapshotter: only RUN asks for it."""
        with self._lock:
            if self._snapshotter is None:
                self._snapshotter = self._ports.snapshotter()
            return self._snapshotter

    @property
    def run_step(self) -> RunStep:
        """The runtime's door. Raises: Unsupported where there is no runtime."""
        with self._lock:
            if self._run_step is None:
                self._run_step = self._ports.run_step()
            return self._run_step

    def new_id(self) -> str:
        """A fresh name of letters and digits."""
        return self._ports.new_id()

    def fetch(self, url: str, out: BinaryIO) -> None:
        """Download. Raises: NotFound; Unavailable; Denied."""
        self._ports.fetch(url, out)

    def write_layer(self, name: str, fill: Callable[[TarWriter], int]) -> Made:
        """A new layer with what `fill` writes; it returns how many entries. None at all make no layer."""
        compression = self.request.compression
        with LayerBlob(self.blobs, compression=compression, level=self.request.level, name=name) as blob:
            if not fill(blob.tar):
                return Made(None, 0, self.now_ns)
            new = blob.commit()
        return Made(Layer(new.descriptor, new.diff_id), new.uncompressed_size, self.now_ns)

    def tree_files(self, label: str, layers: Sequence[Layer], chain: str) -> TreeFiles:
        """The tree of a stack of layers, not unpacked."""
        contents = [self._contents_of(layer) for layer in layers]
        return TreeFiles(
            label, contents, lambda index: self._open_tar(layers[index]), chain=chain, limit_ns=self.epoch_ns
        )

    def scratch_path(self) -> Path:
        """A new path for a file that goes with the build."""
        with self._lock:
            self._count += 1
            number = self._count
        return self._scratch_root() / f"file-{number}"

    def close_later(self, thing: Closable) -> None:
        """Close it when the build ends."""
        self._closing.callback(thing.close)

    def close(self) -> None:
        """Delete what was spooled. Idempotent."""
        self._closing.close()
        with self._lock:
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
                self._scratch = None

    def _scratch_root(self) -> Path:
        with self._lock:
            if self._scratch is None:
                try:
                    root = self._ports.cache_root / "scratch"
                    root.mkdir(parents=True, exist_ok=True)
                    self._scratch = Path(tempfile.mkdtemp(dir=root))
                except OSError as error:
                    raise Exhausted("cannot write the build's files: {why}", why=error.strerror) from None
            return self._scratch

    def _contents_of(self, layer: Layer) -> Contents:
        found = self._contents.get(layer.diff_id)
        if found is None:
            found = self._contents[layer.diff_id] = self._load_contents(layer)
        return found

    def _load_contents(self, layer: Layer) -> Contents:
        path = self._ports.cache_root / "contents" / layer.diff_id.hex
        try:
            return Contents.load(path.read_bytes())
        except (OSError, Corrupt):  # not read yet, or by another version
            pass
        with self.blobs.open(layer.descriptor.digest) as blob:
            contents = read_contents(decompress(blob))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{threading.get_ident()}")
        temporary.write_bytes(contents.dump())
        temporary.replace(path)
        return contents

    def _open_tar(self, layer: Layer) -> Slice:
        """The layer's tar, inflated once, when a body in it is first needed."""
        with self._spooling:
            found = self._spools.get(layer.diff_id)
            if found is None:
                path = self.scratch_path()
                with self.blobs.open(layer.descriptor.digest) as blob, path.open("w+b") as out:
                    shutil.copyfileobj(decompress(blob), out, _CHUNK)
                    out.flush()
                    fd = os.dup(out.fileno())
                path.unlink()
                self._closing.callback(os.close, fd)
                found = self._spools[layer.diff_id] = Slice(fd, 0, os.fstat(fd).st_size)
            return found.cut(0, found.size)
