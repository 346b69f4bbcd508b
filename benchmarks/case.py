"""What a case is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from measure import Contender
from peers import Lab


class Case(NamedTuple):
    """A piece of work; `prepare` makes the ground ready and gives those who do it, Capas first."""

    name: str
    about: str
    prepare: Callable[[Lab], Sequence[Contender]]
    goal: str = ""
    most_rounds: int = 99  # of long work, fewer rounds do
