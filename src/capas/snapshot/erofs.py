"""The erofs driver: a layer is one file that is mounted as it is; overlayfs stacks them. Nothing is unpacked."""

from __future__ import annotations

from pathlib import Path

from capas.layer.files import LayerFiles
from capas.snapshot.filed import FiledLayers
from capas.snapshot.layers import LooseLayers
from capas.snapshot.overlay import OverlaySnapshotter


class ErofsSnapshotter(OverlaySnapshotter):
    """See `Snapshotter`. Shares stacks, views and actives with the overlay driver, whose unpacked layers serve here."""

    name = "erofs"

    def __init__(self, root: Path, files: LayerFiles) -> None:
        super().__init__(root, lambda scratch: FiledLayers(files, LooseLayers(root, scratch), root))
