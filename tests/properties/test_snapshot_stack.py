"""Layers unpacked apart and stacked are the tree that unpacking one onto the other gives."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from capas.errors import CapasError
from capas.layer.apply import apply
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID
from capas.snapshot.contract import Snapshotter
from capas.snapshot.erofs import ErofsSnapshotter
from capas.snapshot.mounting import mounted
from capas.snapshot.overlay import OverlaySnapshotter
from support.changesets import Member, changeset
from support.disks import disk_directory
from support.plain_layers import bottoms, in_order, is_plain_stack, layers
from support.trees import Seen, look


def stacked(snapshotter: Snapshotter, tars: list[bytes]) -> dict[bytes, Seen]:
    names = []
    for tar in tars:
        names.append(DiffID.of(tar))
        snapshotter.add_layer(names[-1], io.BytesIO(tar))
    snapshotter.prepare("seen", snapshotter.stack(names), writable=False)
    with mounted(snapshotter, "seen") as tree:
        return below_root(tree)


def applied(tars: list[bytes], target: Path) -> dict[bytes, Seen]:
    target.mkdir()
    for tar in tars:
        apply(io.BytesIO(tar), target, style="plain")
    return below_root(target)


def below_root(tree: Path) -> dict[bytes, Seen]:
    """Beneath the root. `links` counts the names that can be seen: overlayfs tells those that a layer hides too."""
    found = {path: seen for path, seen in look(tree).items() if path != b"."}
    numbers = {path: os.lstat(os.path.join(os.fsencode(tree), path)).st_ino for path in found}
    names = Counter(numbers.values())
    return {path: seen._replace(links=names[numbers[path]]) for path, seen in found.items()}


DRIVERS = {
    "overlay": OverlaySnapshotter,
    "erofs": lambda root: ErofsSnapshotter(root, LayerFiles(root / "files")),
}


@pytest.mark.root
@pytest.mark.parametrize("driver", DRIVERS)
@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(bottoms, st.lists(layers, min_size=1, max_size=3))
def test_a_stack_is_the_tree_of_its_layers_applied_in_turn(
    driver: str, bottom: list[Member], rest: list[list[Member]]
) -> None:
    assume(is_plain_stack(bottom, rest))
    with disk_directory() as place:
        tars = [changeset(*in_order(layer)) for layer in (bottom, *rest)]
        try:
            expected = applied(tars, place / "plain")
        except (CapasError, OSError):
            assume(False)
        assert stacked(DRIVERS[driver](place / "stack"), tars) == expected
