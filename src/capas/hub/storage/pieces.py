"""What the store's list of a write under way says: pieces that follow each other, and digests up to an offset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from capas.hub.storage.objects_client import Object
from capas.oci.digest import Digest

_PIECE = re.compile(r"([0-9a-f]{16})-[0-9a-f]+", re.ASCII)
_MARK = re.compile(r"([0-9a-f]{16})\.([0-9a-f]{64})", re.ASCII)


class Piece(NamedTuple):
    """Bytes of a write, in an object of their own."""

    start: int
    size: int
    key: str

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.start + self.size


class State(NamedTuple):
    """A write as it stands. `digest` is that of all its bytes where somebody noted it; `keys` all that goes with it."""

    pieces: tuple[Piece, ...]
    digest: Digest | None
    keys: tuple[str, ...]

    @property
    def offset(self) -> int:
        """Where it goes on."""
        return self.pieces[-1].end if self.pieces else 0


def piece_key(directory: str, start: int, token: str) -> str:
    """The name of a new piece. `token` keeps two requests that begin at one offset apart."""
    return f"{directory}{start:016x}-{token}"


def mark_key(directory: str, offset: int, digest: Digest) -> str:
    """The name of the mark that says what all bytes up to `offset` amount to."""
    return f"{directory}{offset:016x}.{digest.hex}"


def read_state(found: Iterable[Object]) -> State | None:
    """The write, None where there is nothing of one."""
    pieces: list[Piece] = []
    keys: list[str] = []
    marks: dict[int, Digest] = {}
    for one in found:
        keys.append(one.key)
        name = one.key.rpartition("/")[2]
        if match := _PIECE.fullmatch(name):
            pieces.append(Piece(int(match[1], 16), one.size, one.key))
        elif match := _MARK.fullmatch(name):
            marks[int(match[1], 16)] = Digest("sha256:" + match[2])
    if not pieces and not marks:
        return None
    state = State(_furthest(pieces), None, tuple(keys))
    return state._replace(digest=marks.get(state.offset))


def _furthest(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Those that follow each other from the beginning and come furthest.

    Two may begin at one offset: the piece of a request that the client gave up, and that of its next try elsewhere.
    """
    best: dict[int, tuple[Piece, ...]] = {}
    for piece in sorted(pieces, reverse=True):
        run = (piece, *best.get(piece.end, ()))
        if piece.size and (piece.start not in best or run[-1].end > best[piece.start][-1].end):
            best[piece.start] = run
    return best.get(0, ())
