"""Inputs: a build that stands on what another one of the same client gives. The client is told of a result as a graph
(LLB) of one source that names it, and gives that graph to the other build.

What a client sends is read as a stranger's: a source that we gave out, or an image's name, and nothing else.

Spec: moby/buildkit, solver/pb, ops.proto; frontend/dockerui, named contexts.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from capas.buildkit import messages_pb2 as wire
from capas.errors import Invalid, Unsupported
from capas.oci.digest import Digest

_IMAGE = "docker-image://"
_RESULT = "capas-result://"
_MOST_OPERATIONS = 2  # a source, and the word that it is the end
_MOST_BYTES = 8192
_MOST_INPUTS = 100


def graph_of(token: str, platform: str = "") -> wire.Definition:
    """The graph that stands for a build's result (for one platform of several)."""
    kind = wire.SourceOperation(identifier=f"{_RESULT}{token}/{platform}")
    source = wire.Operation(source=kind).SerializeToString(deterministic=True)
    digest = Digest.of(source)
    end = wire.Operation(inputs=[wire.OperationInput(digest=digest)]).SerializeToString(deterministic=True)
    return wire.Definition(
        operations=[source, end],
        notes={digest: wire.OperationNotes(capabilities={"source.image": True}), Digest.of(end): wire.OperationNotes()},
    )


def read_inputs(inputs: Mapping[str, wire.Definition]) -> dict[str, str]:
    """The one source of each, by the inputs' names. Raises: Invalid; Unsupported for any other graph, by its kind."""
    if len(inputs) > _MOST_INPUTS:
        raise Invalid("a build has {count} inputs: at most {limit}", count=len(inputs), limit=_MOST_INPUTS)
    return {name: _read(name, definition) for name, definition in inputs.items()}


def token_of(source: str) -> str:
    """Whose result it is, "" for an image's name."""
    return source.removeprefix(_RESULT).partition("/")[0] if source.startswith(_RESULT) else ""


def _read(name: str, definition: wire.Definition) -> str:
    operations = definition.operations
    if sum(map(len, operations)) > _MOST_BYTES or not operations:
        raise Invalid("the input {name} is no graph that Capas gave out", name=name[:100])
    try:
        parsed = [wire.Operation.FromString(data) for data in operations[: _MOST_OPERATIONS + 1]]
    except DecodeError:
        raise Invalid("the input {name} is no graph (LLB)", name=name[:100]) from None
    kinds = [one.WhichOneof("kind") for one in parsed]
    strange = next((kind for kind in kinds if kind not in (None, "source")), None)
    if strange is not None or kinds != ["source", None] or parsed[0].inputs:
        raise _refused(name, strange or f"{kinds.count('source')} sources")
    ends = [(one.digest, one.index) for one in parsed[1].inputs]
    if ends != [(Digest.of(operations[0]), 0)]:
        raise Invalid("the input {name} does not end in its own source", name=name[:100])
    identifier = parsed[0].source.identifier
    if not identifier.startswith((_RESULT, _IMAGE)):
        raise _refused(name, identifier[:100])
    return identifier


def _refused(name: str, what: str) -> Unsupported:
    return Unsupported(
        "the input {name} is a graph (LLB) of {what}: Capas takes results of its own builds, and images",
        name=name[:100], what=what, hint="use capas bake or buildx",
    )  # fmt: skip
