"""One start of a container by the runtime: its process, how it failed, and how it is brought to an end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from capas.errors import CapasError, Denied, Invalid, NotFound, Unsupported
from capas.run.adopting import Adopted
from capas.run.cgroups import list_processes, remove_group
from capas.run.console import Size, console_options, start_at_terminal
from capas.run.filter import ANNOTATION, compiled
from capas.run.guardian import LastWords
from capas.run.runtime import Runtime

_PATIENCE_SECONDS = 5.0
_POLL_MS = 50
_START_POLL_SECONDS = 0.002
_CONSOLE = "console"
_NOT_ALLOWED = ("permission denied", "operation not permitted", "exec format error", "is a directory")
Stream = int | None


class Launch:
    """A container under a foreground `run` of the runtime. `folder` is this start's own directory."""

    def __init__(self, runtime: Runtime, folder: Path, name: str, *, state: Path, group: str = "") -> None:
        self._runtime, self._folder, self._name = runtime, folder, name
        self._state, self._group = state, group
        self._process: subprocess.Popen[bytes] | Adopted | None = None

    def write_config(self, config: dict[str, Any]) -> None:
        """Put config.json where the runtime looks for it."""
        profile = config["linux"].get("seccomp")
        if profile is not None and self._runtime.name == "crun":
            program = compiled(profile, self._state.parent / "seccomp")
            if program is not None:
                config.setdefault("annotations", {})[ANNOTATION] = program
        fd = os.open(self._folder / "config.json", os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(json.dumps(config))  # dumps is C, dump is not

    def start(self, *, stdin: Stream = None, stdout: Stream = None, stderr: Stream = None) -> subprocess.Popen[bytes]:
        """Start it, in this thread's namespaces. The streams are the container's."""
        process = start_runtime(self._command(), stdin=stdin, stdout=stdout, stderr=stderr)
        self._process = process
        return process

    def start_at_terminal(self, size: Size | None) -> int | None:
        """Start it with a terminal of its own; its master, None where it came to none: see `wait`."""
        command = self._command(*console_options(self._runtime, _CONSOLE))
        self._process, master = start_at_terminal(
            self._runtime, command, self._folder, size, name=_CONSOLE, pid=lambda: self.pid
        )
        return master

    def _command(self, *options: str) -> list[str]:
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        words = ["run", "--bundle", str(self._folder), "--pid-file", str(self._pid_file), *options]
        return self._runtime.command(self._state, *log_to(self._log), *words, self._name)

    def guarded(self) -> LastWords:
        """A block in which the container is ended when this process is, also by kill -9. Order: before `start`."""
        words = self._runtime.command(self._state, "delete", "--force", self._name)
        return LastWords(self._state / self._name, words)

    @property
    def pid(self) -> int | None:
        """The container's first process, once it runs."""
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None

    def wait_for_start(self) -> bool:
        """Whether it runs: it may fail, or have ended again."""
        assert self._process is not None
        return wait_for_pid(self._process, lambda: self.pid) is not None

    def wait(self) -> int:
        """Its exit code. Raises: see `failure`, where it never started."""
        assert self._process is not None
        code = self._process.wait()
        if self.pid is None:
            raise failure(read_log(self._log), self._runtime.name)
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """Leave no process, cgroup or record of the runtime. Idempotent."""
        process = self._process
        if process is not None and process.poll() is None:
            self._kill(process)
        remains = (self._state / self._name).exists()
        if remains:
            run_runtime(self._runtime.command(self._state, *log_to(self._log), "delete", "--force", self._name))
        if self._group and self._runtime.cgroups.writable and (remains or process is None):
            clear_group(self._group)

    def _kill(self, process: subprocess.Popen[bytes] | Adopted) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            pid = self.pid
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)  # reaped by the runtime only, or by us: the number is right
                except OSError:
                    pass
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        process.wait()

    @property
    def _pid_file(self) -> Path:
        return self._folder / "pid"

    @property
    def _log(self) -> Path:
        return self._folder / "runtime.log"


def wait_for_pid(process: subprocess.Popen[bytes] | Adopted, read: Callable[[], int | None]) -> int | None:
    """What the runtime tells of the process that it has started; None where it ended without one."""
    while (pid := read()) is None:
        try:
            process.wait(_START_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return read()
    return pid


def clear_group(group: str) -> None:
    """Kill what is left in a cgroup and remove it."""
    for pid in list_processes(group):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    remove_group(group)


def start_runtime(
    command: Sequence[str], stdin: Stream = None, stdout: Stream = None, stderr: Stream = None
) -> subprocess.Popen[bytes]:
    """Start the runtime with the streams given (None for no stream), a session of its own and a bare environment."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.DEVNULL if stderr is None else stderr,
        env={"PATH": os.defpath},
        start_new_session=True,  # Ctrl-C is for us to pass on, not for the terminal
    )


def ended(process: subprocess.Popen[bytes], cancelled: threading.Event) -> bool:
    """Wait for the process; False where `cancelled` came first."""
    fd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while not cancelled.is_set():
            if poll.poll(_POLL_MS):
                return True
        return False
    finally:
        os.close(fd)


def run_runtime(command: Sequence[str]) -> int:
    """Run one short call of the runtime."""
    return start_runtime(command).wait()


def log_to(path: Path) -> list[str]:
    """Options that make the runtime write its errors to a file."""
    return ["--log", str(path), "--log-format", "json"]


def read_log(path: Path) -> str:
    """The last error that the runtime logged."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "fatal"):
            return str(entry.get("msg", ""))
    return ""


def failure(message: str, runtime: str, command: str = "") -> CapasError:
    """The error that the runtime's words mean: NotFound and Denied are of the command (exit codes 127 and 126)."""
    low = message.lower()
    why = _short(message)
    if "executable file" in low or ("exec" in low and "no such file or directory" in low):
        return NotFound("{command} cannot be run: {why}" if command else "the command cannot be run: {why}",
                        command=command, why=why)  # fmt: skip
    if ("exec" in low or "executable" in low) and any(words in low for words in _NOT_ALLOWED):
        return Denied("{command} cannot be run: {why}" if command else "the command cannot be run: {why}",
                      command=command, why=why)  # fmt: skip
    if "cwd" in low or "chdir" in low:
        return Invalid("the working directory cannot be used: {why}", why=why)
    hint = "the runtime gave no reason: try the other of crun and runc (CAPAS_RUNTIME)" if not message else ""
    return Unsupported("{runtime} could not start the container: {why}", runtime=runtime,
                       why=why or "no reason given", hint=hint)  # fmt: skip


def _short(message: str) -> str:
    return message.removeprefix("runc run failed: ").removeprefix("unable to start container process: ")[:500]
