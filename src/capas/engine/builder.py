"""The build cache as people see it: what it holds, how old, how large, and what of it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from capas.build.cache import CachedStep
from capas.build.cache_mounts import CacheKind, CacheMounts
from capas.clock import now_ns
from capas.dockerfile.duration import parse_duration
from capas.engine.removal import sweep
from capas.errors import CapasError, Invalid
from capas.events import Report, ignore
from capas.oci.digest import Digest

if TYPE_CHECKING:
    from capas.engine.engine import Engine

EntryType = Literal["regular", "exec.cachemount", "source.local", "internal"]
_KEPT: dict[EntryType, str] = {"exec.cachemount": "cache mount", "source.local": "files of a client:"}
FILTERS = ("id", "type", "until")
_INTERNAL = {"contents": "tables of contents of layers", "context": "digests of the files of contexts"}


class BuildEntry(NamedTuple):
    """One thing in the cache: a layer, a step without one, a cache mount, a client's files, or notes of Capas' own.

    Units: `size` in bytes. `shared`: an image needs the layer too, so that its bytes stay when the entry goes.
    """

    id: str
    type: EntryType
    size: int
    created_ns: int
    last_used_ns: int
    uses: int
    title: str
    shared: bool = False
    in_use: bool = False
    steps: tuple[int, ...] = ()
    path: Path | None = None

    @property
    def reclaimable(self) -> bool:
        """Whether it may go."""
        return not self.in_use


class Builder:
    """`engine.builder`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cache = engine.build_cache
        self._root = engine.settings.root / "cache"
        self._mounts = CacheMounts(self._root / "mounts", now_ns)
        self.contexts = CacheMounts(self._root / "contexts", now_ns)  # directories that clients sent

    def list(self, *, filters: Sequence[str] = ()) -> Sequence[BuildEntry]:
        """What the cache holds, the entry used longest ago first. Filters: id, type, until. Raises: Invalid."""
        wanted = [_parse_filter(text) for text in filters]
        entries = [*self._layers(), *self._cache_mounts(), *self._notes()]
        found = [one for one in entries if all(_fits(one, key, value) for key, value in wanted)]
        return sorted(found, key=lambda one: (one.last_used_ns, one.id))

    def plan_prune(
        self,
        *,
        every: bool = False,
        filters: Sequence[str] = (),
        max_used_bytes: int | None = None,
        reserved_bytes: int | None = None,
    ) -> Sequence[BuildEntry]:
        """What `prune` would remove: the longest unused first, until what is left fits into the larger of both budgets.

        `every` takes internal notes too. Raises: Invalid.
        """
        chosen = [one for one in self.list(filters=filters) if one.reclaimable and (every or one.type != "internal")]
        if max_used_bytes is None and reserved_bytes is None:
            return chosen
        budget = max(max_used_bytes or 0, reserved_bytes or 0)
        left = sum(one.size for one in self.list())
        gone = []
        for one in chosen:
            if left <= budget:
                break
            gone.append(one)
            left -= one.size
        return gone

    def prune(self, entries: Sequence[BuildEntry]) -> int:
        """Remove these entries; the bytes that are free again. What a build uses by now stays."""
        freed = 0
        self._cache.forget(step for one in entries for step in one.steps)
        for one in entries:
            if one.type in _KEPT:
                freed += self._remove_mount(one)
            elif one.path is not None:
                freed += _remove_files(one.path)
        return freed + sweep(self._engine)

    def export_mounts(self, target: str, *, ids: Collection[str] = (), report: Report = ignore) -> Digest:
        """Send cache mounts to `name:tag` or `oci-layout://path`. Raises: as `cache_transfer.export_mounts`."""
        from capas.engine.cache_transfer import export_mounts

        return export_mounts(self._engine, target, ids=ids, report=report)

    def import_mounts(self, source: str, *, over: bool = False, report: Report = ignore) -> Sequence[CacheKind]:
        """Bring cache mounts from there; which ones were made. Raises: as `cache_transfer.import_mounts`."""
        from capas.engine.cache_transfer import import_mounts

        return import_mounts(self._engine, source, over=over, report=report)

    def _layers(self) -> Iterator[BuildEntry]:
        live = self._engine.store.records.live_digests()
        groups: dict[Digest | int, list[CachedStep]] = defaultdict(list)
        for step in self._cache.list_steps():
            groups[step.digest or step.id].append(step)
        for name, steps in groups.items():
            newest = max(steps, key=lambda step: step.last_used_ns)
            yield BuildEntry(
                id=Digest.of(f"step {name}".encode()).hex[:25],
                type="regular",
                size=newest.size,
                created_ns=min(step.created_ns for step in steps),
                last_used_ns=newest.last_used_ns,
                uses=sum(step.uses for step in steps),
                title=newest.title,
                shared=newest.digest in live,
                steps=tuple(step.id for step in steps),
            )

    def _cache_mounts(self) -> Iterator[BuildEntry]:
        for kind, what in _KEPT.items():
            for mount in self._mounts_of(kind).iterate():
                yield BuildEntry(
                    id=mount.name, type=kind, size=mount.size, created_ns=mount.last_used_ns,
                    last_used_ns=mount.last_used_ns, uses=0, title=f"{what} {mount.kind.id}", in_use=mount.in_use,
                )  # fmt: skip

    def _mounts_of(self, kind: EntryType) -> CacheMounts:
        return self._mounts if kind == "exec.cachemount" else self.contexts

    def _notes(self) -> Iterator[BuildEntry]:
        for name, title in _INTERNAL.items():
            found = [path.stat() for path in _files(self._root / name)]
            if found:
                newest = max(status.st_mtime_ns for status in found)
                size = sum(status.st_blocks * 512 for status in found)
                yield BuildEntry(name, "internal", size, newest, newest, 0, title, path=self._root / name)

    def _remove_mount(self, entry: BuildEntry) -> int:
        try:
            return self._mounts_of(entry.type).remove(entry.id)
        except CapasError:  # taken or removed by another since it was listed
            return 0


def _parse_filter(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or key not in FILTERS:
        raise Invalid("not a filter of the build cache: {filter!r}", filter=text[:100],
                      hint="filters are: " + ", ".join(FILTERS))  # fmt: skip
    if key == "until":
        parse_duration(value)
    return key, value


def _fits(entry: BuildEntry, key: str, value: str) -> bool:
    if key == "id":
        return entry.id.startswith(value)
    if key == "type":
        return entry.type == value
    return entry.last_used_ns < now_ns() - parse_duration(value)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _remove_files(folder: Path) -> int:
    freed = 0
    for path in _files(folder):
        freed += path.stat().st_blocks * 512
        path.unlink(missing_ok=True)
    return freed
