"""A nursery of threads: no task outlives its block, the first failure cancels the rest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from capas.errors import Interrupted

P = ParamSpec("P")
T = TypeVar("T")


class Task(Generic[T]):
    """One piece of work: `wait()` gives its result or raises what it raised."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._done.is_set()

    def wait(self) -> T:
        """The result, when it is there. Raises: what the work raised; Interrupted if it never ran."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return cast(T, self._result)

    def run(self) -> None:
        """Do the work, in this thread."""
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._done.set()

    def drop(self) -> None:
        """Never run it: whoever waits gets Interrupted."""
        self._error = Interrupted("cancelled: a task beside it failed")
        self._done.set()


class Nursery:
    """Threads that end with the block. At most `limit` work at once, in the order they were started.

    The first failure sets `cancelled`, drops what has not begun, and is raised when the block ends. Long work asks
    `nursery.check()` now and then, so that a cancelled block ends soon. A task that waits for another one must
    have been started after it (then the limit cannot lock them up).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._queue: deque[Task[Any]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._running = 0
        self._failure: BaseException | None = None
        self._closing = False
        self._wake = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self.cancelled = threading.Event()

    def start(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        """Queue a piece of work."""
        task: Task[T] = Task(lambda: work(*args, **kwargs))
        with self._lock:
            if self.cancelled.is_set():
                task.drop()
                return task
            self._queue.append(task)
            if self._idle < len(self._queue) and len(self._threads) < self._limit:
                self._spawn()
            self._wake.notify()
        return task

    def check(self) -> None:
        """Raises: Interrupted once the block is cancelled."""
        if self.cancelled.is_set():
            raise Interrupted("cancelled: a task beside it failed")

    def cancel(self, reason: BaseException | None = None) -> None:
        """Drop what has not begun and tell what has."""
        with self._lock:
            self._failure = self._failure or reason
            self.cancelled.set()
            while self._queue:
                self._queue.popleft().drop()
            self._wake.notify_all()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._serve, daemon=True)
        self._threads.append(thread)
        self._running += 1
        thread.start()

    def _serve(self) -> None:
        try:
            while (task := self._next()) is not None:
                try:
                    task.run()
                except BaseException as error:
                    self.cancel(error)
        finally:
            with self._lock:
                self._running -= 1
                self._ended.notify_all()

    def _next(self) -> Task[Any] | None:
        with self._lock:
            self._idle += 1
            while not self._queue:
                if self._closing or self.cancelled.is_set():
                    return None
                self._wake.wait()
            self._idle -= 1
            return self._queue.popleft()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.cancel(error)
        try:
            self._join()
        except BaseException as interrupt:  # Ctrl-C while waiting: tell the tasks, then wait for them all the same
            self.cancel(interrupt)
            self._join()
        if error is None and self._failure is not None:
            raise self._failure

    def _join(self) -> None:
        # Not thread.join(): interrupted by Ctrl-C, Python before 3.13 takes the running thread for a stopped one.
        with self._lock:
            self._closing = True
            self._wake.notify_all()
            while self._running:
                self._ended.wait()
        for thread in self._threads:
            thread.join()
