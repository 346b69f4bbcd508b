"""What was made by POST /containers/{id}/exec: known as long as the server runs, the newest of those that ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from capas.errors import NotFound
from capas.run.executing import Window
from capas.run.execution import ExecSpec

_KEPT = 1000


@dataclass(slots=True)
class Exec:
    """One more process: to be started once."""

    id: str
    container_id: str
    spec: ExecSpec
    stdin: bool
    stdout: bool
    stderr: bool
    keys: bytes
    window: Window = field(default_factory=Window)
    running: bool = False
    pid: int = 0
    exit_code: int | None = None
    begun: bool = False


class Execs:
    """By id; used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Exec] = {}

    def add(self, one: Exec) -> None:
        """Know it; the oldest that have ended are forgotten."""
        with self._lock:
            self._known[one.id] = one
            ended = [each.id for each in self._known.values() if each.exit_code is not None]
            for old in ended[: max(len(self._known) - _KEPT, 0)]:
                del self._known[old]

    def get(self, exec_id: str) -> Exec:
        """Raises: NotFound."""
        with self._lock:
            found = self._known.get(exec_id)
        if found is None:
            raise NotFound("no such exec instance: {id}", id=exec_id[:100])
        return found

    def list_of(self, container_id: str) -> list[str]:
        """The ids of those that run in a container."""
        with self._lock:
            return [one.id for one in self._known.values() if one.container_id == container_id and one.running]
