"""One build under way for a client: what is wanted, who wants it, what it is told, and what cancels it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from capas.build.scratch import Scratch
from capas.buildkit.asking import Client
from capas.buildkit.caller import Caller
from capas.buildkit.order import Order
from capas.buildkit.telling import Telling
from capas.engine.engine import Engine
from capas.parallel import Nursery


class Job(NamedTuple):
    """The build. `nursery` cancels it; `holders` have directories of the client that are not in its own session."""

    order: Order
    caller: Caller
    holders: Mapping[str, Caller]
    telling: Telling
    nursery: Nursery

    def holder(self, directory: str) -> Caller:
        """Who has the client's directory of this name."""
        return self.holders.get(directory, self.caller)


class Desk(NamedTuple):
    """A job in its thread, with a place for files that go with it, and what is given back at its end."""

    job: Job
    engine: Engine
    client: Client
    scratch: Scratch
    stack: contextlib.ExitStack
