"""Health checks: a command that is run in the container again and again says whether it is well.

Spec: docker's HEALTHCHECK: healthy after one success, unhealthy after `retries` failures in a row; what fails during
the start period does not count.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from capas.errors import CapasError
from capas.run.execution import ExecSpec, Execution, Inside
from capas.run.health import Result, write_health
from capas.run.healthcheck import Check
from capas.run.streams import Attached

_KEPT = 5  # results, as docker
_OUTPUT_BYTES = 4096
_TIMED_OUT = -1


class Watcher:
    """Runs the check in a thread as long as its block lasts; what it finds is in the container's directory."""

    def __init__(self, inside: Inside, folder: Path, check: Check, now: Callable[[], int]) -> None:
        self._inside, self._folder, self._check, self._now = inside, folder, check, now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._results: list[Result] = []
        self._failures = 0
        self._status = "starting"

    def __enter__(self) -> None:
        self._write()
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        while True:
            starting = time.monotonic() - begun < self._check.start_period_seconds and self._status == "starting"
            pause = self._check.start_interval_seconds if starting else self._check.interval_seconds
            if self._over.wait(pause):
                return
            result = self._probe()
            if result is None:
                return
            in_start = time.monotonic() - begun < self._check.start_period_seconds
            self._take(result, counts=not (in_start and self._status == "starting"))

    def _take(self, result: Result, *, counts: bool) -> None:
        self._results = [*self._results, result][-_KEPT:]
        if result.exit_code == 0:
            self._failures, self._status = 0, "healthy"
        elif counts:
            self._failures += 1
            if self._failures >= self._check.retries:
                self._status = "unhealthy"
        self._write()

    def _probe(self) -> Result | None:
        """None where the container is gone."""
        began = self._now()
        reader, writer = os.pipe()
        try:
            try:
                execution = self._inside.execute(ExecSpec(self._check.command), Attached(None, writer, writer))
            finally:
                os.close(writer)
            code, output = self._wait(execution, reader)
        except CapasError as error:
            if self._over.is_set():
                return None
            code, output = 1, str(error)
        finally:
            os.close(reader)
        return Result(began, self._now(), code, output)

    def _wait(self, execution: Execution, reader: int) -> tuple[int, str]:
        deadline = time.monotonic() + self._check.timeout_seconds
        output = bytearray()
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0 and not self._over.is_set():
            if not poll.poll(min(left, 0.1) * 1000):
                continue
            data = os.read(reader, _OUTPUT_BYTES)
            if not data:
                return execution.wait(), output.decode("utf-8", "replace")
            output += data[: _OUTPUT_BYTES - len(output)]
        execution.kill()
        execution.wait()
        return _TIMED_OUT, f"Health check exceeded timeout ({self._check.timeout_seconds:g}s)"

    def _write(self) -> None:
        write_health(self._folder, self._status, self._failures, self._results)
