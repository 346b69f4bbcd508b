"""What can be done in a running container, by its keeper: one more process, a signal, a look at its tree."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from capas.errors import Conflict
from capas.run.arrange import Arranged
from capas.run.bundle import make_process
from capas.run.capabilities import ALL
from capas.run.launch import Launch, failure, log_to, read_log, run_runtime, start_runtime
from capas.run.pump import pass_size_on
from capas.run.record import Record
from capas.run.runtime import Runtime
from capas.run.spec import parse_env
from capas.run.user import find_user

_POLL_MS = 2


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
    """A process that was started in a container."""

    def __init__(self, process: subprocess.Popen[bytes], stem: Path, runtime: str, command: str) -> None:
        self._process, self._stem, self._runtime, self._command = process, stem, runtime, command

    def wait_for_start(self) -> int:
        """Its pid, as the host counts. Raises: NotFound, Denied, Unsupported where it cannot be."""
        fd = os.pidfd_open(self._process.pid)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            while (pid := self._pid()) is None:
                if poll.poll(_POLL_MS) and (pid := self._pid()) is None:
                    self._process.wait()
                    raise failure(read_log(self._stem.with_suffix(".log")), self._runtime, self._command)
                if pid is not None:
                    break
            return pid
        finally:
            os.close(fd)

    def wait(self) -> int:
        """Its exit code."""
        code = self._process.wait()
        for suffix in (".json", ".log", ".pid"):
            self._stem.with_suffix(suffix).unlink(missing_ok=True)
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        """End it, whatever it does."""
        pid = self._pid()
        if pid is not None and self._process.poll() is None:
            try:
                os.kill(pid, signal.SIGKILL)  # reaped by the runtime only, which still runs: the number is right
            except ProcessLookupError:
                pass
        self._process.kill()

    def resize(self) -> None:
        """Its terminal has another size."""
        pid = self._pid()
        if pid is not None and self._process.poll() is None:
            pass_size_on(self._process.pid, pid)

    def _pid(self) -> int | None:
        try:
            return int(self._stem.with_suffix(".pid").read_text())
        except (OSError, ValueError):
            return None


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

    def execute(self, spec: ExecSpec, stdin: int | None, stdout: int | None, stderr: int | None) -> Execution:
        """Start one more process. Raises: Conflict where the container does not run; see `find_user`."""
        pid = self.pid()
        with self._lock:
            self._count += 1
            stem = self._folder / f"exec{self._count}"
        stem.with_suffix(".json").write_text(json.dumps(self._process(spec, f"/proc/{pid}/root")))
        words = ["exec", "--process", str(stem.with_suffix(".json")), "--pid-file", str(stem.with_suffix(".pid"))]
        command = self._runtime.command(self._state, *log_to(stem.with_suffix(".log")), *words, self._record.id)
        process = start_runtime(command, stdin=stdin, stdout=stdout, stderr=stderr)
        return Execution(process, stem, self._runtime.name, spec.args[0] if spec.args else "")

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
            raise Conflict("container {container} is not running", container=self._record.name)
        return pid

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

    def pass_size_on(self) -> None:
        """The container's terminal has another size: its processes' terminal gets it too."""
        self._launch.pass_size_on()

    def open_root(self) -> int:
        """A descriptor of the container's root directory, as its processes see it."""
        return os.open(f"/proc/{self.pid()}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def kill(self, number: int) -> None:
        """Send the first process a signal."""
        try:
            os.kill(self.pid(), number)
        except ProcessLookupError:
            raise Conflict("container {container} is not running", container=self._record.name) from None

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


def load_exec(values: Mapping[str, Any]) -> ExecSpec:
    """The spec in JSON values."""
    known: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in ExecSpec._fields
    }
    return ExecSpec(**known)
