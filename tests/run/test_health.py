"""Health checks: a command says whether a container is well, as docker's HEALTHCHECK does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from capas.errors import Invalid
from capas.oci.config import Healthcheck
from capas.run.health import read_health
from capas.run.healthcheck import NO_CHECK, Check, verify, with_image_check
from capas.run.record import Record
from support.containers import Lab

root = pytest.mark.root
MS = 1_000_000
QUICK = {"interval": 50 * MS, "timeout": 500 * MS, "start_interval": 50 * MS}


def until(lab: Lab, record: Record, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        found = read_health(lab.containers.folder(record.id))
        if found is not None and found["Status"] == status:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_the_flags_change_what_the_image_says() -> None:
    image = Healthcheck(("CMD", "true"), 5 * MS, retries=7)
    assert with_image_check(Check(retries=2), image) == Check(("CMD", "true"), 5 * MS, retries=2)


def test_none_takes_the_images_check_away() -> None:
    assert with_image_check(Check(("NONE",)), Healthcheck(("CMD", "true"))) == NO_CHECK


@pytest.mark.parametrize("check", [Check(("RUN", "x")), Check(("CMD",)), Check(interval=10), Check(retries=-1)])
def test_a_check_that_cannot_be_is_refused(check: Check) -> None:
    with pytest.raises(Invalid):
        verify(check)


@root
def test_one_success_makes_it_healthy(lab: Lab) -> None:
    record = lab.start("sleep", "100", check=Check(("CMD-SHELL", "echo fine"), **QUICK, retries=3))
    found = until(lab, record, "healthy")
    assert found["Log"][-1]["Output"] == "fine\n" and found["Log"][-1]["ExitCode"] == 0


@root
def test_failures_in_a_row_make_it_unhealthy_and_a_success_well_again(lab: Lab) -> None:
    record = lab.start("sleep", "100", check=Check(("CMD", "test", "-e", "/tmp/well"), **QUICK, retries=2))
    assert until(lab, record, "unhealthy")["FailingStreak"] >= 2
    lab.execute(record, "touch", "/tmp/well")
    assert until(lab, record, "healthy")["FailingStreak"] == 0


@root
def test_failures_of_the_start_period_do_not_count(lab: Lab) -> None:
    check = Check(("CMD", "false"), **QUICK, start_period=60_000 * MS, retries=1)
    record = lab.start("sleep", "100", check=check)
    deadline = time.monotonic() + 30
    while not (found := read_health(lab.containers.folder(record.id))) or len(found["Log"]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found["Status"] == "starting" and found["FailingStreak"] == 0


@root
def test_what_takes_too_long_has_failed_and_is_ended(lab: Lab) -> None:
    check = Check(("CMD", "sleep", "100"), 50 * MS, 100 * MS, retries=1)
    record = lab.start("sleep", "1000", check=check)
    found = until(lab, record, "unhealthy")
    assert found["Log"][0]["ExitCode"] == -1 and "timeout" in found["Log"][0]["Output"]
