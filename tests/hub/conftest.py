"""One hub for a file of tests, a fresh repository for each test."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from support.hub import running_hub
from support.hub_client import HubClient


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_hub(tmp_path_factory.mktemp("hub")) as found:
        yield found


@pytest.fixture
def hub(address: str, request: pytest.FixtureRequest) -> Iterator[HubClient]:
    client = HubClient(address, "of/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-"))
    yield client
    client.close()
