"""Whether a container that has ended is started again by its policy, and when."""

from __future__ import annotations

from pathlib import Path

from capas.run.policy import Policy
from capas.run.record import State

_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 60.0
_STEADY_NS = 10 * 10**9  # who ran so long has not failed in a row
_MARK, _RETURN = "stopped", "returning"


def is_due(policy: Policy, folder: Path, state: State) -> bool:
    """Whether a container that has just ended is to be started again."""
    if policy.name == "no" or was_stopped(folder) or not folder.is_dir():
        return False
    if policy.name == "on-failure":
        return state.exit_code != 0 and (not policy.most or state.restarts < policy.most)
    return True


def is_wanted(policy: Policy, folder: Path, state: State) -> bool:
    """Whether one that does not run is to run when its keeper's keeper comes up: docker's own rule at its start."""
    if state.status == "restarting":
        return not was_stopped(folder)
    if state.status != "exited":
        return False
    return policy.name == "always" or (policy.name == "unless-stopped" and not was_stopped(folder))


def ran_steadily(state: State) -> bool:
    """Whether it ran so long that its end is not one more failure in a row."""
    return state.finished_ns - state.started_ns >= _STEADY_NS


def pause_seconds(state: State, in_a_row: int) -> float:
    """How long to wait: twice as long each time, up to a minute."""
    if ran_steadily(state):
        return _FIRST_SECONDS
    return min(_FIRST_SECONDS * 2.0 ** min(in_a_row, 10), _LONGEST_SECONDS)


def mark_stopped(folder: Path) -> None:
    """Somebody wants it to end: it is not started again."""
    try:
        (folder / _MARK).touch()
    except FileNotFoundError:
        return


def forget_stopped(folder: Path) -> None:
    """It is started by somebody."""
    (folder / _MARK).unlink(missing_ok=True)


def mark_returning(folder: Path, state: State) -> None:
    """This run is ended to begin anew: one that is to be removed with its end stays."""
    try:
        (folder / _RETURN).write_text(str(state.started_ns), encoding="ascii")
    except FileNotFoundError:
        return


def is_returning(folder: Path, state: State | None) -> bool:
    """Whether this run was ended to begin anew; none that did not begin was."""
    try:
        return state is not None and (folder / _RETURN).read_text(encoding="ascii") == str(state.started_ns)
    except OSError:
        return False


def was_stopped(folder: Path) -> bool:
    """Whether somebody ended it."""
    return (folder / _MARK).exists()
