"""ssh agents of a build: the user's own, or one started for the keys that `--ssh` names, which ends with the build.

Spec: docker's documentation, "docker buildx build", `--ssh`.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from capas.build.scratch import Scratch
from capas.errors import Denied, Invalid, NotFound, Unsupported

if TYPE_CHECKING:
    from capas.run.guardian import Guarded  # only where a key is given

_PATIENCE_SECONDS = 10.0
_SOCKET = "SSH_AUTH_SOCK"


def parse_ssh(text: str) -> tuple[str, tuple[str, ...]]:
    """The id and the paths in `default` or `id=path[,path…]`: an agent's socket, or keys. Raises: Invalid."""
    name, equals, rest = text.partition("=")
    paths = tuple(path for path in rest.split(",") if path)
    if not name or (equals and not paths):
        raise Invalid("--ssh {text!r} is not ID or ID=PATH", text=text[:200], hint="write default, or id=path of a key")
    return name, paths


class Agents:
    """The agents of one build, by id; those of keys are started when first asked for. Safe from many threads."""

    def __init__(
        self,
        given: Mapping[str, tuple[str, ...]],
        environ: Mapping[str, str],
        scratch: Scratch,
        ask: Callable[[str], str | None] | None = None,
    ) -> None:
        """`ask` knows the agents that are not given."""
        self._given = given
        self._ask = ask
        self._environ = environ
        self._scratch = scratch
        self._lock = threading.Lock()
        self._sockets: dict[str, str] = {}
        self._closing = contextlib.ExitStack()

    def find(self, name: str) -> str | None:
        """The path of the agent's socket; None where `--ssh` names no such agent.

        Raises: NotFound where there is no agent or no key; Unsupported where none can be started; Denied for a key
        that cannot be used.
        """
        if name not in self._given:
            return self._ask(name) if self._ask else None
        with self._lock:
            found = self._sockets.get(name)
            if found is None:
                found = self._sockets[name] = self._open(name, self._given[name])
            return found

    def close(self) -> None:
        """End what was started. Idempotent."""
        self._closing.close()

    def _open(self, name: str, paths: tuple[str, ...]) -> str:
        if not paths:
            socket = self._environ.get(_SOCKET, "")
            if not socket:
                raise NotFound(
                    "--ssh {name}: no ssh agent runs here ({variable} is not set)", name=name, variable=_SOCKET,
                    hint="start one (eval $(ssh-agent); ssh-add), or name a key: --ssh {name}=~/.ssh/id_ed25519",
                )  # fmt: skip
            paths = (socket,)
        kinds = [_kind(name, path) for path in paths]
        if kinds == ["socket"]:
            return paths[0]
        if "socket" in kinds:
            raise Invalid("--ssh {name}: one agent's socket, or keys", name=name)
        return self._start(paths)

    def _start(self, keys: tuple[str, ...]) -> str:
        from capas.run.guardian import Guarded

        agent, add = self._program("ssh-agent"), self._program("ssh-add")
        folder = self._scratch.new_path()
        folder.mkdir(mode=0o700)
        process = Guarded([agent, "-D", "-a", "agent"], folder=folder, env={})  # a socket's path has 107 bytes at most
        self._closing.callback(process.end)
        _await(process, folder / "agent")
        for key in keys:
            _add(add, folder, key)
        return str(folder / "agent")

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=self._environ.get("PATH"))
        if found is None:
            raise Unsupported(
                "{program} is not on PATH: keys cannot be given to a step", program=name,
                hint="install it (Debian: apt-get install openssh-client), or give the socket of an agent",
            )  # fmt: skip
        return found


def _kind(name: str, path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise NotFound("--ssh {name}: cannot use {path}: {why}", name=name, path=path, why=error.strerror) from None
    return "socket" if stat.S_ISSOCK(mode) else "key"


def _await(process: Guarded, socket: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not socket.exists():
        if not process.running or time.monotonic() > deadline:
            raise Unsupported("ssh-agent could not be started")
        time.sleep(0.005)


def _add(program: str, folder: Path, key: str) -> None:
    """Without a terminal and an asker, so that a key with a passphrase is refused and not waited for."""
    import subprocess

    done = subprocess.run(
        [program, "-q", str(Path(key).absolute())],
        cwd=folder, env={_SOCKET: "agent", "SSH_ASKPASS_REQUIRE": "never"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, check=False,
    )  # fmt: skip
    if done.returncode:
        why = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise Denied(
            "the ssh key {path} cannot be used: {why}", path=key, why=why or "it has a passphrase",
            hint="add a key with a passphrase to an agent of yours, and give --ssh default",
        )  # fmt: skip
