"""Writes that come together are done together: one of those who wait does what all have brought, in one go.

What a transaction costs (the lock, the commit, the disk) is then shared by the pushes of a moment. Who comes alone
waits for nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

W = TypeVar("W")

_GATHER_SECONDS = 0.0005


class Together(Generic[W]):
    """`do` is given what has gathered, in order, a batch at a time, and answers for each. Safe from any thread."""

    def __init__(self, do: Callable[[Sequence[W]], Sequence[object]]) -> None:
        self._do = do
        self._lock = threading.Lock()
        self._waiting: list[_Turn[W]] = []
        self._is_led = False

    def write(self, work: W) -> object:
        """The answer for this one. Raises: it, where it is an exception; what `do` raises."""
        mine = _Turn(work)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            mine.called.acquire()
            if mine.leads:
                time.sleep(_GATHER_SECONDS)  # several write at once: those who come now join in
        if mine.leads:
            self._lead()
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        return mine.answer

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            answers = self._do([turn.work for turn in batch])
        except BaseException as error:
            answers = [error] * len(batch)
        for turn, answer in zip(batch, answers, strict=True):
            turn.answer = answer
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_led = following is not None
        if following is not None:
            following.leads = True
            following.called.release()
        for turn in batch:
            if not turn.leads:
                turn.called.release()


class _Turn(Generic[W]):
    """Somebody who waits: for the answer, or to lead."""

    def __init__(self, work: W) -> None:
        self.work = work
        self.answer: object = None
        self.leads = False
        self.called = threading.Lock()
        self.called.acquire()
