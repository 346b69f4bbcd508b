"""What is kept of an image that has just come in, as `store.keep` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capas.engine.engine import Engine
    from capas.image.image import Image


def settle(engine: Engine, image: Image) -> None:
    """Under "layer", let packed bytes go that can be had again. Order: when the image is recorded."""
    if engine.settings.keep == "layer" and engine.layer_files is not None:
        from capas.image.spared import spare

        spare(engine.store, image, engine.layer_files)
