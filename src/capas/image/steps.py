"""What an image is made of: each step of its history with the layer that it added."""

from __future__ import annotations

from typing import Literal, NamedTuple

from capas.dockerfile.history import split_instruction
from capas.image.created import parse_created
from capas.oci.config import Config
from capas.oci.digest import Digest
from capas.oci.manifest import Manifest

Kind = Literal["base", "copy", "run", "other", "written"]


class Step(NamedTuple):
    """A step. `size` is what its layer has in the registry; `digest` is None for a step that changed no file."""

    number: int
    instruction: str
    text: str
    created_ns: int
    kind: Kind
    size: int = 0
    digest: Digest | None = None

    @property
    def words(self) -> str:
        """It as a line: the instruction and what follows."""
        return f"{self.instruction} {self.text}".strip()

    @property
    def is_empty(self) -> bool:
        """Whether it added no layer."""
        return self.digest is None


def list_steps(manifest: Manifest, config: Config | None) -> list[Step]:
    """The steps, oldest first. Layers that no step tells of come last, without words."""
    layers = list(manifest.layers)
    steps: list[Step] = []
    for number, told in enumerate(config.steps if config else (), 1):
        instruction, text = split_instruction(told.created_by)
        layer = layers.pop(0) if not told.empty_layer and layers else None
        kind = _kind(instruction, is_first=not steps)
        step = Step(number, instruction, text, parse_created(told.created), kind)
        steps.append(step._replace(size=layer.size, digest=layer.digest) if layer else step)
    for layer in layers:
        steps.append(Step(len(steps) + 1, "", "", 0, "base" if not steps else "other", layer.size, layer.digest))
    return steps


def _kind(instruction: str, *, is_first: bool) -> Kind:
    if is_first:
        return "base"
    return {"RUN": "run", "COPY": "copy", "ADD": "copy"}.get(instruction, "other")  # type: ignore[return-value]
