"""What the server refuses, with the spec's codes: the table from our kinds of error to HTTP.

Spec: OCI distribution-spec, "Error codes".
"""

from __future__ import annotations

from typing import NamedTuple

from capas import errors
from capas.hub.people.limits import TooMany
from capas.hub.records.values import RuledOut
from capas.oci.document import encode


class Code(NamedTuple):
    """A code of the spec and the status it goes with."""

    name: str
    status: int


BLOB_UNKNOWN = Code("BLOB_UNKNOWN", 404)
BLOB_UPLOAD_INVALID = Code("BLOB_UPLOAD_INVALID", 400)
BLOB_UPLOAD_UNKNOWN = Code("BLOB_UPLOAD_UNKNOWN", 404)
DENIED = Code("DENIED", 403)
DIGEST_INVALID = Code("DIGEST_INVALID", 400)
MANIFEST_BLOB_UNKNOWN = Code("MANIFEST_BLOB_UNKNOWN", 400)
MANIFEST_INVALID = Code("MANIFEST_INVALID", 400)
MANIFEST_TOO_LARGE = Code("MANIFEST_INVALID", 413)
MANIFEST_UNKNOWN = Code("MANIFEST_UNKNOWN", 404)
NAME_INVALID = Code("NAME_INVALID", 400)
NAME_UNKNOWN = Code("NAME_UNKNOWN", 404)
PAGINATION_NUMBER_INVALID = Code("PAGINATION_NUMBER_INVALID", 400)
RANGE_INVALID = Code("RANGE_INVALID", 416)
SIZE_INVALID = Code("SIZE_INVALID", 400)
TAG_INVALID = Code("TAG_INVALID", 400)
TOO_MANY = Code("TOOMANYREQUESTS", 429)
UNAUTHORIZED = Code("UNAUTHORIZED", 401)
UNSUPPORTED = Code("UNSUPPORTED", 405)
UPLOAD_OUT_OF_ORDER = Code("BLOB_UPLOAD_INVALID", 416)
UPLOAD_BUSY = Code("BLOB_UPLOAD_INVALID", 409)

_KINDS: tuple[tuple[type[errors.CapasError], Code], ...] = (
    (RuledOut, DENIED),
    (errors.Unauthenticated, UNAUTHORIZED),
    (errors.Exhausted, Code("UNAVAILABLE", 507)),
    (errors.Unavailable, Code("UNAVAILABLE", 503)),
    (errors.Conflict, UPLOAD_BUSY),
)
_UNEXPECTED = Code("UNKNOWN", 500)


class Refused(Exception):
    """A request answered with one of the spec's errors."""

    def __init__(
        self, code: Code, message: str, *, detail: object = None, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail
        self.headers = headers

    @property
    def body(self) -> bytes:
        """The JSON document that the spec asks for."""
        error = {"code": self.code.name, "message": str(self), "detail": self.detail}
        return encode({"errors": [error]})


def refusal_of(error: errors.CapasError) -> Refused:
    """The refusal for an error of the rooms below: never their paths or words where the fault is the server's own."""
    if isinstance(error, TooMany):
        wait = (b"retry-after", str(error.seconds).encode())
        return Refused(TOO_MANY, str(error), headers=(wait,))
    for kind, code in _KINDS:
        if isinstance(error, kind):
            return Refused(code, _PUBLIC.get(code.status, str(error)))
    return unexpected()


def unexpected() -> Refused:
    """The refusal for a fault of ours."""
    return Refused(_UNEXPECTED, "the hub failed to answer: its log says why")


_PUBLIC = {
    507: "the hub's disk is full",
    503: "the hub cannot use its disk now: try again later",
    409: "another request is writing this upload",
}
