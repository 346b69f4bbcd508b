"""kill -9 of a build: no process, mount or half layer is left, and the next one goes on from the cache."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capas.build.cache_mounts import CacheMounts
from capas.engine.engine import Engine
from capas.settings import load_settings
from support.building import write_files
from support.busybox import make_tree

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox"), pytest.mark.peer("ssh-agent")]

DOCKERFILE = """FROM box
RUN echo first > /first
RUN --mount=type=bind,target=/in --mount=type=bind,from=box,target=/box,rw --mount=type=cache,id=c,target=/c \
    --mount=type=secret,id=s,env=S --mount=type=ssh \
    echo kept >> /c/f; echo half > /half; echo running; test -e /in/go || exec sleep 1000
RUN dd if=/dev/urandom of=/big bs=1M count=40 && echo written
"""
SECRET = "killed-secret-77xQ"


class Machine:
    """A root of its own, with the image `box`, and `capas build` as a process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "HOME": str(root),
            "CAPAS_ROOT": str(root / "store"), "CAPAS_RUN_ROOT": str(root / "run"), "SECRET": SECRET, "LC_ALL": "C",
        }  # fmt: skip
        self.context = write_files(root / "context", {"Dockerfile": DOCKERFILE})
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / "key")], check=True)
        self.engine = Engine(load_settings(self.environ))
        tar = subprocess.run(["tar", "-C", make_tree(root / "tree"), "-c", "."], check=True, capture_output=True).stdout
        self.engine.images.import_(io.BytesIO(tar), "box")

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "capas", "build", "--progress=plain", "--secret=id=s,env=SECRET",
             f"--ssh=default={self.root}/key", str(self.context)],
            env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def kill(self, ready: Callable[[str], bool]) -> None:
        """Build until a line says that it is time, then kill -9."""
        build = self.start()
        assert build.stdout is not None
        lines = []
        for line in build.stdout:
            lines.append(line)
            if ready(line):
                break
        else:
            raise AssertionError("".join(lines))
        build.kill()
        build.wait()
        build.stdout.close()

    def finish(self) -> str:
        """Build to the end; what it said."""
        (self.context / "go").touch()
        build = self.start()
        text, _ = build.communicate(timeout=120)
        assert build.returncode == 0, text
        return text

    def processes(self) -> list[str]:
        """Of this root, whatever they are called now."""
        mark, found = os.fsencode(self.root), []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words, about = (path / "cmdline").read_bytes(), os.readlink(path / "cwd")
                environ = (path / "environ").read_bytes()
            except OSError:
                continue
            if mark in words or about.startswith(str(self.root)) or SECRET.encode() in environ:
                found.append(words.decode(errors="replace"))
        return found

    def wait_for_silence(self) -> list[str]:
        """The processes that are left when a moment has passed."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def mounts(self) -> list[str]:
        found = set()
        for path in Path("/proc").glob("[0-9]*/mounts"):
            try:
                found |= {line for line in path.read_text().splitlines() if str(self.root) in line}
            except OSError:
                continue
        return sorted(found)


@pytest.fixture
def machine() -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="capas-killed-"))
    made = Machine(root)
    try:
        yield made
    finally:
        shutil.rmtree(root)


def secret_places(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_a_step_ends_with_the_build_that_runs_it(machine: Machine) -> None:
    machine.kill(lambda line: "running" in line and "RUN" not in line)
    assert machine.wait_for_silence() == []
    assert machine.mounts() == []
    assert secret_places(machine.root) == []
    assert [one.in_use for one in CacheMounts(machine.root / "store/cache/mounts", lambda: 0).iterate()] == [False]


def test_the_next_build_goes_on_from_the_cache(machine: Machine) -> None:
    machine.kill(lambda line: "running" in line and "RUN" not in line)
    text = machine.finish()
    assert text.count("CACHED") == 1
    assert machine.wait_for_silence() == []
    assert not [info for info in machine.engine.snapshotter.iterate() if info.kind != "committed"]
    assert [path.name for path in (machine.root / "store/cache/scratch").iterdir() if path.name[0] != "."] == []
    assert [path.name for path in (machine.root / "run/steps").iterdir()] == [".guard"]
    assert list((machine.root / "run/runtime").iterdir()) == []
    assert list((machine.root / "store/ingest").iterdir()) == []
    assert not machine.engine.system.check()
    (cache,) = CacheMounts(machine.root / "store/cache/mounts", lambda: 0).iterate()
    assert (cache.path / "fs/f").read_text() == "kept\nkept\n"


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4])
def test_a_build_may_die_at_any_moment(machine: Machine, pause: float) -> None:
    (machine.context / "go").touch()
    build = machine.start()
    assert build.stdout is not None
    build.stdout.readline()
    time.sleep(pause)  # anywhere from the first step to the packing of the last
    os.kill(build.pid, signal.SIGKILL)
    build.wait()
    build.stdout.close()
    assert machine.wait_for_silence() == []
    assert machine.mounts() == []
    assert secret_places(machine.root) == []
    machine.finish()
    assert not machine.engine.system.check()
    assert list((machine.root / "store/ingest").iterdir()) == []
