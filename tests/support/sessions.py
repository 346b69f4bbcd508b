"""Where sessions at docker's client run: a hub with an account, docker.io by that hub, and an engine with busybox.

`.venv/bin/python tests/support/sessions.py FILE…` writes what a real dockerd says into these transcripts.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).parents[2]
sys.path[:0] = [str(TOP / "tools"), str(TOP / "tests")]

import lab  # noqa: E402

from capas.hub.app import create_app  # noqa: E402
from capas.hub.hub import Options  # noqa: E402
from capas.hub.people.repositories import set_visibility  # noqa: E402
from support.docker import running_server  # noqa: E402
from support.examples import make_busybox  # noqa: E402
from support.hub import running_hub  # noqa: E402
from support.people import KEEPER, PASSWORD, person  # noqa: E402
from support.terminal import Terminal  # noqa: E402
from support.transcript import Section, Shell, read_sections  # noqa: E402

_LIMIT_SECONDS = 120
_CONFIG = ("-c", 'CMD ["sh"]', "-c", "LABEL made=here")
_CLEAN = """
docker ps -aq --no-trunc | xargs -r docker rm -f
docker images --format '{{.Repository}}:{{.Tag}}' | grep -v -e '^busybox:latest$' -e '<none>' | xargs -r docker rmi -f
docker image prune -f; docker volume prune -af; docker network prune -f; rm -rf "$DOCKER_CONFIG"
docker image inspect busybox || docker import -c 'CMD ["sh"]' -c 'LABEL made=here' - busybox
"""


find_missing = lab.find_missing


class Place(NamedTuple):
    """An engine that docker's client speaks to, and the hub beside it, where `ana` lives."""

    root: Path
    environ: Mapping[str, str]
    hub: str

    def replay(self, section: Section) -> Section:
        """The section, on an engine that is clean, in a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        shell = Shell(folder, self.environ, {"HUB": self.hub, "PASSWORD": PASSWORD, "HERE": str(folder)})
        self.clean()
        try:
            return shell.replay(section)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Nothing is on the engine but busybox."""
        subprocess.run(
            ["sh", "-c", _CLEAN], env=dict(self.environ), input=make_busybox(), capture_output=True, check=False,
            timeout=_LIMIT_SECONDS,
        )  # fmt: skip


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a short path, as sockets want it, in memory."""
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="session-", dir=memory if memory.is_dir() else None))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _make_hello() -> bytes:
    """busybox with a file more: a layer of its own."""
    tree = io.BytesIO(make_busybox())
    with tarfile.open(fileobj=tree, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("hello"))
    return tree.getvalue()


@contextmanager
def _hub(root: Path) -> Iterator[str]:
    """A hub with accounts that holds `hello`, for everybody."""
    app = create_app(root / "hub", options=Options(open=False))
    person(app.hub.database, "ana", password=PASSWORD)
    person(app.hub.database, "keeper", password=PASSWORD, is_admin=True)
    with running_hub(root / "hub", app=app) as address:
        terminal = Terminal(root / "seed", {"DOCKER_CONFIG": str(root / "seed/docker")})
        terminal.ok("import", *_CONFIG, "-", f"{address}/library/hello", stdin=_make_hello())
        terminal.ok("login", "-u", "keeper", "--password-stdin", address, stdin=PASSWORD.encode())
        terminal.ok("push", "-q", f"{address}/library/hello")
        set_visibility(app.hub.database, "library/hello", True, KEEPER)
        yield address


@contextmanager
def ours() -> Iterator[Place]:
    """`capas dockerd`."""
    with short_folder() as root, _hub(root) as hub:
        terminal = Terminal(root, {"CAPAS_MIRRORS": f"docker.io=http://{hub}"})
        with running_server(terminal) as (_, docker):
            place = Place(root, docker.environ, hub)
            try:
                yield place
            finally:
                place.clean()


@contextmanager
def theirs() -> Iterator[Place]:
    """dockerd of the lab, with a bridge."""
    with short_folder() as root, _hub(root) as hub:
        peers = lab.Root(f"session-{os.getpid()}")
        flags = ("--bridge=", "--bip=172.29.7.1/24", f"--registry-mirror=http://{hub}")
        daemon = lab.Docker(peers, peers.name, lab.DISK / peers.name, "overlay2", flags)
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(root), "DOCKER_HOST": f"unix://{daemon.socket}",
            "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(root / "docker"),
        }  # fmt: skip
        try:
            daemon.start()
            yield Place(root, environ, hub)
        finally:
            daemon.stop()
            peers.close()
            shutil.rmtree(daemon.data, ignore_errors=True)
            daemon.log.unlink(missing_ok=True)


def record(paths: list[Path]) -> None:
    """Write the answers of the real one into the transcripts."""
    with theirs() as place:
        for path in paths:
            path.write_text("\n".join(str(place.replay(section)) for section in read_sections(path)))


if __name__ == "__main__":
    record([Path(word) for word in sys.argv[1:]])
