"""Documents in and out of JSON: bounded, typed, and with one error for whatever is wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from capas.errors import CapasError, Corrupt
from capas.oci.descriptor import decode_digest, encode_digest
from capas.typed import from_json

T = TypeVar("T")
MAX_BYTES = 4 * 1024 * 1024


def decode(data: bytes, kind: type[T], what: str) -> T:
    """The document of type `kind` in `data`. `what` names it in errors.

    Raises: Corrupt for more than 4 MiB, for JSON that is broken or nested without end, for a field of another type.
    """
    if len(data) > MAX_BYTES:
        raise Corrupt(
            "the {what} has {size} bytes: at most {limit} are read", what=what, size=len(data), limit=MAX_BYTES
        )
    try:
        return from_json(data, kind, decode_digest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Corrupt("the {what} cannot be read: {error}", what=what, error=str(error)) from None
    except CapasError as error:
        raise Corrupt("the {what} cannot be read: {error}", what=what, error=str(error)) from None


def encode(document: object) -> bytes:
    """The document as compact JSON, fields in the order of its type."""
    return msgspec.json.encode(document, enc_hook=encode_digest)
