"""A name server to test with: `with NameServer() as server`."""

from __future__ import annotations

import socket
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

WORDS = ("x" * 200, "y" * 200, "z" * 200)  # what it says of "far.example", too long for a datagram


class NameServer:
    """On port 53 of the host's loopback. It knows "far.example" only."""

    address = "127.3.5.53"

    def __init__(self) -> None:
        self._datagrams = socket.socket(type=socket.SOCK_DGRAM)
        self._datagrams.bind((self.address, 53))
        self._streams = socket.create_server((self.address, 53))
        self._threads = [threading.Thread(target=serve) for serve in (self._serve_datagrams, self._serve_streams)]

    def __enter__(self) -> NameServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._datagrams, self._streams):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # a socket of datagrams says that it is not connected, and wakes its reader all the same
        for thread in self._threads:
            thread.join()
        self._datagrams.close()
        self._streams.close()

    def _serve_datagrams(self) -> None:
        while True:
            wire, client = self._datagrams.recvfrom(4096)
            if not client:
                return
            said = _answer(dns.message.from_wire(wire))
            if said.answer:
                said.answer.clear()
                said.flags |= dns.flags.TC
            self._datagrams.sendto(said.to_wire(), client)

    def _serve_streams(self) -> None:
        while True:
            try:
                talk, _ = self._streams.accept()
            except OSError:
                return
            with talk:
                dns.query.send_tcp(talk, _answer(dns.query.receive_tcp(talk)[0]))


def _answer(query: dns.message.Message) -> dns.message.Message:
    said = dns.message.make_response(query)
    if str(query.question[0].name) == "far.example.":
        said.answer.append(dns.rrset.from_text("far.example.", 60, "IN", "TXT", *WORDS))
    else:
        said.set_rcode(dns.rcode.NXDOMAIN)
    return said
