"""Our end of a process that somebody else keeps: what it prints goes to our streams, what we type to it."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from functools import partial
from types import TracebackType

from capas.run.keys import DetachKeys
from capas.run.pump import Feeder, Outlet, Sink, drain


class Client:
    """Carries bytes for a block. `outputs`: from a descriptor of ours, which is closed at the end, to another one."""

    def __init__(self, outputs: Sequence[tuple[int, int | None]]) -> None:
        self._over = os.eventfd(0, os.EFD_CLOEXEC)
        self._left = os.eventfd(0, os.EFD_CLOEXEC)
        self._sinks: list[list[Sink]] = [[] if target is None else [Outlet(target)] for _, target in outputs]
        self._readers = [
            drain(source, sinks, self._over) for (source, _), sinks in zip(outputs, self._sinks, strict=True)
        ]
        self._feeder: Feeder | None = None

    def feed(self, source: int, target: int, keys: bytes) -> None:
        """Hand on what is typed to `target`, which is ours, and closed at the end. At the `keys` we leave."""
        leave = partial(os.eventfd_write, self._left, 1)
        self._feeder = Feeder(source, target, keys=DetachKeys(keys), leave=leave)
        os.close(target)  # the feeder has its own

    def stay(self, ended: int) -> bool:
        """Until something can be read from `ended` (True), or the keys were typed (False): nothing more is shown."""
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(self._left, select.POLLIN)
        if self._left not in dict(poll.poll()):
            return True
        for sinks in self._sinks:
            sinks.clear()
        return False

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._feeder is not None:
            self._feeder.stop()
        os.eventfd_write(self._over, 1)
        for reader in self._readers:
            reader.join()
        os.close(self._over)
        os.close(self._left)
