"""An ordinary user, made for the test with a range of ids of its own, runs containers without root."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = [
    pytest.mark.xdist_group("ordinary-user"),
    pytest.mark.root,
    pytest.mark.peer("crun"),
    pytest.mark.peer("newuidmap"),
    pytest.mark.peer("useradd"),
]

_NAME = f"capas-{os.getpid()}"  # each worker of the suite makes a user of its own
_SOURCE = Path(__file__).parents[2] / "src"


class User(NamedTuple):
    home: Path
    python: str

    def capas(self, *words: str, stdin: bytes = b"", at_home: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run `capas words`; `at_home`: on the store that is this user's where no variable says another."""
        entry = pwd.getpwnam(_NAME)
        environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": f"{_SOURCE}:{sysconfig.get_paths()['purelib']}",
        }
        if not at_home:
            environ |= {"CAPAS_ROOT": f"{self.home}/root", "CAPAS_RUN_ROOT": f"{self.home}/run"}
        return subprocess.run(
            [self.python, "-m", "capas", *words], env=environ, cwd=self.home, input=stdin, capture_output=True,
            user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], timeout=120,
        )  # fmt: skip

    def ok(self, *words: str, stdin: bytes = b"") -> str:
        done = self.capas(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture(scope="module")
def user(busybox_tar: bytes) -> Iterator[User]:
    subprocess.run(["useradd", "--no-create-home", _NAME], check=True, capture_output=True)
    home = Path(tempfile.mkdtemp(prefix="capas-user-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    entry = pwd.getpwnam(_NAME)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    made = User(home, _interpreter(entry.pw_uid))
    made.ok("import", "-c", "CMD sh", "-", "busybox", stdin=busybox_tar)
    yield made
    made.capas("rm", "-f", *made.ok("ps", "-aq").split())
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(["userdel", _NAME], check=False, capture_output=True)


def _interpreter(uid: int) -> str:
    """One that the user may run (root's own may lie in a closed home)."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            done = subprocess.run([program, "-c", "pass"], user=uid, env={}, capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return program
    pytest.skip("no interpreter of this version that another user may run")


def test_a_container_runs_as_root_of_its_own(user: User) -> None:
    assert user.ok("run", "--rm", "busybox", "sh", "-c", "id -u; touch /x && echo made") == "0\nmade\n"


def test_another_user_of_the_image_is_another_user_here(user: User) -> None:
    assert user.ok("run", "--rm", "-u", "nobody", "busybox", "id", "-un") == "nobody\n"


def test_a_detached_container_is_entered_changed_committed_and_removed(user: User) -> None:
    container = user.ok("run", "-d", "busybox", "sleep", "1000").strip()
    assert user.ok("exec", container, "sh", "-c", "echo inside; echo kept > /kept") == "inside\n"
    assert user.ok("diff", container) == "A /kept\n"
    user.ok("commit", container, "me/kept")
    assert user.ok("rm", "-f", container).strip() == container
    assert user.ok("run", "--rm", "me/kept", "cat", "/kept") == "kept\n"


def test_what_needs_root_says_so(user: User) -> None:
    done = user.capas("run", "--rm", "-p", "8080:80", "busybox", "true")
    assert done.returncode == 125
    assert b"root only" in done.stderr
    done = user.capas("run", "--rm", "-m", "64m", "busybox", "true")
    assert done.returncode == 125
    assert b"Traceback" not in done.stderr


def test_networks_of_ones_own_need_root_and_say_so(user: User) -> None:
    for words in (
        ["network", "create", "team"],
        ["create", "--network", "bridge", "busybox"],
        ["create", "--network", "container:x", "busybox"],
    ):
        done = user.capas(*words)
        assert done.returncode != 0
        assert b"needs root" in done.stderr
    assert user.ok("network", "ls", "--format", "{{.Name}}").split() == ["bridge", "host", "none"]
    container = user.ok("create", "busybox", "true").strip()
    done = user.capas("network", "connect", "bridge", container)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


_PAGES = [_SOURCE.parent / "docs" / "site" / language / "how-to" / "ordinary-user.md" for language in ("en", "es")]


def rows_of(page: Path) -> list[list[str]]:
    """The table of what is different from root: a row's cells, its title first."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize("page", _PAGES, ids=["en", "es"])
def test_what_the_guide_says_of_ordinary_users_is_so(user: User, page: Path) -> None:
    (_, _, images), (_, _, layers), (_, _, network), _ = rows_of(page)
    told = user.capas("system", "info", "-f", "json", at_home=True)
    assert told.returncode == 0, told.stderr.decode()
    facts = json.loads(told.stdout)
    assert facts["Rootless"] is True
    assert images == f"`{facts['Root Dir'].replace(str(user.home), '~')}`"
    assert f"`{facts['Storage Driver']}`" in layers
    for name in re.findall(r"`(\w+)`", network):
        assert user.ok("run", "--rm", "--network", name, "busybox", "echo", name) == f"{name}\n"


def test_what_a_container_writes_as_root_belongs_to_its_user(user: User) -> None:
    shared = user.home / "shared"
    shared.mkdir()
    entry = pwd.getpwnam(_NAME)
    os.chown(shared, entry.pw_uid, entry.pw_gid)
    user.ok("run", "--rm", "-v", f"{shared}:/shared", "busybox", "touch", "/shared/file")
    assert (shared / "file").stat().st_uid == entry.pw_uid
