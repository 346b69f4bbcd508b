"""Typed values out of JSON and MessagePack, for any thread.

msgspec looks a type over when it meets it first, and crashes where two threads do that at once: here one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Hook = Callable[[type, Any], Any]
_ALONE = threading.Lock()


def from_json(data: bytes | str, kind: type[T], hook: Hook | None = None) -> T:
    """The value of this type in `data`; `hook` makes what is unknown to msgspec. Raises: MsgspecError; as `hook`."""
    with _ALONE:
        decoder: msgspec.json.Decoder[T] = _json(_key(kind), hook)
    return decoder.decode(data)


def from_msgpack(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """The value of this type in `data`. Raises: MsgspecError."""
    with _ALONE:
        decoder: msgspec.msgpack.Decoder[T] = _msgpack(_key(kind))
    return decoder.decode(data)


def from_plain(values: Any, kind: type[T], *, texts: bool = False) -> T:
    """The value of this type of plain ones; of `texts`: numbers too are written so. Raises: ValidationError."""
    with _ALONE:
        _json(_key(kind), None)
    return msgspec.convert(values, kind, strict=not texts)


def _key(kind: type[object]) -> Any:
    """A type as what a cache knows things by: mypy doubts that it can be."""
    return kind


@cache
def _json(kind: Any, hook: Hook | None) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=hook)


@cache
def _msgpack(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)
