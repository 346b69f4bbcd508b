"""Containers of an ordinary user, whose only id is mapped: no root, no cgroups, no bridge, and everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from support.containers import PLACES

pytestmark = pytest.mark.root  # to become somebody else

_STRANGER = 54_321
ANA = (
    "ana user 1000:1000 is not mapped for you give your user a range of ids in /etc/subuid and /etc/subgid, and "
    "install uidmap"
)
_SCRIPT = """
import os, sys
from pathlib import Path
from capas.snapshot.namespaces import enter_user_namespace
enter_user_namespace()
from capas import chance, clock
from capas.errors import CapasError
from capas.run.containers import Containers
from capas.run.copying import copy_in, copy_out
from capas.run.ending import remove, stop
from capas.run.runtime import find_runtime
from capas.run.step import StepSpec, run_step
from capas.snapshot.choose import open_snapshotter
from support.busybox import stack_tree
from support.containers import Lab

here, name, phase = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
snapshotter, _ = open_snapshotter(here / "root", wanted=None)
runtime = find_runtime(name, sys.argv[4])
containers = Containers(
    here / "root", here / "run", lambda: snapshotter, runtime=lambda: runtime, now=clock.now_ns, token=chance.token)
say = lambda *words: sys.stdout.write(" ".join(map(str, words)) + "\\n")
if phase == "first":
    lab = Lab(containers, stack_tree(snapshotter, here / "busybox"))
    say("run", lab.run("sh", "-c", "id -u; touch /x && echo made", network="host", auto_remove=True))
    say("none", lab.run("ls", "/sys/class/net", network="none", auto_remove=True))
    try:
        lab.run("true", user="ana", auto_remove=True)
    except CapasError as error:
        say("ana", error, error.hint)
    snapshotter.prepare("tree", lab.base)
    say("step", run_step(StepSpec("s", ("true",), snapshotter.mounts("tree")), runtime, run_root=here / "run"))
    lab.start("sleep", "1000", name="long", network="host")
else:
    lab = Lab(containers, None)
    record = containers.get("long").record
    say("exec", lab.execute(record, "sh", "-c", "echo from another namespace; exit 3"))
    (here / "f").write_text("data")
    copy_in(containers, "long", here / "f", "/tmp/")
    copy_out(containers, "long", "/tmp/f", here / "g")
    say("cp", (here / "g").read_text())
    stop(containers, "long", timeout=0)
    say("stopped", containers.get("long").state.exit_code)
    remove(containers, "long")
"""


def an_interpreter() -> str:
    """One that the stranger may run (root's own may lie in a closed home)."""
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3"):
        try:
            done = subprocess.run([program, "-c", "import sys; print(sys.version_info[1])"], user=_STRANGER,
                                  capture_output=True, text=True, env={})  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == str(sys.version_info.minor):
            return program
    pytest.skip("no interpreter of this version that another user may run")


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_an_ordinary_user_runs_enters_and_stops_containers(ground: Path, runtime: str) -> None:
    program = an_interpreter()
    home = Path(__file__).parents[2]
    ground.chmod(0o755)
    place = ground / "user"
    place.mkdir()
    os.chown(place, _STRANGER, _STRANGER)
    paths = [str(home / "src"), str(home / "tests"), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]]
    said = []
    for phase in ("first", "second"):
        done = subprocess.run(
            [program, "-c", _SCRIPT, str(place), runtime, phase, PLACES], user=_STRANGER, group=_STRANGER,
            extra_groups=[], capture_output=True, text=True, cwd="/", env={"PYTHONPATH": ":".join(paths)}, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said += done.stdout.splitlines()
    assert said == [
        "run (0, '0\\nmade\\n', '')",
        "none (0, 'lo\\n', '')",
        ANA,
        "step 0",
        "exec (3, 'from another namespace\\n', '')",
        "cp data",
        "stopped 137",
    ]
