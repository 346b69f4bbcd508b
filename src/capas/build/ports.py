"""What a build needs of the world: given by whoever composes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from capas.build.cache import BuildCache
from capas.errors import CapasError
from capas.events import Report
from capas.layer.files import LayerFiles
from capas.oci.platform import Platform
from capas.reference import Reference

if TYPE_CHECKING:
    from capas.build.exporters.exported import Exported
    from capas.build.lazy import LazyBlobs
    from capas.image.image import Image
    from capas.registry.client import Client
    from capas.run.step import StepSpec
    from capas.snapshot.contract import Snapshotter
    from capas.store.store import Store


class ResolveImage(Protocol):
    """An image by name: found in the store, or brought into it."""

    def __call__(
        self, reference: Reference, platform: Platform, pull: bool, *, blobs: LazyBlobs | None = None
    ) -> Image:
        """`pull` asks the registry even if the store has the name. With `blobs` a layer comes when it is read.

        Raises: NotFound; Unavailable; Denied.
        """


class RunStep(Protocol):
    """`capas.run.step.run_step` with its runtime chosen."""

    def __call__(self, spec: StepSpec, *, cancelled: threading.Event, report: Report) -> int:
        """The exit code."""


LookRound = Callable[[Callable[["StepSpec"], int]], int]
"""Runs a shell, by what it is given, in the state in which a command that failed began."""


class Fetch(Protocol):
    """A download: `ADD https://…`, a context by URL."""

    def __call__(self, url: str, out: BinaryIO, *, authorization: str = "") -> None:
        """Write what is there to `out`; `authorization` is the header of that name, for its host alone.

        Raises: NotFound; Unavailable; Denied.
        """


class Keep(Protocol):
    """Keeps what was built: records the images and points the names at them."""

    def __call__(self, exported: Exported, names: Sequence[Reference]) -> None:
        """Order: while the build's blobs are still held."""


class BuildPorts(NamedTuple):
    """The world of one build. `snapshotter` and `run_step` are asked for by RUN alone; `clock` gives nanoseconds."""

    store: Store
    cache: BuildCache
    cache_root: Path  # where contexts' file digests, layers' contents and cache mounts are kept
    clock: Callable[[], int]
    resolve_image: ResolveImage
    snapshotter: Callable[[], Snapshotter]
    run_step: Callable[[], RunStep]
    fetch: Fetch
    new_id: Callable[[], str]  # a fresh name of letters and digits
    keep: Keep
    client: Callable[[], Client]  # conversations with registries
    layer_files: LayerFiles | None = None  # where layers are kept as one file each, if they are
    on_failure: Callable[[CapasError, LookRound], None] | None = None  # asked once all else has stopped
