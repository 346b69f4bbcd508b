"""Vertices: the graph of a build, which knows nothing of Dockerfiles.

A vertex is an op and its inputs; the first input is what the op builds on, the others are what it reads. Equal
vertices (same op, same inputs) have the same digest and run once. What an op gives is a stack of layers: its first
input's, and at most one of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from capas.errors import CapasError
from capas.layer.entry import Layer
from capas.oci.digest import Digest, chain_id

if TYPE_CHECKING:
    from capas.build.bench import Bench


class Made(NamedTuple):
    """What one step made: its layer, or None where it changed nothing; when it was made."""

    layer: Layer | None
    uncompressed_size: int
    created_ns: int


class Solved(NamedTuple):
    """What a vertex gave: the stack of layers, bottom first, and the step's own part (None for a source).

    Where nothing is built (a forecast), what a step would give may not be `known`.
    """

    layers: tuple[Layer, ...] = ()
    made: Made | None = None
    cached: bool = False
    known: bool = True

    def with_made(self, made: Made, *, cached: bool) -> Solved:
        """What a step on top of it gives."""
        layers = self.layers if made.layer is None else (*self.layers, made.layer)
        return Solved(layers, made, cached)

    @property
    def chain(self) -> str:
        """The name of the stack by content: its chain id, or "scratch"."""
        if not self.known:
            return "unknown"
        return chain_id(layer.diff_id for layer in self.layers) if self.layers else "scratch"


class Work(Protocol):
    """One op about to be done on its solved inputs."""

    @property
    def parts(self) -> Mapping[str, object]:
        """All that its keys are made of, by name, but for the contents of files."""

    def keys(self) -> Iterator[str]:
        """Cache keys, the cheapest first: the next one is asked for only when the one before is not known."""

    def files(self, *, look: bool = False) -> Mapping[str, str] | None:
        """A fact for each file that it copies; None where they have not been looked at, and are not to be."""

    def make(self) -> Made:
        """Do it. Raises: what goes wrong."""

    def learned(self) -> Sequence[str]:
        """Every key that the result answers to, known once it is made or found."""


class Op(Protocol):
    """What makes a layer. It answers two questions: what are my keys, and run."""

    @property
    def title(self) -> str:
        """The instruction, for people."""

    @property
    def use_cache(self) -> bool:
        """Whether an earlier result will do."""

    def locate(self, error: CapasError) -> CapasError:
        """The same error, pointing at the instruction."""

    @property
    def parts(self) -> Mapping[str, object]:
        """All that can change the result beside the inputs, and nothing else: what JSON can say, by name.

        The names are those of flags and instructions: a step that is done again says which of them changed.
        """

    @property
    def definition(self) -> str:
        """The parts as one text."""

    def begin(self, inputs: Sequence[Solved], bench: Bench, step: str) -> Work:
        """Get ready, now that the inputs are there. `step` is the id of its events."""


class Source(NamedTuple):
    """An op that makes nothing: layers that are there already. No layers at all is `FROM scratch`.

    `digest` is the image's, for people: it is the layers that count.
    """

    name: str
    layers: tuple[Layer, ...] = ()
    digest: str = ""

    @property
    def definition(self) -> str:
        """The layers themselves: another name for the same image is the same source."""
        return encode_key("source", *(layer.diff_id for layer in self.layers))


class Note(NamedTuple):
    """What people are told of a step: its line, the variables in its words, and which variables are the build's."""

    line: int = 0
    variables: Mapping[str, str] = {}
    arguments: Sequence[str] = ()


class Vertex:
    """An op and its inputs. Two vertices are equal when their digests are."""

    __slots__ = ("digest", "inputs", "note", "op", "step")

    def __init__(
        self, op: Op | Source, inputs: Sequence[Vertex] = (), step: str = "", note: Note | None = None
    ) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.step = step  # for events only: outside the digest, as is the note
        self.note = note or Note()
        self.digest: Digest = Digest.of(encode_key(op.definition, *(vertex.digest for vertex in inputs)).encode())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vertex) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def encode_key(*parts: object) -> str:
    """The parts as one unambiguous text: canonical JSON."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest_key(*parts: object) -> str:
    """The parts as a cache key."""
    return hashlib.sha256(encode_key(*parts).encode()).hexdigest()


def iter_vertices(targets: Sequence[Vertex]) -> Iterator[Vertex]:
    """Every vertex that the targets need, each once, inputs first."""
    seen: set[Vertex] = set()
    stack: list[tuple[Vertex, bool]] = [(target, False) for target in reversed(targets)]
    while stack:
        vertex, ready = stack.pop()
        if ready:
            yield vertex
        elif vertex not in seen:
            seen.add(vertex)
            stack.append((vertex, True))
            stack.extend((below, False) for below in reversed(vertex.inputs))
