"""COPY and ADD: files from a context, a stage, an image, an archive, a URL or the Dockerfile itself become a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from capas.build.bench import Bench
from capas.build.facts import file_facts
from capas.build.modes import parse_mode
from capas.build.ops.origin import Origin
from capas.build.ops.unpack import unpack
from capas.build.owners import is_numeric, resolve_owner
from capas.build.placement import Placed, Placement
from capas.build.selection import Picked, content_key
from capas.build.sources.digesting import Digesting
from capas.build.vertex import Made, Solved, digest_key, encode_key
from capas.errors import CapasError, Interrupted, Invalid
from capas.layer.entry import FILE, HARDLINK
from capas.layer.writer import TarWriter

_SMALL = 1 << 20
_FORM = 2  # another number when the same files come to make another layer: since 2 hard links are kept


class CopyOp(NamedTuple):
    """Sources laid out at `target` (absolute; a slash at its end makes it a directory)."""

    title: str
    locate: Callable[[CapasError], CapasError]
    origins: tuple[Origin, ...]
    target: str
    chown: str = ""
    chmod: str = ""
    link: bool = False
    use_cache: bool = True

    @property
    def parts(self) -> Mapping[str, object]:
        """What is copied, where to, as whose."""
        return {
            "sources": [origin.definition for origin in self.origins],
            "target": self.target,
            "chown": self.chown,
            "chmod": self.chmod,
            "link": self.link,
        }

    @property
    def definition(self) -> str:
        """The same as one text."""
        return encode_key("copy", self.parts)

    def begin(self, inputs: Sequence[Solved], bench: Bench, step: str) -> CopyWork:
        """Find the sources. Raises: NotFound for one that is not there."""
        return CopyWork(self, inputs, bench)


class CopyWork:
    """One copy under way."""

    def __init__(self, op: CopyOp, inputs: Sequence[Solved], bench: Bench) -> None:
        self._op = op
        self._inputs = inputs
        self._bench = bench
        self._picked: list[Picked] | None = None
        base = "link" if op.link and is_numeric(op.chown or "0") else inputs[0].chain
        self.parts = {**op.parts, "base": base, **bench.packing}
        self._family = digest_key("family", _FORM, self.parts)

    def keys(self) -> Iterator[str]:
        """By the sources' own chain ids if all have one; by content only where this instruction has run here before."""
        cheap = self._cheap_key()
        if cheap is not None:
            yield cheap
        if self._bench.cache.knows(self._family):
            yield self._content_key()

    def learned(self) -> Sequence[str]:
        """Both keys: contents are known by now, since every file has been read."""
        self._bench.cache.note(self._family)
        cheap = self._cheap_key()
        return (self._content_key(),) if cheap is None else (cheap, self._content_key())

    def files(self, *, look: bool = False) -> Mapping[str, str] | None:
        """As far as they count for the key."""
        if self._picked is None and not look:
            return None
        return file_facts(self._pick(), **self._counting())

    def make(self) -> Made:
        """Lay the files out and write them, each read once. Raises: Invalid; NotFound; Conflict."""
        placement = self._place()
        return self._bench.write_layer(lambda tar: _write(placement, tar, self._bench))

    def _place(self) -> Placement:
        op, bench = self._op, self._bench
        base = self._inputs[0]
        alone = op.link and is_numeric(op.chown or "0")  # then the base is not even looked at
        below = None if alone else bench.tree_files("the image", base.layers, base.chain)
        owner = resolve_owner(op.chown, below) if op.chown else None
        placement = Placement(
            None if op.link else below,
            owner=owner,
            mode=parse_mode(op.chmod) if op.chmod else None,
            mtime_ns=bench.mtime_ns,
        )
        picked = self._pick()
        if sum(not one.is_directory for one in picked) > 1 and not placement.is_directory(op.target):
            raise Invalid(
                "several files cannot be copied to the one file {target}", target=op.target,
                hint="end the target with a slash to make it a directory",
            )  # fmt: skip
        for one in picked:
            placement.put(unpack(one, bench) if one.archive else one, op.target)
        return placement

    def _pick(self) -> list[Picked]:
        if self._picked is None:
            self._picked = [one for origin in self._op.origins for one in origin.pick(self._inputs, self._bench)]
        return self._picked

    def _cheap_key(self) -> str | None:
        chains = [origin.chain(self._inputs, self._bench) for origin in self._op.origins]
        if any(chain is None for chain in chains):
            return None
        return digest_key("copy", self._family, chains)

    def _content_key(self) -> str:
        return digest_key("content", self._family, content_key(self._pick(), **self._counting()))

    def _counting(self) -> dict[str, bool]:
        """What of the files shows in the result: not what flags overwrite."""
        return {"fixed_mode": self._op.chmod.isdigit(), "keep_owner": not self._op.chown}


def _write(placement: Placement, tar: TarWriter, bench: Bench) -> int:
    count = 0
    digests: dict[bytes, str] = {}  # of files that have other names, too
    for placed in placement.iter_placed():
        entry = placed.entry
        if entry.kind == FILE and placed.files is not None:
            digest = _write_file(placed, tar)
            if placed.inode is not None:
                digests[entry.path] = digest
        else:
            tar.add(entry, None)
            if entry.kind == HARDLINK and placed.files is not None and placed.source is not None:
                placed.files.learn(placed.source, digests[entry.target])
        count += 1
        if not count % 256 and bench.cancelled.is_set():
            raise Interrupted("cancelled")
    return count


def _write_file(placed: Placed, tar: TarWriter) -> str:
    assert placed.files is not None
    assert placed.source is not None
    with placed.files.open(placed.source) as file:
        if placed.entry.size <= _SMALL:
            data = file.read(_SMALL + 1)
            digest = sha256(data).hexdigest()
            tar.add_small(placed.entry, data)
        else:
            body = Digesting(file)
            tar.add(placed.entry, body)
            digest = body.hexdigest()
    placed.files.learn(placed.source, digest)
    return digest
