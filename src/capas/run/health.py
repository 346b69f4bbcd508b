"""What is known of a container's health: docker's `Health`, beside its record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from capas.run.record import write_json
from capas.run.times import format_time

_FILE = "health.json"


class Result(NamedTuple):
    """One run of the command. Times in nanoseconds since 1970."""

    started_ns: int
    ended_ns: int
    exit_code: int
    output: str


def write_health(folder: Path, status: str, failures: int, results: Sequence[Result]) -> None:
    """The last results, and how many have failed in a row. Nothing for a container that is gone."""
    values = {"status": status, "failures": failures, "results": [list(one) for one in results]}
    if folder.is_dir():
        write_json(folder / _FILE, values)


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
