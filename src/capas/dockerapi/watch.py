"""Watching containers: who waits for an end, and the events that docker's client listens to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from capas.clock import now_ns
from capas.engine.engine import Engine
from capas.errors import CapasError, NotFound
from capas.run.containers import Container
from capas.run.health import read_health
from capas.run.last_words import find_code
from capas.run.restarting import is_returning, was_stopped

_KEPT = 1000  # events that a client may ask for with ?since=
_PAUSE_SECONDS, _HEALTH_SECONDS, _LOOK_SECONDS = 0.5, 0.2, 0.02
_DECISION_SECONDS, _REMOVAL_SECONDS = 0.3, 10.0


class Event(NamedTuple):
    """Something that happened to a thing. Spec: Docker Engine API, "SystemEvents"."""

    kind: str
    action: str
    id: str
    attributes: Mapping[str, str]
    time_ns: int

    def document(self) -> dict[str, Any]:
        """docker's fields, the older ones for containers and images too."""
        old = {"status": self.action, "id": self.id} if self.kind in ("container", "image") else {}
        source = {"from": self.attributes["image"]} if self.kind == "container" and "image" in self.attributes else {}
        return {
            **old, **source, "Type": self.kind, "Action": self.action,
            "Actor": {"ID": self.id, "Attributes": dict(self.attributes)}, "scope": "local",
            "time": self.time_ns // 10**9, "timeNano": self.time_ns,
        }  # fmt: skip


