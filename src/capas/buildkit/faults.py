"""Our kinds of error as statuses of gRPC, and the other way round.

Spec: grpc.io, "Status codes". The details of an error are BuildKit's: JSON under the address of a type.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from grpclib.const import Status
from grpclib.encoding.base import StatusDetailsCodecBase
from grpclib.exceptions import GRPCError

from capas import errors
from capas.buildkit import messages_pb2 as wire
from capas.buildkit.telling import Dockerfile
from capas.errors import CapasError, Interrupted, Unsupported

_STATUSES: tuple[tuple[type[CapasError], Status], ...] = (
    (errors.Invalid, Status.INVALID_ARGUMENT),
    (errors.NotFound, Status.NOT_FOUND),
    (errors.AlreadyExists, Status.ALREADY_EXISTS),
    (errors.Conflict, Status.FAILED_PRECONDITION),
    (errors.Unauthenticated, Status.UNAUTHENTICATED),
    (errors.Denied, Status.PERMISSION_DENIED),
    (errors.Unavailable, Status.UNAVAILABLE),
    (errors.Exhausted, Status.RESOURCE_EXHAUSTED),
    (errors.Corrupt, Status.DATA_LOSS),
    (errors.Unsupported, Status.UNIMPLEMENTED),
    (errors.Interrupted, Status.CANCELLED),
)
_SOURCE = "github.com/moby/buildkit/errdefs.Source+json"


def call_fault(error: CapasError) -> GRPCError:
    """Why a call cannot be answered."""
    return GRPCError(_status(error), _with_hint(str(error), error))


def build_fault(error: CapasError, dockerfile: Dockerfile | None) -> GRPCError:
    """Why a build failed: clients print it as it is, and draw the place in the Dockerfile themselves."""
    status = _status(error) if isinstance(error, Interrupted | Unsupported) else Status.UNKNOWN
    facts = error.facts
    if dockerfile is None or "excerpt" not in facts:
        return GRPCError(status, _with_hint(str(error), error))
    lines = {"start": {"line": facts["line"]}, "end": {"line": facts["end_line"]}}
    text = base64.b64encode(dockerfile.text).decode()
    info = {"filename": dockerfile.name, "language": "Dockerfile", "data": text}
    return GRPCError(status, _with_hint(str(facts["problem"]), error), [(_SOURCE, {"info": info, "ranges": [lines]})])


def kind_of(error: GRPCError) -> CapasError:
    """What a client's session answers, as an error of ours."""
    kind = next((kind for kind, status in _STATUSES if status is error.status), errors.Unavailable)
    return kind("the client answers: {why}", why=(error.message or error.status.name)[:500])


def _status(error: CapasError) -> Status:
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def _with_hint(text: str, error: CapasError) -> str:
    return f"{text} ({error.hint})" if error.hint else text


class Details(StatusDetailsCodecBase):
    """Details as BuildKit writes them: a google.rpc.Status whose details hold JSON."""

    def encode(self, status: Status, message: str | None, details: Iterable[tuple[str, Any]]) -> bytes:
        """To bytes."""
        told = wire.Status(code=status.value, message=message or "")
        for address, value in details:
            told.details.add(type_url=address, value=json.dumps(value).encode())
        return bytes(told.SerializeToString())

    def decode(self, status: Status, message: str | None, data: bytes) -> None:
        """Nobody asks for them."""
