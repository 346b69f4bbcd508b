"""What differs between two images: layers by bytes, and every line of their configs."""

from __future__ import annotations

from typing import NamedTuple

from capas.hub.pages.reading import Shown
from capas.image.config_changes import Change, compare_configs
from capas.image.steps import Step, list_steps
from capas.oci.config import Config


class Difference(NamedTuple):
    """From one image to another. `shared` layers are the same blobs; `removed` and `added` are those of one side."""

    shared: tuple[Step, ...]
    removed: tuple[Step, ...]
    added: tuple[Step, ...]
    changes: tuple[Change, ...]

    @property
    def shared_bytes(self) -> int:
        """What a client that has the one need not pull for the other."""
        return sum(step.size for step in self.shared)

    @property
    def removed_bytes(self) -> int:
        """The bytes of the layers that only the first has."""
        return sum(step.size for step in self.removed)

    @property
    def added_bytes(self) -> int:
        """What a client that has the first still pulls for the second."""
        return sum(step.size for step in self.added)

    @property
    def is_nothing(self) -> bool:
        """Whether both are the same to whoever runs them."""
        return not (self.removed or self.added or self.changes)


def compare(old: Shown, new: Shown) -> Difference:
    """What changes from the old image to the new one."""
    before = [step for step in list_steps(old.manifest, old.config) if step.digest]
    after = [step for step in list_steps(new.manifest, new.config) if step.digest]
    had, has = {step.digest for step in before}, {step.digest for step in after}
    return Difference(
        shared=tuple(step for step in after if step.digest in had),
        removed=tuple(step for step in before if step.digest not in has),
        added=tuple(step for step in after if step.digest not in had),
        changes=tuple(compare_configs(old.config or Config(), new.config or Config())),
    )
