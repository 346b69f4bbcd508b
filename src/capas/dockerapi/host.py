"""What the handlers share: the engine, and the one door from asyncio to its threads."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, ParamSpec, TypeVar

from aiohttp import web

from capas.dockerapi.exec_records import Execs
from capas.dockerapi.watch import Watch
from capas.engine.engine import Engine
from capas.errors import Invalid
from capas.run.streams import Attached

P = ParamSpec("P")
T = TypeVar("T")

_TRUE = frozenset({"1", "true", "True", "t", "T", "TRUE"})
_FALSE = frozenset({"", "0", "false", "False", "f", "F", "FALSE"})


class Host(NamedTuple):
    """A running server. `waiting` are the streams of clients that are attached to what does not run yet, by id."""

    engine: Engine
    pool: ThreadPoolExecutor
    watch: Watch
    execs: Execs
    waiting: dict[str, list[Attached]]

    async def hop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that takes no longer than the disk does, in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, lambda: work(*args, **kwargs))

    async def alone(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that takes as long as a client or a container likes, in a thread of its own: nobody waits for it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        _in_thread(loop, done, lambda: work(*args, **kwargs))
        return await done


def _in_thread(loop: asyncio.AbstractEventLoop, done: asyncio.Future[T], work: Callable[[], T]) -> None:
    def settle(set_it: Callable[[Any], None], value: object) -> None:
        if not done.done():  # who asked may have gone
            set_it(value)

    def run() -> None:
        try:
            value = work()
        except BaseException as error:
            loop.call_soon_threadsafe(settle, done.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, done.set_result, value)

    threading.Thread(target=run, name="docker-alone", daemon=True).start()


HOST = web.AppKey("host", Host)
Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]


def host_of(request: web.Request) -> Host:
    """The server that got this request."""
    return request.app[HOST]


def flag(request: web.Request, name: str, default: bool = False) -> bool:
    """A yes or no of the query, as Go reads it. Raises: Invalid."""
    text = request.query.get(name)
    if text is None:
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise Invalid("{name} is true or false, not {value!r}", name=name, value=text[:100])


def whole(request: web.Request, name: str) -> int | None:
    """A whole number of the query. Raises: Invalid."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise Invalid("{name} is a whole number, not {value!r}", name=name, value=text[:100]) from None


def filters_of(request: web.Request) -> list[str]:
    """docker's filters as `key=value` lines: `{"label": ["a", "b"]}`, or its older `{"label": {"a": true}}`.

    Raises: Invalid.
    """
    text = request.query.get("filters", "")
    if not text:
        return []
    try:
        found = json.loads(text)
        return [f"{key}={value}" for key, values in found.items() for value in values]
    except (ValueError, AttributeError, TypeError):
        raise Invalid("the filters are no JSON object of lists") from None


async def json_body(request: web.Request, *, needed: bool = False) -> dict[str, Any]:
    """The request's JSON object; an empty one for no body, unless one is `needed`. Raises: Invalid."""
    data = await request.read()
    if not data.strip():
        if needed:
            raise Invalid("invalid JSON: got EOF while reading request body")
        return {}
    kind = request.headers.get("Content-Type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Invalid("unsupported Content-Type header ({kind}): must be 'application/json'", kind=kind[:100])
    try:
        found = json.loads(data)
    except ValueError as error:
        raise Invalid("invalid JSON: {why}", why=str(error)) from None
    if found is not None and not isinstance(found, dict):
        raise Invalid("invalid JSON: the request's body is no JSON object")
    return found or {}
