"""Restart policies: a container that ended is started again as docker would, and stays down when somebody ended it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.run.ending import kill, remove, stop
from capas.run.policy import Policy, parse_policy
from capas.run.record import State
from capas.run.restarting import is_due, is_wanted, mark_stopped, pause_seconds
from capas.run.starting import start_wanted
from support.containers import Lab

root = pytest.mark.root


def until(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("text", "policy"),
    [("", Policy()), ("no", Policy()), ("always", Policy("always")), ("on-failure:3", Policy("on-failure", 3)),
     ("on-failure", Policy("on-failure")), ("unless-stopped", Policy("unless-stopped"))],
)  # fmt: skip
def test_policies_are_read_as_docker_writes_them(text: str, policy: Policy) -> None:
    assert parse_policy(text) == policy


@pytest.mark.parametrize("text", ["sometimes", "always:3", "on-failure:x", "on-failure:", ":3"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_policy(text)


def test_on_failure_starts_failures_again_and_no_more_than_said(tmp_path: Path) -> None:
    policy = Policy("on-failure", 2)
    assert is_due(policy, tmp_path, State("exited", exit_code=1, restarts=1))
    assert not is_due(policy, tmp_path, State("exited", exit_code=1, restarts=2))
    assert not is_due(policy, tmp_path, State("exited", exit_code=0))


def test_what_somebody_stopped_stays_stopped(tmp_path: Path) -> None:
    mark_stopped(tmp_path)
    assert not is_due(Policy("always"), tmp_path, State("exited"))
    assert not is_wanted(Policy("unless-stopped"), tmp_path, State("exited"))
    assert is_wanted(Policy("always"), tmp_path, State("exited"))


def test_pauses_double_up_to_a_minute_and_begin_anew_after_a_steady_run() -> None:
    failed = State("exited", started_ns=0, finished_ns=10**9)
    assert [pause_seconds(failed, count) for count in (0, 1, 2, 20)] == [0.1, 0.2, 0.4, 60.0]
    assert pause_seconds(State("exited", started_ns=0, finished_ns=11 * 10**9), 5) == 0.1


@root
def test_a_container_that_fails_is_started_again_as_often_as_said(lab: Lab) -> None:
    record = lab.start("sh", "-c", "echo run; exit 3", restart="on-failure:2")
    until(lambda: lab.containers.state(record.id).restarts == 2 and lab.containers.state(record.id).status == "exited")
    assert lab.log(record).count("run") == 3


@root
def test_one_that_always_runs_comes_back_until_it_is_stopped(lab: Lab) -> None:
    record = lab.start("sh", "-c", "exit 0", restart="always")
    until(lambda: lab.containers.state(record.id).restarts >= 1)
    stop(lab.containers, record.id, 0)
    until(lambda: lab.containers.state(record.id).status == "exited")
    before = lab.containers.state(record.id).restarts
    time.sleep(0.5)
    assert lab.containers.state(record.id).restarts == before


@root
def test_a_killed_container_is_not_started_again(lab: Lab) -> None:
    record = lab.start("sleep", "100", restart="always")
    kill(lab.containers, record.id)
    until(lambda: lab.containers.state(record.id).status == "exited")
    assert lab.containers.state(record.id).restarts == 0


@root
def test_one_that_waits_to_be_started_can_be_removed(lab: Lab) -> None:
    record = lab.start("false", restart="always")
    until(lambda: lab.containers.state(record.id).status == "restarting")
    remove(lab.containers, record.id, force=True)
    assert lab.containers.find(record.id) is None


@root
def test_after_a_reboot_those_that_are_wanted_run_again(lab: Lab) -> None:
    wanted = lab.start("sleep", "100", restart="always")
    other = lab.start("sleep", "100", restart="unless-stopped")
    for record in (wanted, other):
        stop(lab.containers, record.id, 0)
    assert start_wanted(lab.containers) == [wanted.id]
    assert lab.containers.get(wanted.id).running
