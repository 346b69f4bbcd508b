"""Progress as plain values: one stream of events, rendered by whoever listens.

A long verb takes `report=` as its last keyword and calls it, from any thread, with these values. `id` names the
thing that moves (a short digest, a build step); `Started` comes first for an id and `Finished` or `Failed` ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Started(NamedTuple):
    """Something began. `total` is the amount to come in bytes, or None where it is not known."""

    id: str
    text: str  # "Pulling", "Pushing", "RUN pip install …"
    total: int | None = None


class Advanced(NamedTuple):
    """`done` bytes of this phase are behind us (absolute, not a step). `text` names the phase."""

    id: str
    done: int
    total: int | None = None
    text: str = ""


class Said(NamedTuple):
    """A line of words. `id` is empty for the whole verb. `stream` is "out" or "err" for a child's own output."""

    text: str
    id: str = ""
    stream: str = ""


class Finished(NamedTuple):
    """It is done: "Pull complete", "Already exists", "Mounted from library/debian", "CACHED"."""

    id: str
    text: str


class Failed(NamedTuple):
    """It went wrong; the error itself is raised by the verb."""

    id: str
    text: str


class Planned(NamedTuple):
    """A step that will be done once those it stands on have been: `inputs` are their digests."""

    id: str
    text: str
    digest: str
    inputs: tuple[str, ...] = ()


class Cause(NamedTuple):
    """One reason why a step is done again: what of its makings changed, from what to what (None: was or is not there).

    `kind` is "file", "arg", "env", "base", "step", "instruction", the name of a flag, or one of those without a name:
    "first" (nothing earlier is known), "new", "no-cache", "gone" (its layer is not in the store), "pruned" (from the
    cache), "forgotten" (it was done, but what it was made of is not known any more).
    """

    kind: str
    name: str = ""
    old: str | None = None
    new: str | None = None


class Explained(NamedTuple):
    """Why the step is done although it may have been done before."""

    id: str
    causes: tuple[Cause, ...]


class Settled(NamedTuple):
    """An instruction that makes no files, done once it is planned. `after`: the digest of the step it stands on."""

    text: str
    after: str
    id: str = ""


Event = Started | Advanced | Said | Finished | Failed | Planned | Explained | Settled
Report = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that hears nothing: the default of every `report=`."""
