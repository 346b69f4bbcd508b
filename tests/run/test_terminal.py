"""A person at a terminal: keys go in as they are, the size follows, the terminal is as before afterwards."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from capas import chance, clock
from capas.run.containers import Containers
from capas.run.ending import remove
from capas.run.pump import set_size
from capas.run.runtime import find_runtime
from capas.snapshot.choose import open_snapshotter
from support.containers import PLACES

pytestmark = [pytest.mark.root]

_SCRIPT = """
import sys
from pathlib import Path
from capas import chance, clock
from capas.run.containers import Containers
from capas.run.runtime import find_runtime
from capas.run.attending import start_attached
from capas.run.executing import execute
from capas.run.execution import ExecSpec
from capas.run.ending import remove
from capas.run.streams import Attached
from capas.snapshot.choose import open_snapshotter
from support.busybox import stack_tree
from support.containers import Lab

here, runtime, how = Path(sys.argv[1]), find_runtime(sys.argv[2], sys.argv[4]), sys.argv[3]
snapshotter, _ = open_snapshotter(here / "root", wanted=None)
containers = Containers(here / "root", here / "run", lambda: snapshotter, runtime=lambda: runtime, now=clock.now_ns,
                        token=chance.token)
lab = Lab(containers, stack_tree(snapshotter, here / "busybox"))
if how == "run":
    code = start_attached(containers, lab.create("sh", tty=True, interactive=True).id, Attached(0, 1, 2))
else:
    record = lab.start("sleep", "1000")
    code = execute(containers, record.id, ExecSpec(("sh",), tty=True), Attached(0, 1, 2))
    remove(containers, record.id, force=True)
raise SystemExit(code)
"""


def read_until(fd: int, text: str, seconds: float = 20) -> str:
    seen, deadline = "", time.monotonic() + seconds
    while text not in seen:
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"{text!r} never came after {seen!r}")
        seen += os.read(fd, 65_536).decode()
    return seen


def remove_all(ground: Path, runtime: str) -> None:
    """Leave no container, also where the test failed."""
    containers = Containers(
        ground / "root", ground / "run", lambda: open_snapshotter(ground / "root", wanted=None)[0],
        runtime=lambda: find_runtime(runtime, PLACES), now=clock.now_ns, token=chance.token,
    )  # fmt: skip
    for container in containers.iterate():
        remove(containers, container.record.id, force=True)


def interrupt_until(fd: int, text: str) -> None:
    """Ctrl-C, again while the shell has not made the program its foreground yet."""
    for _ in range(40):
        os.write(fd, b"\x03")
        try:
            read_until(fd, text, 0.5)
        except AssertionError:
            continue
        return
    raise AssertionError("Ctrl-C ends nothing")


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("how", ["run", "exec"])
def test_a_shell_at_a_terminal(ground: Path, runtime: str, how: str) -> None:
    home = Path(__file__).parents[2]
    ours, theirs = os.openpty()
    set_size(ours, (30, 100))
    before = termios.tcgetattr(theirs)
    person = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(ground), runtime, how, PLACES], stdin=theirs, stdout=theirs, stderr=theirs,
        env={"PYTHONPATH": f"{home}/src:{home}/tests"}, start_new_session=True,
    )  # fmt: skip
    try:
        read_until(ours, "/ #")
        os.write(ours, b"stty size\r")
        read_until(ours, "30 100")
        set_size(ours, (40, 120))
        person.send_signal(signal.SIGWINCH)  # it has no controlling terminal, which would send this
        os.write(ours, b"until test \"$(stty size)\" = '40 120'; do :; done; echo fol''lowed\r")
        read_until(ours, "followed")
        os.write(ours, b"echo g''o; sleep 1000\r")
        read_until(ours, "go\r\n")
        interrupt_until(ours, "/ #")  # ends sleep, neither the shell nor us
        os.write(ours, b"exit 7\r")
        assert person.wait(20) == 7
        assert termios.tcgetattr(theirs) == before
    finally:
        person.kill()
        person.wait()
        os.close(ours)
        os.close(theirs)
        remove_all(ground, runtime)
