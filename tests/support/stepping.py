"""A place where RUN works: a store in memory, the runtime that is chosen here, the image `box` (busybox)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from capas.events import Said
from capas.image.image import Image
from capas.run.runtime import find_runtime
from capas.run.step import run_step
from capas.snapshot.choose import open_snapshotter
from capas.snapshot.contract import Snapshotter
from support.building import Workshop


class Steps(Workshop):
    """Builds whose steps run. Their context is `context`."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            snapshotter=self.open_snapshotter,
            run_step=lambda: partial(run_step, runtime=find_runtime(None, os.environ["PATH"]), run_root=root / "run"),
        )
        self.context = root / "context"
        self.context.mkdir()
        self.make_busybox("box", root / "tree")

    def open_snapshotter(self) -> Snapshotter:
        """The driver that is chosen here."""
        return open_snapshotter(self.root, wanted=None)[0]

    def run(self, lines: str, **wishes: object) -> Image:
        """Build these lines on busybox."""
        text = lines if lines.startswith("FROM") else f"FROM box\n{lines}"
        return self.build(self.context, dockerfile_text=text, **wishes).image

    def said(self) -> list[str]:
        """What the steps of the last build printed."""
        return [event.text for event in self.events if isinstance(event, Said)]

    def last_cached(self) -> bool:
        """Whether the last step of the last build came from the cache."""
        return list(self.cached().values())[-1]


@contextmanager
def opened_steps() -> Iterator[Steps]:
    """Such a place for a block."""
    root = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="capas-build-"))
    place = Steps(root)
    try:
        yield place
    finally:
        place.close()
        shutil.rmtree(root)
