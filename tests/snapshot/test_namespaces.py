"""An ordinary user's namespaces: the user is made by the test and deleted after it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.snapshot.idmaps import read_ranges

pytestmark = pytest.mark.root

SOURCES = Path(__file__).parents[2] / "src"
HEAD = """
import io, os, sys
from pathlib import Path
from capas.snapshot import namespaces
say = lambda *words: sys.stdout.write(" ".join(map(str, words)) + "\\n")
here = Path(sys.argv[1])
"""
STACKED = """
sys.path.insert(0, sys.argv[2])
from capas.oci.digest import DiffID
from capas.snapshot.choose import open_snapshotter
from capas.snapshot.mounting import mounted
from support.changesets import changeset, directory, file, hardlink
namespaces.enter_user_namespace()
snapshotter, reason = open_snapshotter(here / "root", wanted=None)
names = []
for members in (
    [directory("d", uid=5, gid=6), file("d/old", uid=7), file("d/gone")],
    [file("d/.wh.gone"), hardlink("link", "d/old")],
):
    tar = changeset(*members)
    names.append(DiffID.of(tar))
    snapshotter.add_layer(names[-1], io.BytesIO(tar))
snapshotter.prepare("work", snapshotter.stack(names))
with mounted(snapshotter, "work") as tree:
    (tree / "d/new").touch()
    say(snapshotter.name, *sorted(os.listdir(tree / "d")), (tree / "d").stat().st_uid, (tree / "link").stat().st_uid)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="capas-user-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture
def user(place: Path) -> Iterator[str]:
    """A fresh user with a range of ids, whose home is the place."""
    name = f"capas{os.getpid() % 100_000}"
    subprocess.run(["useradd", "--no-create-home", "--home-dir", place, name], check=True)
    try:
        ranges = ["--add-subuids", "2000000-2065535", "--add-subgids", "2000000-2065535"]
        subprocess.run(["usermod", *ranges, name], check=True)
        subprocess.run(["chown", name, place], check=True)
        yield name
    finally:
        subprocess.run(["userdel", name], check=False)  # and its ranges


def interpreter(user: str) -> str:
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3"):
        done = subprocess.run(
            [
                "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                "--clear-groups",
                program,
                "-c",
                "import sys; print(sys.version_info[1])",
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode == 0 and done.stdout.strip() == str(sys.version_info.minor):
            return program
    pytest.skip("no interpreter of this version that another user may run")


def run_as(user: str, place: Path, program: str) -> list[str]:
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    env = {
        "PYTHONPATH": f"{SOURCES}:{packages}",
        "HOME": str(place),
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [
            *(
                "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                "--clear-groups",
                interpreter(user),
                "-c",
                HEAD + program,
            ),
            *(place, SOURCES.parent / "tests"),
        ],
        capture_output=True,
        text=True,
        env=env,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_user_with_a_range_becomes_root_of_all_its_ids(user: str, place: Path) -> None:
    told = run_as(
        user,
        place,
        """
say(namespaces.identity())
namespaces.enter_user_namespace()
namespaces.enter_user_namespace()
say(os.geteuid(), os.getegid(), namespaces.identity())
(here / "f").touch()
os.chown(here / "f", 33, 1000)
say((here / "f").stat().st_uid)
""",
    )
    assert told == ["single", "0 0 mapped", "33"]
    first = read_ranges(Path("/etc/subuid"), user, -1)[0].first
    group = read_ranges(Path("/etc/subgid"), user, -1)[0].first
    assert ((place / "f").stat().st_uid, (place / "f").stat().st_gid) == (first + 32, group + 999)


def test_a_user_without_a_range_is_root_of_its_own_id(user: str, place: Path) -> None:
    told = run_as(
        user,
        place,
        """
namespaces.enter_user_namespace(subuid=Path("/nowhere"), subgid=Path("/nowhere"))
say(os.geteuid(), os.getegid(), namespaces.identity())
""",
    )
    assert told == ["0 0 single"]


def test_threads_that_run_already_are_told_of(user: str, place: Path) -> None:
    told = run_as(
        user,
        place,
        """
import threading
from capas.errors import Unsupported
stop = threading.Event()
threading.Thread(target=stop.wait).start()
try:
    namespaces.enter_user_namespace()
except Unsupported as error:
    say(error)
stop.set()
""",
    )
    assert told == ["cannot enter a user namespace: other threads run already"]


def test_overlayfs_stacks_layers_with_the_ids_they_have(user: str, place: Path) -> None:
    assert run_as(user, place, STACKED) == ["overlay new old 5 7"]
    subprocess.run(["rm", "-rf", place / "root"], check=True)


def test_one_id_alone_still_stacks(user: str, place: Path) -> None:
    alone = STACKED.replace("enter_user_namespace()", 'enter_user_namespace(subuid=Path("/x"), subgid=Path("/x"))')
    assert run_as(user, place, alone) == ["overlay new old 0 0"]


def test_without_any_namespace_trees_are_copied(user: str, place: Path) -> None:
    plain = STACKED.replace("namespaces.enter_user_namespace()\n", "")
    told = run_as(user, place, plain)
    uid = str((place / "root").stat().st_uid)
    assert told == [f"copy new old {uid} {uid}"]
