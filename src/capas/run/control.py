"""The keeper's socket: what other processes ask of a running container, with descriptors passed along.

A request is one JSON line, answered by JSON lines: {"ok": …} or {"error": …}; exec answers {"started": pid} and then
{"exit": code}. Only the owner of the directory can reach the socket. It also makes `exec` work without root, where
only the keeper's own user namespace holds the container.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from capas.errors import CapasError, Conflict, Unavailable
from capas.run.execution import ExecSpec, Execution, Inside, load_exec
from capas.run.exits import OURS
from capas.run.membership import Membership
from capas.run.relay import dump_error, load_error
from capas.run.sockets import short_path
from capas.run.streams import Attached, Streams

_NAME = "control"
_LIMIT = 8 * 1024 * 1024
_MAX_FDS = 3
_PATIENCE_SECONDS = 2.0


class ControlServer:
    """Answers, in threads, as long as its block lasts."""

    def __init__(self, folder: Path, inside: Inside, streams: Streams, membership: Membership) -> None:
        self._inside, self._streams, self._membership = inside, streams, membership
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(folder, _NAME) as path:
            self._socket.bind(path)
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._answers: list[threading.Thread] = []

    def __enter__(self) -> ControlServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._inside.finish(OURS)  # where it did not come to an exit code of its own
        for answer in self._answers:
            answer.join(_PATIENCE_SECONDS)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self._answers = [each for each in self._answers if each.is_alive()] + [thread]
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                request, fds = _receive(connection)
                try:
                    self._do(connection, request, fds)
                finally:
                    for fd in fds:
                        os.close(fd)
            except CapasError as error:
                _send(connection, dump_error(error))
            except (OSError, ValueError, TypeError) as error:
                _send(connection, {"error": "Unavailable", "message": str(error), "hint": "", "code": 125})

    def _do(self, connection: socket.socket, request: dict[str, Any], fds: list[int]) -> None:
        verb = request.get("do")
        if verb == "exec":
            self._execute(connection, load_exec(request["spec"]), fds)
        elif verb == "signal":
            self._inside.kill(int(request["number"]))
            _send(connection, {"ok": True})
        elif verb == "wait":
            _send(connection, {"exit": self._inside.wait()})
        elif verb == "attach":
            self._attach(request, fds)
            _send(connection, {"ok": True})
        elif verb == "resize":
            self._streams.resize((int(request["rows"]), int(request["columns"])))
            _send(connection, {"ok": True})
        elif verb in ("pause", "resume"):
            self._inside.freeze(verb)
            _send(connection, {"ok": True})
        elif verb in ("join", "leave"):
            self._membership.change(verb, request["endpoint"])
            _send(connection, {"ok": True})
        elif verb == "update":
            self._inside.update(request["resources"])
            _send(connection, {"ok": True})
        elif verb == "root":
            root = self._inside.open_root()
            try:
                _send(connection, {"ok": True}, [root])
            finally:
                os.close(root)
        else:
            raise Conflict("the container's keeper does not know {verb!r}", verb=str(verb))

    def _attach(self, request: dict[str, Any], fds: list[int]) -> None:
        given = iter(fds)
        joined = Attached(*(next(given) if name in request["streams"] else None for name in Attached._fields))
        self._streams.join(joined)
        fds.clear()  # they are the streams' now

    def _execute(self, connection: socket.socket, spec: ExecSpec, fds: list[int]) -> None:
        execution = self._inside.execute(spec, Attached(*fds))
        for fd in fds:
            os.close(fd)
        fds.clear()
        _send(connection, {"started": execution.wait_for_start()}, execution.terminal)
        watcher = threading.Thread(target=_stand_in, args=(connection, execution), daemon=True)
        watcher.start()
        _send(connection, {"exit": execution.wait()})
        connection.shutdown(socket.SHUT_RDWR)
        watcher.join()


class Control:
    """A connection to a container's keeper, for one request."""

    def __init__(self, folder: Path, container: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_path(folder, _NAME) as path:
                self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise Conflict("container {container} is not running", container=container) from None
        self._rest = b""
        self._fds: list[int] = []

    def ask(self, request: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        """Send the request; the first answer. Raises: what the keeper answers."""
        _send(self._socket, request, fds or [])
        return self.hear()

    def tell(self, request: dict[str, Any]) -> None:
        """Send the request, whose answer is heard later."""
        _send(self._socket, request)

    def fileno(self) -> int:
        """What can be read when there is something to `hear`."""
        return self._socket.fileno()

    def hear(self) -> dict[str, Any]:
        """The next answer. Raises: what the keeper answers; Unavailable where it is gone."""
        while b"\n" not in self._rest:
            data, fds, _, _ = socket.recv_fds(self._socket, 65_536, 1)
            if not data:
                raise Unavailable("the container's keeper is gone")
            self._rest += data
            self._fds += fds
        line, _, self._rest = self._rest.partition(b"\n")
        return _checked(json.loads(line))

    def take_descriptor(self) -> int:
        """The descriptor that came with an answer; the caller's to close. Raises: Unavailable where none came."""
        if not self._fds:
            raise Unavailable("the container's keeper is gone")
        fd = self._fds.pop()
        os.set_inheritable(fd, False)
        return fd

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        for fd in self._fds:
            os.close(fd)


def _stand_in(connection: socket.socket, execution: Execution) -> None:
    """Where the client leaves before the process does: what goes to its terminal has to go somewhere."""
    try:
        connection.recv(1)
    except OSError:
        pass
    execution.left_alone()


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" not in answer:
        return answer
    raise load_error(answer)


def _send(connection: socket.socket, message: dict[str, Any], fds: list[int] | None = None) -> None:
    data = json.dumps(message).encode() + b"\n"
    try:
        sent = socket.send_fds(connection, [data], fds) if fds else 0
        connection.sendall(data[sent:])
    except OSError:
        return  # nobody listens any more; what was asked is done all the same


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    data, fds, _, _ = socket.recv_fds(connection, 65_536, _MAX_FDS)
    while not data.endswith(b"\n"):
        more = connection.recv(65_536)
        if not more or len(data) > _LIMIT:
            raise ValueError("the request is cut short or too long")
        data += more
    for fd in fds:
        os.set_inheritable(fd, False)
    return json.loads(data), fds
