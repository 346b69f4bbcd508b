"""`capas buildkitd` as a process: its socket, and its end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from support.buildkitd import Buildx, running_builder, start_long_step
from support.examples import make_busybox
from support.processes import is_running
from support.terminal import Terminal


def test_the_socket_is_for_its_owner_and_group_and_one_server(buildx: Buildx) -> None:
    path = buildx.terminal.root / "buildkitd.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert "another server answers" in buildx.terminal.fails("buildkitd", "--addr", f"unix://{path}")


def test_other_addresses_are_refused(tmp_path: Path) -> None:
    told = Terminal(tmp_path).fails("buildkitd", "--addr", "tcp://0.0.0.0:1234")
    assert "write unix://PATH" in told


def test_what_is_there_and_is_no_socket_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    told = Terminal(tmp_path).fails("buildkitd", "--addr", f"unix://{tmp_path / 'file'}")
    assert "is no socket" in told
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.root
def test_a_server_that_is_stopped_ends_its_steps_and_takes_its_socket_away(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.ok("import", "-", "busybox", stdin=make_busybox())
    with running_builder(terminal) as buildx:
        client = start_long_step(buildx, tmp_path / "c", "76543")
    assert client.wait(30) != 0
    assert client.stderr is not None
    client.stderr.close()
    assert not is_running("76543")
    assert not os.path.lexists(tmp_path / "buildkitd.sock")
