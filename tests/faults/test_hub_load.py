"""Two hundred clients push and pull while the server is killed and started again: no wrong byte, no push lost."""

from __future__ import annotations

import contextlib
from pathlib import Path

from support.hub_load import Load
from support.hub_process import OPEN, free_port, serving, wait_until_free

CLIENTS = 200


def test_a_server_that_is_killed_under_load_loses_nothing(tmp_path: Path) -> None:
    port = free_port()
    load = Load(port)
    flags = (*OPEN, "--port", str(port), "--workers", "2")
    with contextlib.ExitStack() as clients:
        with serving(tmp_path / "hub", *flags) as process:
            clients.enter_context(load.working(CLIENTS))
            load.wait_for(30)
            process.kill()
        before = len(load.told)
        wait_until_free(port)
        with serving(tmp_path / "hub", *flags):
            load.wait_for(before + 50)
            clients.close()
            load.check()
    assert load.wrong == []
    assert load.done["broken off"] > 0, "the kill met nobody"
    assert load.done["pulled"] > len(load.told)
