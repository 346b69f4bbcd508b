"""A build done twice, the second time in other conditions: what differs is not reproducible."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from capas.build.build import build
from capas.build.cache import BuildCache
from capas.build.difference import Difference, find_difference
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, Built
from capas.errors import Invalid
from capas.events import Event, Report, ignore
from capas.settings import in_time_zone
from capas.snapshot.scratch import remove_tree

_LATER_NS = 400 * 86_400 * 1_000_000_000
_FAR_AWAY = "XYZ-13:37"  # POSIX: thirteen and a half hours east, in no list of zones


class Repeated(NamedTuple):
    """The build, and the first thing in which a second one differed (None: nothing did)."""

    built: Built
    difference: Difference | None


def build_twice(request: BuildRequest, ports: BuildPorts, *, report: Report = ignore) -> Repeated:
    """Build, as `build` does; then once more, without a cache, one step after another, 400 days later by our clock, in
    another time zone, under umask 077, with scratch of its own, and compare. The second image gets no name.

    Raises: as `build`; Invalid for a context from standard input, which cannot be read twice.
    """
    if request.stdin is not None:
        raise Invalid("a build from standard input cannot be repeated", hint="give the context as a directory")
    with ports.store.lease():
        built = build(request, ports, report=report)
        place = ports.cache_root / f"again-{ports.new_id()[:12]}"
        other = ports._replace(
            cache=BuildCache(place / "build.db", lambda: ports.clock() + _LATER_NS),
            cache_root=place,
            clock=lambda: ports.clock() + _LATER_NS,
            keep=lambda exported, names: None,
            on_failure=None,
        )
        again = request._replace(no_cache=True, max_parallel=1, outputs=(), cache_from=(), cache_to=())
        try:
            with _umask(0o077), in_time_zone(_FAR_AWAY):
                second = build(again, other, report=_Renamed(report).hear)
            return Repeated(built, find_difference(built.image, second.image))
        finally:
            other.cache.close()
            if place.exists():
                remove_tree(place)


class _Renamed(NamedTuple):
    """The second build's events, told apart from the first's."""

    report: Report

    def hear(self, event: Event) -> None:
        """Pass it on."""
        self.report(event._replace(id=f"again {event.id}") if event.id else event)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
