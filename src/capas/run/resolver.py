"""The resolver of a container on a network that somebody made: at 127.0.0.11 in its namespace, as docker's.

Its keeper carries it. It knows the containers of its networks, and passes every other question on to the host's
resolvers, from the host.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from capas.run.dns import PTR, SERVER_FAILED, A, Question, address_of, encode_name, make_answer, parse_question
from capas.run.firewall import Firewall
from capas.snapshot.namespaces import in_thread
from capas.snapshot.syscalls import CLONE_NEWNET, setns

ADDRESS = "127.0.0.11"
Client = tuple[str, int]
_PORT, _LARGEST, _PATIENCE_SECONDS, _MANY = 53, 65_535, 4.0, 256


class Book(Protocol):
    """Who knows names."""

    def find_addresses(self, name: str) -> Sequence[str]:
        """The addresses of the containers of this name, in turn a different one first; none for an unknown name."""

    def find_name(self, address: str) -> str:
        """The name of the container at an address, "" for none."""

    def upstream(self) -> Sequence[str]:
        """The resolvers to ask about everything else; none for containers that have no way out."""


class Resolver:
    """Answers until it is closed."""

    def __init__(self, namespace: int, firewall: Firewall, book: Book) -> None:
        self._book = book
        self._many = threading.BoundedSemaphore(_MANY)
        self._datagrams, self._streams = in_thread(lambda: _listen(namespace, firewall))
        for serve in (self._serve_datagrams, self._serve_streams):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        """Answer no more. Idempotent."""
        for each in (self._datagrams, self._streams):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def _serve_datagrams(self) -> None:
        while True:
            try:
                query, client = self._datagrams.recvfrom(_LARGEST)
            except OSError:
                return
            if not client:
                return  # it was shut down
            question = parse_question(query)
            known = None if question is None else self._know(query, question)
            if known is not None:
                _send(self._datagrams, known, client)
            elif self._many.acquire(blocking=False):  # who asks too much at once asks again
                threading.Thread(target=self._pass_on, args=(query, question, client), daemon=True).start()

    def _pass_on(self, query: bytes, question: Question | None, client: Client) -> None:
        try:
            answer = self._ask(query, _ask_by_datagram)
            if not answer and question is not None:
                answer = make_answer(query, question, code=SERVER_FAILED)
            if answer:
                _send(self._datagrams, answer, client)
        finally:
            self._many.release()

    def _serve_streams(self) -> None:
        while True:
            try:
                connection, _ = self._streams.accept()
            except OSError:
                return
            if self._many.acquire(blocking=False):
                threading.Thread(target=self._serve_stream, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _serve_stream(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_PATIENCE_SECONDS)
            try:
                while query := _receive(connection):
                    question = parse_question(query)
                    answer = b"" if question is None else self._know(query, question) or b""
                    answer = answer or self._ask(query, _ask_by_stream)
                    if not answer and question is not None:
                        answer = make_answer(query, question, code=SERVER_FAILED)
                    connection.sendall(struct.pack("!H", len(answer)) + answer)
            except OSError:
                return
            finally:
                self._many.release()

    def _know(self, query: bytes, question: Question) -> bytes | None:
        """The answer where the name is a container's: without records for kinds that it has none of."""
        if question.kind == PTR:
            name = self._book.find_name(address_of(question.name))
            return make_answer(query, question, [encode_name(name)]) if name else None
        addresses = self._book.find_addresses(question.name)
        if not addresses:
            return None
        return make_answer(query, question, map(socket.inet_aton, addresses) if question.kind == A else ())

    def _ask(self, query: bytes, by: Callable[[str, bytes], bytes]) -> bytes:
        """The answer of the first resolver that has one, empty for none."""
        for server in self._book.upstream():
            try:
                return by(server, query)
            except OSError:
                continue
        return b""


def _listen(namespace: int, firewall: Firewall) -> tuple[socket.socket, socket.socket]:
    """Sockets in the namespace. Their ports are free ones: port 53 is left to what runs in the container."""
    setns(namespace, CLONE_NEWNET)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    streams = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        for each in (datagrams, streams):
            each.bind((ADDRESS, 0))
        streams.listen(64)
        firewall.turn(ADDRESS, [("udp", _PORT, datagrams.getsockname()[1]), ("tcp", _PORT, streams.getsockname()[1])])
    except BaseException:
        datagrams.close()
        streams.close()
        raise
    return datagrams, streams


def _send(via: socket.socket, answer: bytes, client: Client) -> None:
    try:
        via.sendto(answer, client)
    except OSError:
        return  # the container has ended


def _ask_by_datagram(server: str, query: bytes) -> bytes:
    with socket.socket(_family(server), socket.SOCK_DGRAM) as talk:
        talk.settimeout(_PATIENCE_SECONDS)
        talk.connect((server, _PORT))  # from nobody else will an answer be heard
        talk.send(query)
        while answer := talk.recv(_LARGEST):
            if answer[:2] == query[:2]:
                return answer
    return b""


def _ask_by_stream(server: str, query: bytes) -> bytes:
    with socket.create_connection((server, _PORT), _PATIENCE_SECONDS) as talk:
        talk.sendall(struct.pack("!H", len(query)) + query)
        return _receive(talk)


def _receive(talk: socket.socket) -> bytes:
    """One message of a stream, empty at its end."""
    head = _exactly(talk, 2)
    return _exactly(talk, struct.unpack("!H", head)[0]) if len(head) == 2 else b""


def _exactly(talk: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (data := talk.recv(size - len(found))):
        found += data
    return found


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
