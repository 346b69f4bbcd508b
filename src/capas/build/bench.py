"""The workbench: what the ops of one build share, made on first use."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from capas.build.agents import Agents
from capas.build.cache_mounts import CacheMounts
from capas.build.contexts import NamedContexts
from capas.build.lazy import LazyBlobs
from capas.build.opening import Opening
from capas.build.ports import BuildPorts, LookRound, RunStep
from capas.build.request import BuildRequest, mtime_of
from capas.build.scratch import Scratch, remove_dead_snapshots
from capas.build.sources.contract import Files
from capas.build.sources.tree import TreeFiles
from capas.build.spreads import Spreads
from capas.build.step_cache import StepCache
from capas.build.vertex import Made
from capas.errors import Interrupted
from capas.events import Report, ignore
from capas.image.contents import find_contents
from capas.layer.compression import decompress
from capas.layer.contents import Contents
from capas.layer.create import LayerBlob
from capas.layer.entry import Layer
from capas.layer.slice import Slice
from capas.layer.writer import TarWriter
from capas.oci.digest import DiffID
from capas.snapshot.contract import Snapshotter
from capas.store.disk import disk_errors

_CHUNK = 1 << 20
_MOST_TREES = 2  # a tree of a large image takes tens of megabytes


class Closable(Protocol):
    """What is to be let go in the end."""

    def close(self) -> None: ...


class Bench:
    """Shared by every thread of one build; everything here is safe from many of them."""

    def __init__(
        self,
        request: BuildRequest,
        ports: BuildPorts,
        blobs: LazyBlobs,
        context: Files,
        scratch: Scratch,
        *,
        named: NamedContexts,
        cache: StepCache,
        cancelled: threading.Event,
        report: Report = ignore,
    ) -> None:
        self.request = request
        self.blobs = blobs
        self.context = context
        self.named = named
        self.scratch = scratch
        self.cache = cache
        self.cache_mounts = CacheMounts(ports.cache_root / "mounts", ports.clock)
        self.secrets = named.opening.secrets
        ask = request.asked.find_agent if request.asked else None
        self.agents = Agents(request.ssh, request.environ, scratch, ask)
        self.spreads = Spreads()
        self.cancelled = cancelled
        self.report = report
        self._ports = ports
        self._lock = threading.Lock()
        self._snapshotter: Snapshotter | None = None
        self._run_step: RunStep | None = None
        self._contents: dict[DiffID, Contents] = {}
        self._planting = threading.Lock()
        self._spooling = threading.Lock()
        self._spools: dict[DiffID, Slice] = {}
        self._closing = contextlib.ExitStack()
        self.look_round: LookRound | None = None
        self.close_later(self.agents)
        self._trees: OrderedDict[str, TreeFiles] = OrderedDict()

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
    def packing(self) -> dict[str, object]:
        """What every layer's tar depends on beside what is in it: a part of each step's key. How it is compressed is
        none: layers are packed anew where an output asks for it."""
        return {"epoch": self.epoch_ns}

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
                remove_dead_snapshots(self._snapshotter, self.scratch.path.parent)
            return self._snapshotter

    @property
    def run_step(self) -> RunStep:
        """The runtime's door. Raises: Unsupported where there is no runtime."""
        with self._lock:
            if self._run_step is None:
                self._run_step = self._ports.run_step()
            return self._run_step

    def files_of(self, name: str) -> Files:
        """The files of a named context, or of the build's own for "". Raises: NotFound; Unavailable; Invalid."""
        return self.named.files(name) if name else self.context

    @property
    def opening(self) -> Opening:
        """What opens repositories and downloads."""
        return self.named.opening

    def check_cancelled(self) -> None:
        """Raises: Interrupted once the build is cancelled."""
        if self.cancelled.is_set():
            raise Interrupted("cancelled")

    def write_layer(self, fill: Callable[[TarWriter], int]) -> Made:
        """A new layer with what `fill` writes; it returns how many entries. None at all make no layer."""
        with self.layer_blob(self.scratch.new_key()) as blob:
            if not fill(blob.tar):
                return Made(None, 0, self.now_ns)
            new = blob.commit()
        return Made(Layer(new.descriptor, new.diff_id), new.uncompressed_size, self.now_ns)

    def layer_blob(self, name: str) -> LayerBlob:
        """A new layer under way, packed as was asked for."""
        wish = self.request
        packing = {"compression": wish.compression or "gzip", "level": wish.level}
        return LayerBlob(self.blobs, self._ports.layer_files, name=name, **packing)  # type: ignore[arg-type]

    def tree_files(self, label: str, layers: Sequence[Layer], chain: str) -> TreeFiles:
        """The tree of a stack of layers, not unpacked; those last asked for are kept."""
        with self._planting:
            found = self._trees.get(chain)
            if found is None:
                self._bring_unread(layers)
                contents = [self._contents_of(layer) for layer in layers]
                found = TreeFiles(label, contents, lambda index: self._open_tar(layers[index]), limit_ns=self.epoch_ns)
            self._trees[chain] = found
            self._trees.move_to_end(chain)
            while len(self._trees) > _MOST_TREES:
                self._trees.popitem(last=False)
        return found.called(label)

    def failed(self, look_round: LookRound) -> None:
        """A command has failed: how to look round where it began. The first failure counts."""
        with self._lock:
            self.look_round = self.look_round or look_round

    def close_later(self, thing: Closable) -> None:
        """Close it when the build ends."""
        self._closing.callback(thing.close)

    def close(self) -> None:
        """Let go of what was spooled. Idempotent."""
        self._closing.close()

    def _bring_unread(self, layers: Sequence[Layer]) -> None:
        """Bring the layers whose contents are not known yet, several at once: each is going to be read."""
        unread = [one for one in layers if not (self._ports.cache_root / "contents" / one.diff_id.hex).exists()]
        self.blobs.bring_all([layer.descriptor.digest for layer in unread], self.request.max_parallel)

    def _contents_of(self, layer: Layer) -> Contents:
        found = self._contents.get(layer.diff_id)
        if found is None:
            found = self._contents[layer.diff_id] = find_contents(
                self.blobs, layer, self._ports.cache_root / "contents", self._ports.layer_files
            )
        return found

    def _open_tar(self, layer: Layer) -> Slice:
        """The layer's tar: in its file, or inflated once, when a body in it is first needed."""
        with self._spooling:
            found = self._spools.get(layer.diff_id)
            if found is None:
                found = self._spools[layer.diff_id] = self._find_tar(layer) or self._spool(layer)
            return found.cut(0, found.size)

    def _find_tar(self, layer: Layer) -> Slice | None:
        files = self._ports.layer_files
        if files is None or not files.has(layer.diff_id):
            return None
        return self._closing.enter_context(files.open(layer.diff_id)).open_tar()

    def _spool(self, layer: Layer) -> Slice:
        path = self.scratch.new_path()
        blob = self.blobs.open(layer.descriptor.digest)
        with blob, disk_errors(path), path.open("w+b") as out:
            shutil.copyfileobj(decompress(blob), out, _CHUNK)
            out.flush()
            fd = os.dup(out.fileno())
        path.unlink()
        self._closing.callback(os.close, fd)
        return Slice(fd, 0, os.fstat(fd).st_size)
