"""What can be done in a running container, by its keeper: one more process, a signal, a look at its tree."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from capas.errors import Conflict
from capas.run.adopting import Adopted
from capas.run.arrange import Arranged
from capas.run.bundle import make_process
from capas.run.capabilities import ALL
from capas.run.console import AtTerminal, console_options, start_at_terminal
from capas.run.launch import Launch, failure, log_to, read_log, run_runtime, start_runtime, wait_for_pid
from capas.run.pump import drain
from capas.run.record import Record
from capas.run.runtime import Runtime
from capas.run.spec import parse_env
from capas.run.streams import Attached
from capas.run.user import find_user


class ExecSpec(NamedTuple):
    """One more process in a running container. `env` adds to the container's; None stands for the container's own."""

    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None
    tty: bool = False
    privileged: bool = False
    detach: bool = False
    console_size: tuple[int, int] | None = None


class Execution:
    """A process that was started in a container. `master`: of its terminal, ours from now on."""

    def __init__(
        self,
        process: subprocess.Popen[bytes] | Adopted,
        stem: Path,
        runtime: str,
        command: str,
        *,
        master: int | None = None,
    ) -> None:
        self._process, self._stem, self._runtime, self._command = process, stem, runtime, command
        self._master, self._lock = master, threading.Lock()

    @property
    def terminal(self) -> list[int]:
        """The master of its terminal, for whoever started it to have a copy; none without one."""
        return [] if self._master is None else [self._master]

    def wait_for_start(self) -> int:
        """Its pid, as the host counts. Raises: NotFound, Denied, Unsupported where it cannot be."""
        pid = wait_for_pid(self._process, self._pid)
        if pid is None:
            said = read_log(self._stem.with_suffix(".log"))
            self.wait()
            raise failure(said, self._runtime, self._command)
        return pid

    def wait(self) -> int:
        """Its exit code."""
        code = self._process.wait()
        master = self._take_master()
        if master is not None:
            os.close(master)
        for suffix in (".json", ".log", ".pid"):
            self._stem.with_suffix(suffix).unlink(missing_ok=True)
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        """End it, whatever it does."""
        pid = self._pid()
        if pid is not None and self._process.poll() is None:
            try:
                os.kill(pid, signal.SIGKILL)  # reaped by the runtime only, or by us: the number is right
            except ProcessLookupError:
                pass
        self._process.kill()

    def left_alone(self) -> None:
        """Nobody reads its terminal any more: we do, so that it is not held up."""
        master = self._take_master()
        if master is not None:
            drain(master, [])

    def _take_master(self) -> int | None:
        with self._lock:
            master, self._master = self._master, None
        return master

    def _pid(self) -> int | None:
        return _read_pid(self._stem)


class Inside:
    """The inside of a running container, for the thread and the namespaces of its keeper."""

    def __init__(
        self, runtime: Runtime, launch: Launch, record: Record, arranged: Arranged, *, state: Path, folder: Path
    ) -> None:
        self._runtime, self._launch, self._record, self._arranged = runtime, launch, record, arranged
        self._state, self._folder = state, folder
        self._count = 0
        self._finished = threading.Event()
        self._code = 0
        self._lock = threading.Lock()

    def execute(self, spec: ExecSpec, attached: Attached) -> Execution:
        """Start one more process, joined to these where it has no terminal.

        Raises: Conflict where the container does not run; see `find_user`.
        """
        pid = self.pid()
        with self._lock:
            self._count += 1
            stem = self._folder / f"exec{self._count}"
        stem.with_suffix(".json").write_text(json.dumps(self._process(spec, f"/proc/{pid}/root")))
        command = spec.args[0] if spec.args else ""
        if not spec.tty:
            process = start_runtime(self._command(stem), *attached)
            return Execution(process, stem, self._runtime.name, command)
        started = self._start_at_terminal(stem, spec.console_size)
        return Execution(started.process, stem, self._runtime.name, command, master=started.master)

    def _start_at_terminal(self, stem: Path, size: tuple[int, int] | None) -> AtTerminal:
        name = f"{stem.name}.console"
        command = self._command(stem, *console_options(self._runtime, name))
        return start_at_terminal(self._runtime, command, self._folder, size, name=name, pid=lambda: _read_pid(stem))

    def _command(self, stem: Path, *options: str) -> list[str]:
        words = ["--process", str(stem.with_suffix(".json")), "--pid-file", str(stem.with_suffix(".pid")), *options]
        log = log_to(stem.with_suffix(".log"))
        return self._runtime.command(self._state, *log, "exec", *words, self._record.id)

    def finish(self, code: int) -> None:
        """It has ended: tell those who wait."""
        if not self._finished.is_set():
            self._code = code
            self._finished.set()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        self._finished.wait()
        return self._code

    def pid(self) -> int:
        """The first process, as the host counts. Raises: Conflict where it does not run."""
        pid = self._launch.pid
        if pid is None:
            raise self._idle()
        return pid

    def _idle(self) -> Conflict:
        return Conflict("container {container} is not running", container=self._record.name, id=self._record.id)

    def freeze(self, verb: str) -> None:
        """`pause` or `resume` all its processes. Raises: Unsupported where the runtime cannot."""
        self._call(verb, self._record.id)

    def update(self, resources: Mapping[str, Any]) -> None:
        """Other limits, as the runtime reads them. Raises: Unsupported where the runtime cannot."""
        file = self._folder / "resources.json"
        file.write_text(json.dumps(resources))
        self._call("update", "--resources", str(file), self._record.id)

    def _call(self, *words: str) -> None:
        log = self._folder / f"{words[0]}.log"
        log.unlink(missing_ok=True)
        if run_runtime(self._runtime.command(self._state, *log_to(log), *words)):
            raise failure(read_log(log), self._runtime.name, words[0])

    def open_root(self) -> int:
        """A descriptor of the container's root directory, as its processes see it."""
        return os.open(f"/proc/{self.pid()}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def kill(self, number: int) -> None:
        """Send the first process a signal."""
        try:
            os.kill(self.pid(), number)
        except ProcessLookupError:
            raise self._idle() from None

    def _process(self, spec: ExecSpec, root: str) -> dict[str, Any]:
        base = self._arranged.process
        env: Mapping[str, str] = dict(base.env) | ({"TERM": "xterm"} if spec.tty else {}) | parse_env(spec.env)
        user = base.user
        if spec.user is not None:
            user = find_user(root, spec.user)
            env = dict(env) | {"HOME": user.home}
        made = base._replace(
            args=spec.args, env=env, user=user, tty=spec.tty, cwd=spec.workdir or base.cwd,
            console_size=spec.console_size, capabilities=ALL if spec.privileged else base.capabilities,
        )  # fmt: skip
        return make_process(made, self._arranged.machine)


def _read_pid(stem: Path) -> int | None:
    try:
        return int(stem.with_suffix(".pid").read_text())
    except (OSError, ValueError):
        return None


def load_exec(values: Mapping[str, Any]) -> ExecSpec:
    """The spec in JSON values."""
    known: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in ExecSpec._fields
    }
    return ExecSpec(**known)
