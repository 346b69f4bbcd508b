"""A real PostgreSQL, private to a run of tests: `server.make()` gives the URL of a fresh database."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_READY_SECONDS = 60.0
# nothing is to outlive the tests, and what is killed in them are hubs: a process's end loses no write of a database's
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


class Postgres:
    """A server on a unix socket in `place`. Its databases sort as English does, to show what must not depend on it."""

    def __init__(self, place: Path, programs: Path) -> None:
        self._place = place
        self._programs = programs
        self._numbers = itertools.count(1)

    def make(self) -> str:
        """A fresh database's URL."""
        name = f"hub{next(self._numbers)}"
        self.ask("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://capas@/{name}?host={self._place}"

    def drop(self, url: str) -> None:
        """End it, with whoever still speaks to it."""
        self.ask("postgres", f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def ask(self, database: str, statement: str) -> str:
        command = [self._programs / "psql", "-h", self._place, "-U", "capas", "-d", database, "-qtAc", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server of Debian's PostgreSQL, gone with the block, or with this process."""
    place, programs = Path(tempfile.mkdtemp(prefix="capas-pg-")), _programs()
    user = _user(place)
    try:
        data = place / "data"
        options = ["--auth=trust", "--username=capas", "--encoding=UTF8", "--no-sync"]
        icu = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        subprocess.run([*user, programs / "initdb", "-D", data, *options, *icu], check=True, capture_output=True)
        settings = [
            part for one in (*_QUICK, "listen_addresses=", f"unix_socket_directories={place}") for part in ("-c", one)
        ]
        command = [*user, programs / "postgres", "-D", data, *settings]
        with open(place / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
            try:
                _wait(server, programs, place)
                yield Postgres(place, programs)
            finally:
                server.send_signal(3)  # SIGQUIT: at once
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is not installed: apt-get install postgresql"
    return found[-1].parent


def _user(place: Path) -> list[str]:
    """What a command begins with: it ends with us, and is not root, which PostgreSQL refuses."""
    ends = ["setpriv", "--pdeathsig=QUIT"]
    if os.geteuid() != 0:
        return ends
    found = pwd.getpwnam("nobody")
    os.chown(place, found.pw_uid, found.pw_gid)
    return [*ends, f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]


def _wait(server: subprocess.Popen[bytes], programs: Path, place: Path) -> None:
    limit = time.monotonic() + _READY_SECONDS
    while subprocess.run([programs / "pg_isready", "-q", "-h", place]).returncode:
        assert server.poll() is None and time.monotonic() < limit, (place / "log").read_text()
        time.sleep(0.02)
