"""`container prune`: what does not run any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capas.engine.container_times import parse_moment
from capas.errors import CapasError, Invalid
from capas.run.containers import Container, Containers
from capas.run.ending import prune


class Pruned(NamedTuple):
    """The ids that went, and the bytes that are free again."""

    deleted: tuple[str, ...]
    size: int = 0


def prune_containers(containers: Containers, filters: Sequence[str], now_ns: int) -> Pruned:
    """Remove every container that does not run and that the filters do not spare. Raises: Invalid for a filter."""
    tests = [_test(text, now_ns) for text in filters]
    sizes: dict[str, int] = {}

    def keep(container: Container) -> bool:
        if not all(test.fits(container) for test in tests):
            return True
        sizes[container.record.id] = _size(containers, container)
        return False

    deleted = prune(containers, keep)
    return Pruned(tuple(deleted), sum(sizes[one] for one in deleted))


class _Test(NamedTuple):
    before_ns: int = 0
    label: str = ""
    value: str | None = None
    wanted: bool = True

    def fits(self, container: Container) -> bool:
        record = container.record
        if self.before_ns:
            return record.created_ns < self.before_ns
        labels = record.spec.labels
        has = self.label in labels and (self.value is None or labels[self.label] == self.value)
        return has == self.wanted


def _test(text: str, now_ns: int) -> _Test:
    key, equals, value = text.partition("=")
    if equals and key == "until":
        return _Test(before_ns=parse_moment(value, now_ns))
    if equals and key in ("label", "label!"):
        name, has_value, wanted = value.partition("=")
        return _Test(label=name, value=wanted if has_value else None, wanted=key == "label")
    raise Invalid("not a filter: {filter!r}", filter=text[:200], hint="filters are: label, label!, until")


def _size(containers: Containers, container: Container) -> int:
    try:
        return containers.snapshotter.usage(container.record.snapshot).size
    except CapasError:
        return 0
