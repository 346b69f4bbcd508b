"""What tests of several rooms share: marks that say what a test needs of its machine, and servers that many use."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.postgres import Postgres, running_postgres
from support.seaweed import Seaweed, running_seaweed

# A machine under load may stall any example: no test is about how long one takes. The same examples each time, so that
# a change is to blame for what fails; `pytest --hypothesis-profile=explore` looks for new ones.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("patient", derandomize=True, **_PATIENT)
settings.register_profile("explore", **_PATIENT)
settings.load_profile("patient")


def pytest_configure() -> None:
    """Tests press Ctrl-C, which is not heard by what a shell started in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")
    for mark in item.iter_markers("peer"):
        if shutil.which(mark.args[0]) is None:
            pytest.fail(f"the peer {mark.args[0]} is not installed: `make test` installs it")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """One object store for the whole run."""
    with running_seaweed() as store:
        yield store


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh database."""
    url = postgres.make()
    yield url
    postgres.drop(url)
