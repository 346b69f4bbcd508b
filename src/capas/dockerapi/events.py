"""What happens, as docker's `events` shows it."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from capas.clock import now_ns
from capas.dockerapi.host import Route, filters_of, host_of
from capas.dockerapi.watch import Event
from capas.engine.container_times import parse_moment


async def events(request: web.Request) -> web.StreamResponse:
    """GET /events: what was (`since`) and what comes, until `until` or the client leaves."""
    watch, filters = host_of(request).watch, filters_of(request)
    now = now_ns()
    since, until = request.query.get("since", ""), request.query.get("until", "")
    end_ns = parse_moment(until, now) if until else None
    begin_ns = parse_moment(since, now) if since else now
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    queue = watch.listen()
    try:
        await response.prepare(request)
        for event in list(watch.past):
            if begin_ns <= event.time_ns <= (end_ns or now) and fits(event, filters):
                await _send(response, event)
        while end_ns is None or now_ns() < end_ns:
            left = None if end_ns is None else max(end_ns - now_ns(), 0) / 1e9
            try:
                event = await asyncio.wait_for(queue.get(), left)
            except TimeoutError:
                break
            if fits(event, filters):
                await _send(response, event)
    finally:
        watch.leave(queue)
    await response.write_eof()
    return response


async def _send(response: web.StreamResponse, event: Event) -> None:
    await response.write(msgspec.json.encode(event.document()) + b"\n")


def fits(event: Event, filters: list[str]) -> bool:
    """Values of one key are alternatives, keys add up; every label has to be there."""
    groups: dict[str, list[str]] = {}
    for text in filters:
        key, _, value = text.partition("=")
        groups.setdefault(key, []).append(value)
    labels = groups.pop("label", [])
    return all(any(_has(event, key, value) for value in values) for key, values in groups.items()) and all(
        _has(event, "label", value) for value in labels
    )


def _has(event: Event, key: str, value: str) -> bool:
    facts = event.attributes
    if key == "type":
        return event.kind == value
    if key in ("event", "action"):
        return value in (event.action, event.action.partition(":")[0])
    if key == "label":
        name, equals, wanted = value.partition("=")
        return name in facts and (not equals or facts[name] == wanted)
    if key == "image":
        names = (event.id, facts.get("name", "")) if event.kind == "image" else (facts.get("image", ""),)
        return any(value in (name, _untagged(name)) for name in names)
    if key in ("container", "volume", "network"):
        return event.kind == key and (event.id.startswith(value) or facts.get("name") == value)
    return key in ("scope", "daemon")


def _untagged(name: str) -> str:
    """`registry:5000/app` of `registry:5000/app:1`."""
    front, colon, tag = name.rpartition(":")
    return front if colon and "/" not in tag else name


ROUTES: list[Route] = [("GET", "/events", events)]
