"""An ssh agent shown to a step: identities and signatures pass through, nothing that would change the agent does.

Spec: draft-miller-ssh-agent, sections 3 (messages) and 5.1 (their numbers).
"""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from capas.errors import Unavailable

_REQUEST_IDENTITIES, _SIGN_REQUEST = 11, 13
_ALLOWED = frozenset({_REQUEST_IDENTITIES, _SIGN_REQUEST})
_FAILURE = b"\x00\x00\x00\x01\x05"
_LONGEST = 256 * 1024  # as OpenSSH's


class AgentProxy:
    """A socket `name` in the directory `folder`, of this owner and mode, behind which the agent at `agent` answers."""

    def __init__(self, folder: Path, name: str, agent: str, *, owner: tuple[int, int], mode: int) -> None:
        """Raises: Unavailable where there is no agent."""
        try:
            self._agent = os.open(agent, os.O_PATH | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable("no ssh agent at {path}: {why}", path=agent, why=error.strerror or "?") from None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._listener.bind(f"/proc/self/fd/{place}/{name}")  # a socket's path has 107 bytes at most
            os.chown(name, *owner, dir_fd=place)
            os.chmod(name, mode, dir_fd=place)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(place)
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        except OSError:
            pass
        self._listener.close()
        os.close(self._agent)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            try:
                agent.connect(f"/proc/self/fd/{self._agent}")
                while (message := _receive(client)) is not None:
                    answer: bytes | None = _FAILURE
                    if message[4] in _ALLOWED:
                        agent.sendall(message)
                        answer = _receive(agent)
                    if answer is None:
                        return
                    client.sendall(answer)
            except OSError:
                return


def _receive(stream: socket.socket) -> bytes | None:
    """One message with its length in front; None at the end, or for one that cannot be."""
    head = _read(stream, 4)
    size = int.from_bytes(head or b"")
    if head is None or not 0 < size <= _LONGEST:
        return None
    body = _read(stream, size)
    return None if body is None else head + body


def _read(stream: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)
