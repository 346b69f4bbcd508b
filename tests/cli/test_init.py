"""`--init`: a small first process inside, taken from this machine."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from capas.errors import Unsupported
from capas.run.init import find_init
from support.terminal import Terminal

root = pytest.mark.root
_INIT = pytest.mark.peer("docker-init")


@root
@_INIT
def test_the_first_process_reaps_orphans_and_the_command_comes_after_it(capas: Terminal) -> None:
    script = "sh -c 'sleep 0.1 &'; sleep 0.5; cat /proc/1/comm; grep -l '^State:.Z' /proc/[0-9]*/status; true"
    assert capas.ok("run", "--rm", "--init", "--network", "none", "busybox", "sh", "-c", script) == "docker-init\n"


@root
@_INIT
def test_a_command_that_does_not_heed_signals_as_the_first_one_is_stopped_at_once(capas: Terminal) -> None:
    capas.ok("run", "-d", "--init", "--name", "heeds", "--network", "none", "busybox", "sleep", "1000")
    begun = time.monotonic()
    capas.ok("stop", "-t", "60", "heeds")
    assert time.monotonic() - begun < 30
    assert (
        capas.ok("inspect", "-f", "{{.State.ExitCode}} {{.HostConfig.Init}} {{.Path}}", "heeds") == "143 true sleep\n"
    )
    assert "docker-init" not in capas.ok("diff", "heeds")


@root
@_INIT
def test_exit_codes_are_the_commands(capas: Terminal) -> None:
    assert capas.run("run", "--rm", "--init", "--network", "none", "busybox", "sh", "-c", "exit 7").returncode == 7


@root
def test_an_init_that_is_not_there_is_said_so(capas: Terminal) -> None:
    said = capas.fails("run", "--rm", "--init", "busybox", "true", code=125, CAPAS_INIT="/nowhere/tini")
    assert "CAPAS_INIT" in said
    assert capas.ok("ps", "-aq") == ""


def test_only_a_static_program_will_do(tmp_path: Path) -> None:
    script = tmp_path / "docker-init"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(Unsupported):
        find_init(None, str(tmp_path))
    with pytest.raises(Unsupported, match="statically"):
        find_init("/bin/sh", "")  # it needs the C library of this machine


def test_the_first_known_one_on_path_is_taken(tmp_path: Path) -> None:
    busybox = shutil.which("busybox")  # of busybox-static: any static program tells
    assert busybox is not None
    for name in ("tini", "catatonit"):
        shutil.copy(busybox, tmp_path / name)
    assert find_init(None, str(tmp_path)) == tmp_path / "catatonit"
