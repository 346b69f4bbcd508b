"""The story of a build, kept to be told again: whole where it is short, its steps where it is long."""

from __future__ import annotations

import asyncio

from capas.buildkit.telling import Telling
from capas.events import Finished, Planned, Said, Started

LINE = "x" * 1000


async def tell(lines: int, *, at_once: bool = False) -> Telling:
    """A story of one step that says so many lines, and one after it, read as it is told or all at once."""
    telling = Telling(asyncio.get_running_loop(), lambda: 1)
    telling.report(Planned("1/2", "RUN talk", "sha256:" + "1" * 64))
    telling.report(Started("1/2", "RUN talk"))
    for _ in range(lines):
        telling.report(Said(LINE, id="1/2"))
        if not at_once:
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


def test_of_a_story_that_comes_all_at_once_the_steps_are_kept() -> None:
    told = asyncio.run(tell(2000, at_once=True)).told()
    assert sum(one.ByteSize() for one in told) < 600 * 1024
    assert [vertex.name for one in told for vertex in one.vertexes][-1] == "[2/2] RUN end"


def test_reading_on_after_the_end_keeps_nothing_more() -> None:
    async def run() -> int:
        telling = await tell(1)
        telling.end()
        for _ in range(10):
            assert await telling.read() is None
        return len(telling.told())

    assert asyncio.run(run()) == 2
