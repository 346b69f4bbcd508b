"""Bytes that are nobody's business: they show in no repr, log or traceback."""

from __future__ import annotations


class Concealed:
    """A secret on its way to where it is needed."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def reveal(self) -> bytes:
        """The bytes."""
        return self._data

    def __repr__(self) -> str:
        return "Concealed(…)"
