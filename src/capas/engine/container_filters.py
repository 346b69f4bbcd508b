"""docker's filters of `container ls`: values of one key are alternatives (of `label`: all), keys add up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from capas.engine.container_summary import ContainerSummary
from capas.engine.lookup import get_image
from capas.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from capas.engine.engine import Engine

Test = Callable[[ContainerSummary], bool]
_HEALTH = ("starting", "healthy", "unhealthy", "none")
_SHOWN = {"starting": "health: starting"}
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


class Filters(NamedTuple):
    """Compiled filters. `any_state`: stopped containers are listed without being asked for."""

    groups: tuple[tuple[Test, ...], ...] = ()
    all_of: tuple[Test, ...] = ()
    any_state: bool = False

    def fits(self, row: ContainerSummary) -> bool:
        """Whether the row is to be shown."""
        return all(test(row) for test in self.all_of) and all(any(test(row) for test in group) for group in self.groups)


class _Scope(NamedTuple):
    rows: Sequence[ContainerSummary]
    engine: Engine


def compile_filters(texts: Sequence[str], rows: Sequence[ContainerSummary], engine: Engine) -> Filters:
    """`key=value` texts. Raises: Invalid; NotFound for a container or an image that is not there."""
    groups: dict[str, list[Test]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key not in _MAKERS:
            raise Invalid("not a container filter: {filter!r}", filter=text[:200],
                          hint="filters are: " + ", ".join(_MAKERS))  # fmt: skip
        groups.setdefault(key, []).append(_MAKERS[key](value, _Scope(rows, engine)))
    labels = groups.pop("label", [])
    return Filters(tuple(map(tuple, groups.values())), tuple(labels), "status" in groups)


def _id(value: str, _: _Scope) -> Test:
    return lambda row: row.id.startswith(value)


def _name(value: str, _: _Scope) -> Test:
    try:
        pattern = re.compile(value)
    except re.error:
        pattern = re.compile(re.escape(value))
    return lambda row: pattern.search(row.name) is not None or pattern.search("/" + row.name) is not None


def _status(value: str, _: _Scope) -> Test:
    if value not in _STATES:
        raise Invalid("a container is never {status!r}", status=value[:50], hint="choose one of: " + ", ".join(_STATES))
    return lambda row: row.state == value


def _label(value: str, _: _Scope) -> Test:
    name, has_value, wanted = value.partition("=")
    return lambda row: name in row.labels and (not has_value or row.labels[name] == wanted)


def _exited(value: str, _: _Scope) -> Test:
    if not value.removeprefix("-").isdecimal():
        raise Invalid("exited={code!r} is not an exit code", code=value[:50])
    return lambda row: row.state == "exited" and row.exit_code == int(value)


def _ancestor(value: str, scope: _Scope) -> Test:
    """The image itself, or one that was made on top of it."""
    records = scope.engine.store.records
    wanted = get_image(records, value).record
    layers = wanted.digests[1:]
    known = {record.image_id: record.digests[1:] for record in records.iter_images()}

    def test(row: ContainerSummary) -> bool:
        return row.image_id == wanted.image_id or bool(layers and known.get(row.image_id, ())[: len(layers)] == layers)

    return test


def _before(value: str, scope: _Scope) -> Test:
    border = _one(value, scope)
    return lambda row: row.created_ns < border.created_ns


def _since(value: str, scope: _Scope) -> Test:
    border = _one(value, scope)
    return lambda row: row.created_ns > border.created_ns


def _volume(value: str, _: _Scope) -> Test:
    return lambda row: value in row.mounts or value in row.targets


def _network(value: str, scope: _Scope) -> Test:
    found = scope.engine.containers.room.networks.find(value)
    return lambda row: (found.name if found else value) in row.networks


def _publish(value: str, _: _Scope) -> Test:
    port, _slash, protocol = value.partition("/")
    return lambda row: any(str(p.host_port) == port and p.protocol == (protocol or "tcp") for p in row.ports)


def _expose(value: str, _: _Scope) -> Test:
    wanted = value if "/" in value else f"{value}/tcp"
    return lambda row: wanted in row.exposed or any(f"{p.container_port}/{p.protocol}" == wanted for p in row.ports)


def _health(value: str, _: _Scope) -> Test:
    if value not in _HEALTH:
        raise Invalid("no health of a container: {health!r}", health=value[:50],
                      hint="choose one of: " + ", ".join(_HEALTH))  # fmt: skip
    if value == "none":
        return lambda row: not row.container.record.spec.check.runs
    return lambda row: row.container.record.spec.check.runs and f"({_SHOWN.get(value, value)})" in row.status


def _one(value: str, scope: _Scope) -> ContainerSummary:
    named = [row for row in scope.rows if row.name == value] or [row for row in scope.rows if row.id.startswith(value)]
    if not named:
        raise NotFound("no such container: {container}", container=value)
    if len(named) > 1:
        raise Conflict("{container} is the beginning of several container ids", container=value)
    return named[0]


_MAKERS = MappingProxyType({
    "ancestor": _ancestor, "before": _before, "exited": _exited, "expose": _expose, "id": _id, "label": _label,
    "health": _health, "name": _name, "network": _network, "publish": _publish, "since": _since, "status": _status,
    "volume": _volume,
})  # fmt: skip
