"""The story of a build, kept to be told again: whole where it is short, its steps where it is long."""

from __future__ import annotations

import asyncio

from capas.buildkit.telling import Telling
from capas.events import Finished, Planned, Said, Started

LINE = "x" * 1000


async def tell(lines: int) -> Telling:
    """A story of one step that says so many lines, and one after it, read as it is told."""
    telling = Telling(asyncio.get_running_loop(), lambda: 1)
    telling.report(Planned("1/2", "RUN talk", "sha256:" + "1" * 64))
    telling.report(Started("1/2", "RUN talk"))
    for _ in range(lines):
        telling.report(Said(LINE, id="1/2"))
        await telling.read()
    telling.report(Planned("2/2", "RUN end", "sha256:" + "2" * 64))
    telling.report(Finished("2/2", "DONE"))
    await telling.read()
    return telling


def test_a_short_story_is_kept_whole() -> None:
    told = asyncio.run(tell(3)).told()
    assert [len(log.msg) for one in told for log in one.logs] == [1001] * 3


def test_of_a_long_story_the_beginning_and_the_steps_are_kept() -> None:
    told = asyncio.run(tell(2000)).told()
    assert sum(one.ByteSize() for one in told) < 600 * 1024
    assert told[-1].vertexes[-1].HasField("completed")
    assert told[0].logs
