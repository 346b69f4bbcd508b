"""Published ports on the host itself: a listener that holds the port, and passes on what comes over loopback.

What comes from other machines is turned by the packet filter and keeps its sender's address.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Sequence
from typing import Any

from capas.errors import Conflict, Denied, Invalid
from capas.run.ports import Port

_CHUNK = 64 * 1024
_UDP_SECONDS = 90.0


class Proxy:
    """The listeners of one container's ports. `ports` has real numbers where any free one was asked for."""

    def __init__(self, ports: Sequence[Port], target: str) -> None:
        self._target = target
        self._sockets: list[socket.socket] = []
        self.ports: list[Port] = []
        try:
            for port in ports:
                self.ports.append(self._listen(port))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the ports. Idempotent."""
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        self._sockets.clear()

    def _listen(self, port: Port) -> Port:
        family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
        kind = socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM
        listener = socket.socket(family, kind)
        self._sockets.append(listener)
        if kind == socket.SOCK_STREAM:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((port.address or "0.0.0.0", port.host_port))
        except OSError as error:
            raise _refused(port, error) from None
        serve = self._serve_tcp if kind == socket.SOCK_STREAM else self._serve_udp
        if kind == socket.SOCK_STREAM:
            listener.listen(128)
        threading.Thread(target=serve, args=(listener, port.container_port), daemon=True).start()
        return port._replace(host_port=listener.getsockname()[1])

    def _serve_tcp(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client, port), daemon=True).start()

    def _join(self, client: socket.socket, port: int) -> None:
        with client:
            try:
                server = socket.create_connection((self._target, port))
            except OSError:
                return
            with server:
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()

    def _serve_udp(self, listener: socket.socket, port: int) -> None:
        clients: dict[Any, socket.socket] = {}
        while True:
            try:
                data, sender = listener.recvfrom(_CHUNK)
            except OSError:
                return
            server = clients.get(sender)
            if server is None or server.fileno() < 0:
                server = clients[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                server.connect((self._target, port))
                server.settimeout(_UDP_SECONDS)
                threading.Thread(target=_answer_udp, args=(server, listener, sender), daemon=True).start()
            try:
                server.send(data)
            except OSError:
                continue


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _answer_udp(server: socket.socket, listener: socket.socket, client: Any) -> None:
    with server:
        try:
            while True:
                listener.sendto(server.recv(_CHUNK), client)
        except OSError:
            return


def _refused(port: Port, error: OSError) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Conflict("port {port}/{protocol} of the host is in use", port=port.host_port, protocol=port.protocol,
                        address=port.address or "0.0.0.0")  # fmt: skip
    if error.errno in (errno.EACCES, errno.EPERM):
        return Denied("port {port} of the host may not be used", port=port.host_port)
    return Invalid("cannot listen on {address}: {error}", address=port.address or "0.0.0.0", error=error.strerror)
