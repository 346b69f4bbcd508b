"""WORKDIR: the directory made, where it is missing. A layer only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from capas.build.bench import Bench
from capas.build.owners import ROOT, resolve_owner
from capas.build.placement import Placement
from capas.build.vertex import Made, Solved, digest_key, encode_key
from capas.errors import CapasError
from capas.layer.writer import TarWriter


class WorkdirOp(NamedTuple):
    """A directory with its parents, mode 0755, of the user that USER says."""

    title: str
    locate: Callable[[CapasError], CapasError]
    path: str
    user: str = ""
    use_cache: bool = True

    @property
    def parts(self) -> Mapping[str, object]:
        """Where, and whose."""
        return {"workdir": self.path, "user": self.user}

    @property
    def definition(self) -> str:
        """The same as one text."""
        return encode_key("workdir", self.parts)

    def begin(self, inputs: Sequence[Solved], bench: Bench, step: str) -> WorkdirWork:
        """Nothing to get ready."""
        return WorkdirWork(self, inputs[0], bench)


class WorkdirWork:
    """One directory under way."""

    def __init__(self, op: WorkdirOp, base: Solved, bench: Bench) -> None:
        self._op = op
        self._base = base
        self._bench = bench
        self.parts = {**op.parts, "base": base.chain, **bench.packing}
        self._key = digest_key("workdir", self.parts)

    def keys(self) -> Iterator[str]:
        """One: the tree below decides all."""
        yield self._key

    def learned(self) -> Sequence[str]:
        """The same."""
        return (self._key,)

    def files(self, *, look: bool = False) -> Mapping[str, str]:
        """It copies none."""
        return {}

    def make(self) -> Made:
        """Look whether it is there. Raises: Invalid where a file is in the way."""
        below = self._bench.tree_files("the image", self._base.layers, self._base.chain)
        owner = resolve_owner(self._op.user, below) if self._op.user else ROOT
        placement = Placement(below, owner=owner, mtime_ns=self._bench.mtime_ns)
        placement.make_directories(self._op.path.encode(errors="surrogateescape"))
        return self._bench.write_layer(lambda tar: _write(placement, tar))


def _write(placement: Placement, tar: TarWriter) -> int:
    count = 0
    for placed in placement.iter_placed():
        tar.add(placed.entry, None)
        count += 1
    return count