class Watch:
    """One a server; used from its event loop and its threads."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine, self._loop = engine, loop
        self._lock = threading.Lock()
        self._watched: set[str] = set()
        self._changed: dict[str, asyncio.Event] = {}
        self._listeners: set[asyncio.Queue[Event]] = set()
        self._codes: dict[str, int] = {}  # of those that removed themselves
        self.past: deque[Event] = deque(maxlen=_KEPT)

    # events

    def tell(self, kind: str, action: str, id: str, attributes: Mapping[str, str]) -> None:
        """Something happened; from any thread."""
        event = Event(kind, action, id, attributes, now_ns())
        self._loop.call_soon_threadsafe(self._tell, event)

    def tell_container(self, action: str, container: Container, **more: str) -> None:
        """The same of a container, with what docker says of one."""
        record = container.record
        facts = {**record.spec.labels, "image": record.spec.image, "name": record.name, **more}
        self.tell("container", action, record.id, facts)

    def tell_networks(self, action: str, container: Container) -> None:
        """The same of each network that a container is on. From a thread."""
        room = self._engine.containers.room.networks
        for endpoint in container.record.spec.endpoints:
            try:
                network = room.bridge_of(endpoint.network).id
            except NotFound:
                continue  # it was removed
            self.tell("network", action, network,
                      {"container": container.record.id, "name": endpoint.network, "type": "bridge"})  # fmt: skip

    def tell_volumes(self, action: str, container: Container) -> None:
        """The same of each volume that a container has mounted."""
        record = container.record
        for mount in record.spec.mounts:
            if mount.type != "volume":
                continue
            facts = {"container": record.id, "driver": "local"}
            if action == "mount":
                writable = "false" if mount.read_only else "true"
                facts |= {"destination": mount.target, "propagation": "", "read/write": writable}
            self.tell("volume", action, mount.source, facts)

    def listen(self) -> asyncio.Queue[Event]:
        """What happens from now on, a thousand unread at most. Order: give it back with `leave`."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_KEPT)
        self._listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[Event]) -> None:
        """Listen no more."""
        self._listeners.discard(queue)

    def _tell(self, event: Event) -> None:
        self.past.append(event)
        for queue in self._listeners:
            if not queue.full():  # as docker: a listener that does not listen misses it
                queue.put_nowait(event)

    # ends

    def started(self, container: Container) -> None:
        """A container runs: its end will be noticed, also when another process brings it about. From any thread."""
        with self._lock:
            if container.record.id in self._watched:
                return
            self._watched.add(container.record.id)
        threading.Thread(target=self._await_end, args=(container,), daemon=True).start()

    def is_watching(self, container_id: str) -> bool:
        """Whether its end is still to be noticed."""
        with self._lock:
            return container_id in self._watched

    def find_running(self) -> None:
        """Watch those that run already: a server that is started again finds its containers."""
        for container in self._engine.containers.list():
            self.started(container.container)

    def code_of(self, container_id: str) -> int | None:
        """The exit code of one that is gone, if it is among the last."""
        code = self._codes.get(container_id)
        return find_code(self._engine.containers.room.run_root, container_id) if code is None else code

    def _await_end(self, container: Container) -> None:
        container_id, container = container.record.id, self._latest(container)
        try:
            if container.record.spec.check.runs:
                asyncio.run_coroutine_threadsafe(self._watch_health(container), self._loop)
            self._tell_end(container)
            while self._runs_again(container):
                container = self._engine.containers.get(container_id)
                self.tell_container("start", container)
                self._tell_end(container)
            self._await_removal(container)
        except NotFound:  # it removed itself
            self.tell_container("destroy", container)
        except CapasError:
            pass
        finally:
            with self._lock:
                self._watched.discard(container_id)
            self._loop.call_soon_threadsafe(self._wake, container_id)

    def _wait(self, container_id: str) -> int:
        """The exit code, also of one that was gone before we looked."""
        try:
            return self._engine.containers.wait(container_id)
        except NotFound:
            return self.code_of(container_id) or 0

    def _tell_end(self, container: Container) -> None:
        """Wait for it, and tell it."""
        code = self._wait(container.record.id)
        self._codes[container.record.id] = code
        while len(self._codes) > _KEPT:
            self._codes.pop(next(iter(self._codes)), None)
        self.tell_networks("disconnect", self._latest(container))
        self.tell_volumes("unmount", container)
        seconds = (now_ns() - container.state.started_ns) // 10**9
        self.tell_container("die", container, execDuration=str(seconds), exitCode=str(code))
        self._loop.call_soon_threadsafe(self._wake, container.record.id)

    def _runs_again(self, before: Container) -> bool:
        """Whether its policy starts it again: its keeper decides that a moment after the end. Raises: NotFound."""
        decided = time.monotonic() + _DECISION_SECONDS
        folder = self._engine.containers.room.folder(before.record.id)
        while before.record.spec.restart != "no" and not was_stopped(folder):
            state = self._engine.containers.get(before.record.id).state
            if state.started_ns != before.state.started_ns:  # it may have ended anew already
                return True
            if state.status != "restarting" and time.monotonic() > decided:
                return False
            time.sleep(_LOOK_SECONDS)
        return False

    def _latest(self, container: Container) -> Container:
        try:
            return self._engine.containers.get(container.record.id)
        except CapasError:
            return container  # it removed itself

    def _await_removal(self, container: Container) -> None:
        """Raises: NotFound once it has removed itself, where it is to do so."""
        deadline = time.monotonic() + _REMOVAL_SECONDS
        if is_returning(self._engine.containers.room.folder(container.record.id), container.state):
            return
        while container.record.spec.auto_remove and time.monotonic() < deadline:
            self._engine.containers.get(container.record.id)
            time.sleep(_LOOK_SECONDS)

    async def _watch_health(self, container: Container) -> None:
        """Tell what its check says, whenever it says something else."""
        folder, last = self._engine.containers.room.folder(container.record.id), "starting"
        while self.is_watching(container.record.id):
            found = await asyncio.to_thread(read_health, folder)
            status = str(found["Status"]) if found else last
            if status != last:
                self.tell_container(f"health_status: {status}", container)
            last = status
            await asyncio.sleep(_HEALTH_SECONDS)

    def _wake(self, container_id: str) -> None:
        event = self._changed.pop(container_id, None)
        if event is not None:
            event.set()

    async def change(self, container_id: str) -> None:
        """Until the container may have ended; at the latest after half a second."""
        event = self._changed.setdefault(container_id, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), _PAUSE_SECONDS)
        except TimeoutError:
            return
