"""An upstream that does as it is told, and hubs that copy from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying import upstream as configured
from support.hub import running_hub
from support.hub_client import HubClient
from support.upstream import Upstream

Copying = Callable[..., HubClient]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def copying(upstream: Upstream, tmp_path: Path) -> Iterator[Copying]:
    """A running hub with the upstream under the prefix `up`; keywords are its options, and `create_app`'s."""
    with ExitStack() as stack:

        def start(*, root: str = "hub", app: dict[str, Any] | None = None, **options: Any) -> HubClient:
            one = configured.Upstream(**{"prefix": "up", "url": upstream.url, **options})
            made = create_app(tmp_path / root, config=Config(upstreams=(one,)), **(app or {}))
            client = HubClient(stack.enter_context(running_hub(tmp_path / root, app=made)), "up/team/app")
            stack.callback(client.close)
            return client

        yield start
