"""What a build says of itself, as the vertices, statuses and logs that BuildKit's clients draw.

A step is a vertex; layers on their way are statuses beneath one vertex, exports and caches are vertices of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from capas.buildkit import messages_pb2 as wire
from capas.dockerfile.checks.finding import Finding
from capas.errors import CapasError, Interrupted
from capas.events import Advanced, Event, Explained, Failed, Finished, Planned, Said, Settled, Started

_MOST_LINES = 10_000  # that wait for a slow client
_MOST_KEPT = 256 * 1024  # bytes of a story that are kept to be told again; beyond them the steps alone are
_LAYERS = "transferring layers"
CANCELLED = "context canceled"  # the words by which clients know it
_CLIPPED = b"[output clipped: the client does not keep up]\n"


class Dockerfile(NamedTuple):
    """A Dockerfile as its client has it, and the vertex by which it came."""

    name: str
    text: bytes
    vertex: str


class Telling:
    """The story of one build: told by its threads, read by one client. `clock` gives nanoseconds since 1970."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], int]) -> None:
        self.dockerfile: Dockerfile | None = None  # once it is here
        self._loop = loop
        self._clock = clock
        self._lock = threading.Lock()
        self._pending = wire.StatusResponse()
        self._news = asyncio.Event()
        self._ended = False
        self._vertices: dict[str, wire.Vertex] = {}
        self._failed: list[wire.Vertex] = []
        self._moving: dict[str, wire.VertexStatus] = {}
        self._told: list[wire.StatusResponse] = []
        self._kept = 0  # bytes

    async def read(self) -> wire.StatusResponse | None:
        """What is new, waited for; None after the end."""
        await self._news.wait()
        with self._lock:
            found, self._pending = self._pending, wire.StatusResponse()
            self._keep(found)
            if not self._ended:
                self._news.clear()
            return found if found.ByteSize() or not self._ended else None

    def told(self) -> Sequence[wire.StatusResponse]:
        """What was read already, to be told again; of a long story the beginning, and how its steps ended."""
        with self._lock:
            return tuple(self._told)

    def steps(self) -> Sequence[wire.Vertex]:
        """Every step so far, as it stands."""
        with self._lock:
            return tuple(self._vertices.values())

    def report(self, event: Event) -> None:
        """Tell an event of the build. From any thread."""
        with self._lock:
            self._hear(event)
        self._wake()

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """A block that is a vertex by itself."""
        self.report(Started(name, ""))
        try:
            yield
        except BaseException as error:
            self.report(Failed(name, "CANCELED" if isinstance(error, Interrupted) else "ERROR"))
            raise
        self.report(Finished(name, "DONE"))

    def fail(self, error: CapasError, problem: str) -> None:
        """Why the steps failed that did, once it is known."""
        with self._lock:
            for vertex in self._failed:
                vertex.error = CANCELLED if isinstance(error, Interrupted) else problem
                self._finish(vertex)
        self._wake()

    def moved(self, name: str, what: str, size: int) -> None:
        """How many bytes came for a vertex that is being done."""
        with self._lock:
            status = self._pending.statuses.add(id=what, vertex=_digest(name), name=what, current=size)
            for field in (status.timestamp, status.started, status.completed):
                self._stamp(field)
        self._wake()

    def warn(self, findings: Iterable[Finding]) -> None:
        """What docker's build checks say."""
        name, text, vertex = self.dockerfile or Dockerfile("Dockerfile", b"", "")
        source = wire.SourceInfo(filename=name, data=text, language="Dockerfile")
        with self._lock:
            for finding in findings:
                place = finding.position
                self._pending.warnings.add(
                    vertex=_digest(vertex), level=1, short=f"{finding.rule.name}: {finding}".encode(),
                    detail=[finding.hint.encode()] if finding.hint else [], url=finding.rule.url, info=source,
                    ranges=[wire.Range(start=wire.Position(line=place.line), end=wire.Position(line=place.end_line))],
                )  # fmt: skip
        self._wake()

    def end(self) -> None:
        """Nothing more comes. In the loop."""
        self._ended = True
        self._news.set()

    def _keep(self, news: wire.StatusResponse) -> None:
        if self._kept + news.ByteSize() > _MOST_KEPT:
            self._kept = max(self._kept, _MOST_KEPT)
            news = wire.StatusResponse(vertexes=news.vertexes, warnings=news.warnings)
        size = news.ByteSize()
        if size and self._kept + size <= 2 * _MOST_KEPT:
            self._kept += size
            self._told.append(news)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the server has ended before its builds
            raise Interrupted("the server has ended") from None

    def _hear(self, event: Event) -> None:
        if isinstance(event, Planned):
            vertex = wire.Vertex(digest=event.digest, inputs=event.inputs, name=f"[{event.id}] {_line(event.text)}")
            self._vertices[event.id] = vertex
            self._pending.vertexes.append(vertex)
        elif isinstance(event, Said):
            self._say(event)
        elif event.id in self._vertices or " " in event.id:
            self._step(event)
        elif not isinstance(event, Explained | Settled):
            self._move(event)

    def _step(self, event: Event) -> None:
        vertex = self._vertices.get(event.id)
        if vertex is None:
            vertex = self._vertices[event.id] = wire.Vertex(digest=_digest(event.id), name=_name(event))
        if isinstance(event, Started):
            self._stamp(vertex.started)
            self._pending.vertexes.append(vertex)
        elif isinstance(event, Finished):
            vertex.cached = event.text == "CACHED"
            self._finish(vertex)
        elif isinstance(event, Failed) and event.text == "CANCELED":
            vertex.error = CANCELLED
            self._finish(vertex)
        elif isinstance(event, Failed):
            self._failed.append(vertex)  # the error itself is on its way

    def _finish(self, vertex: wire.Vertex) -> None:
        self._stamp(vertex.completed)
        if not vertex.HasField("started"):
            vertex.started.CopyFrom(vertex.completed)
        self._pending.vertexes.append(vertex)

    def _move(self, event: Started | Advanced | Finished | Failed) -> None:
        """A layer that comes or goes."""
        parent = self._vertices.get(_LAYERS)
        if parent is None:
            parent = self._vertices[_LAYERS] = wire.Vertex(digest=_digest(_LAYERS), name=_LAYERS)
        if not any(not one.HasField("completed") for one in self._moving.values()):
            parent.ClearField("completed")
            self._stamp(parent.started)
            self._pending.vertexes.append(parent)
        status = self._moving.setdefault(event.id, wire.VertexStatus(id=event.id, vertex=parent.digest))
        status.name = event.text
        if not status.HasField("started"):
            self._stamp(status.started)
        if isinstance(event, Advanced):
            status.current = event.done
        if isinstance(event, Started | Advanced):
            status.total = event.total or 0
        else:
            self._stamp(status.completed)
        self._stamp(status.timestamp)
        self._pending.statuses.append(status)
        if all(one.HasField("completed") for one in self._moving.values()):
            self._finish(parent)

    def _say(self, event: Said) -> None:
        vertex = self._vertices.get(event.id)
        if vertex is None:
            if event.stream == "err":
                self._pending.warnings.add(level=1, short=event.text.removeprefix("[Warning] ").encode())
            return
        if len(self._pending.logs) > _MOST_LINES:
            return
        clipped = len(self._pending.logs) == _MOST_LINES
        log = self._pending.logs.add(
            vertex=vertex.digest, stream=2 if event.stream == "err" else 1,
            msg=_CLIPPED if clipped else f"{event.text}\n".encode(errors="surrogateescape"),
        )  # fmt: skip
        self._stamp(log.timestamp)

    def _stamp(self, field: Timestamp) -> None:
        field.FromNanoseconds(self._clock())


def _name(event: Event) -> str:
    """What is no step, in BuildKit's words: `cache to x`, which is `exporting cache`, and `export 1`, of a kind."""
    text = "" if isinstance(event, Explained) else event.text
    if event.id.startswith("cache "):
        return text.removesuffix("cache") + event.id
    kind = text.partition(" ")[0]
    return f"exporting to {kind}" if event.id.startswith("export ") and kind else event.id


def _line(text: str) -> str:
    return " ".join(text.split())


def _digest(name: str) -> str:
    return f"sha256:{sha256(name.encode(errors='surrogateescape')).hexdigest()}"
