"""The few words of DNS that a resolver needs which knows some names itself and passes all other questions on.

Spec: RFC 1035, section 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

A, PTR = 1, 12
SERVER_FAILED = 2
_HEADER = struct.Struct("!6H")
_ANSWERED, _RECURSION_WANTED, _RECURSION_HERE, _OPCODE = 0x8000, 0x0100, 0x0080, 0x7800
_HERE = 0xC000 | _HEADER.size  # "the name of the question"
_INTERNET = 1
_TTL_SECONDS = 5  # an address is another's soon after its container has ended


class Question(NamedTuple):
    """What a query asks. `name` is in lower case, without the dot at its end; the question ends at byte `end`."""

    name: str
    kind: int
    end: int


def parse_question(message: bytes) -> Question | None:
    """The question of a query; None where it is none, or one of another shape than everybody's."""
    try:
        _, flags, count, *_ = _HEADER.unpack_from(message)
        labels, at = _labels(message, _HEADER.size)
        kind, kin = struct.unpack_from("!HH", message, at)
    except (struct.error, IndexError, ValueError):
        return None
    if flags & (_ANSWERED | _OPCODE) or count != 1 or kin != _INTERNET:
        return None
    return Question(".".join(labels).lower(), kind, at + 4)


def _labels(message: bytes, at: int) -> tuple[list[str], int]:
    labels = []
    while size := message[at]:
        if size > 63:
            raise ValueError("a pointer in a question")
        labels.append(message[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    return labels, at + 1


def make_answer(query: bytes, question: Question, found: Iterable[bytes] = (), *, code: int = 0) -> bytes:
    """The answer to a query: records of the kind it asks for, or why there is none."""
    records = [struct.pack("!HHHIH", _HERE, question.kind, _INTERNET, _TTL_SECONDS, len(one)) + one for one in found]
    identity, flags, *_ = _HEADER.unpack_from(query)
    flags = _ANSWERED | flags & _RECURSION_WANTED | _RECURSION_HERE | code
    head = _HEADER.pack(identity, flags, 1, len(records), 0, 0)
    return head + query[_HEADER.size : question.end] + b"".join(records)


def encode_name(name: str) -> bytes:
    """A name as a record holds it."""
    labels = [label.encode("latin-1", "replace")[:63] for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def address_of(name: str) -> str:
    """The IPv4 address that a name of in-addr.arpa asks about, "" for others."""
    digits = name.removesuffix(".in-addr.arpa").split(".")
    return ".".join(reversed(digits)) if name.endswith(".in-addr.arpa") and len(digits) == 4 else ""
