"""An order: what one client wants built, put together from the calls in which it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.results import Result
from capas.errors import Unsupported
from capas.image.image import Image

_FRONTEND = "dockerfile.v0"


class Order(NamedTuple):
    """The frontend's attributes, the exporters and caches by type and attributes, what is allowed.

    It `builds` nothing where the client only asked for what we can do.
    """

    session: str
    builds: bool = False
    attributes: Mapping[str, str] = {}
    exporters: Sequence[tuple[str, Mapping[str, str]]] = ()
    cache_exports: Sequence[tuple[str, Mapping[str, str]]] = ()
    allow: frozenset[str] = frozenset()
    inputs: Mapping[str, str | Sequence[Image]] = {}  # by name: an image's name, or what another build gave
    result: Result | None = None  # where its own images go, if another build stands on them

    @classmethod
    def read(cls, solve: wire.SolveRequest, frontend: wire.FrontendRequest | None) -> Order:
        """Of the two calls. Raises: Unsupported for a graph or a frontend of the client's own."""
        if solve.HasField("definition") and solve.definition.operations:
            raise _own_graph()
        name, attributes = solve.frontend, solve.frontend_attrs
        if frontend is not None:
            if frontend.HasField("definition") and frontend.definition.operations:
                raise _own_graph()
            name, attributes = frontend.frontend, frontend.options
        if name not in ("", _FRONTEND):
            raise Unsupported(
                "Capas builds Dockerfiles: there is no frontend {frontend!r}", frontend=name[:100],
                hint="Dockerfiles need no image of a frontend here: leave `# syntax=` of other languages out",
            )  # fmt: skip
        old = [(solve.exporter, dict(solve.exporter_attrs))] if solve.exporter and not solve.exporters else []
        return cls(
            solve.session,
            bool(name),
            dict(attributes),
            [*((one.type, dict(one.attrs)) for one in solve.exporters), *old],
            [(one.type, dict(one.attrs)) for one in solve.cache.exports],
            frozenset(solve.entitlements),
        )


def _own_graph() -> Unsupported:
    return Unsupported(
        "Capas builds Dockerfiles, not the graphs (LLB) of other frontends", hint="use capas bake or buildx"
    )
