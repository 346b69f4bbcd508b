"""What drawings are made from: an image of the reader's own store, or an example where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capas.image.image import Image
from capas.image.steps import list_steps
from capas.oci.digest import ChainID, DiffID, Digest, chain_id


class OwnLayer(NamedTuple):
    """A layer and the step that made it. Units: `size` is bytes as packed."""

    step: str
    size: int
    digest: Digest
    diff_id: DiffID


class Own(NamedTuple):
    """An image, and the names of images with what they point at. `is_example`: it is not the reader's."""

    name: str
    layers: tuple[OwnLayer, ...]
    image_id: str
    manifest: str
    platform: str
    command: str
    tags: tuple[tuple[str, str], ...]
    is_example: bool = False

    @property
    def chain_id(self) -> ChainID:
        """The name of the whole stack. Raises: Invalid without layers."""
        return chain_id(layer.diff_id for layer in self.layers)


def read_own(image: Image, name: str, tags: Sequence[tuple[str, str]]) -> Own:
    """An image as drawings need it. Raises: NotFound; Corrupt."""
    made = [step for step in list_steps(image.manifest, image.config) if step.digest is not None]
    steps = {step.digest: step.words for step in made}
    layers = [
        OwnLayer(steps.get(layer.descriptor.digest, ""), layer.descriptor.size, layer.descriptor.digest, layer.diff_id)
        for layer in image.layers
    ]
    execution = image.config.execution
    words = [*(execution.entrypoint or ()), *(execution.cmd or ())]
    return Own(
        name, tuple(layers), image.id.short, image.digest.short, str(image.platform), " ".join(words), tuple(tags)
    )


def _layer(step: str, size: int) -> OwnLayer:
    return OwnLayer(step, size, Digest.of(step.encode()), DiffID.of(f"{step} unpacked".encode()))


EXAMPLE = Own(
    "me/app:1.0",
    (
        _layer("ADD rootfs.tar.xz /", 28_000_000),
        _layer("RUN apt-get update && apt-get install -y python3", 41_000_000),
        _layer("COPY . /app", 120_000),
    ),
    Digest.of(b"config").short,
    Digest.of(b"manifest").short,
    "linux/amd64",
    "python3 /app/main.py",
    (("me/app:1.0", Digest.of(b"config").short), ("me/app:latest", Digest.of(b"config").short),
     ("me/app:0.9", Digest.of(b"older").short)),
    is_example=True,
)  # fmt: skip
