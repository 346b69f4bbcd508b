"""One build under way for a client: what is wanted, who wants it, what it is told, and what cancels it."""

from __future__ import annotations

from typing import NamedTuple

from capas.build.scratch import Scratch
from capas.buildkit.caller import Caller
from capas.buildkit.order import Order
from capas.buildkit.telling import Telling
from capas.parallel import Nursery


class Job(NamedTuple):
    """The build. `nursery` cancels it."""

    order: Order
    caller: Caller
    telling: Telling
    nursery: Nursery


class Desk(NamedTuple):
    """A job in its thread, with a place for files that go with it."""

    job: Job
    scratch: Scratch
