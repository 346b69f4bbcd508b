"""Health checks: a command that is run in the container again and again says whether it is well.

Spec: docker's HEALTHCHECK: healthy after one success, unhealthy after `retries` failures in a row; what fails during
the start period does not count.
"""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from capas.errors import CapasError
from capas.run.execution import ExecSpec, Execution, Inside
from capas.run.healthcheck import Check
from capas.run.record import write_json
from capas.run.streams import Attached
from capas.run.times import format_time

_KEPT = 5  # results, as docker
_OUTPUT_BYTES = 4096
_FILE = "health.json"
_TIMED_OUT = -1


class Result(NamedTuple):
    """One run of the command. Times in nanoseconds since 1970."""

    started_ns: int
    ended_ns: int
    exit_code: int
    output: str


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
        values = {"status": self._status, "failures": self._failures, "results": [list(one) for one in self._results]}
        if self._folder.is_dir():
            write_json(self._folder / _FILE, values)


def forget_health(folder: Path) -> None:
    """A new start knows nothing yet."""
    (folder / _FILE).unlink(missing_ok=True)


def read_health(folder: Path) -> dict[str, Any] | None:
    """docker's `Health`: None for a container without a check, or that was never started."""
    try:
        found = json.loads((folder / _FILE).read_text())
        results = [Result(*one) for one in found["results"]]
        return {
            "Status": str(found["status"]), "FailingStreak": int(found["failures"]),
            "Log": [
                {"Start": format_time(one.started_ns), "End": format_time(one.ended_ns), "ExitCode": one.exit_code,
                 "Output": one.output}
                for one in results
            ],
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None
