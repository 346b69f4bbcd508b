"""What was proved a moment ago: passes whose signature was right, passwords that were. No secret is kept for it.

What came is remembered as its keyed BLAKE2, with a key that this process drew and nobody else knows. A proof stands
only for what cannot change: whether the account is open, the token revoked or the password another one, is asked of the
records.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from capas.hub.people.passes import Pass

T = TypeVar("T")

_MOST = 10_000


class Password(NamedTuple):
    """The password of `name` was right, as the records kept it then (`kept`)."""

    name: str
    kept: str

    def __repr__(self) -> str:
        return f"Password(name={self.name!r})"


class Proofs:
    """Of one process. Safe from any thread."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.passes = _Bounded[Pass]()
        self.passwords = _Bounded[Password]()

    def forget_password(self, name: str) -> None:
        """Have the passwords of this name proved again: somebody is guessing at it."""
        self.passwords.drop_where(lambda one: one.name == name)

    def digest(self, *shown: bytes) -> bytes:
        """What stands for something that was shown."""
        return hashlib.blake2b(b"\0".join(shown), key=self._key, digest_size=32).digest()


class _Bounded(Generic[T]):
    """A dictionary that forgets its oldest half when it is full."""

    def __init__(self) -> None:
        self._kept: dict[bytes, T] = {}
        self._lock = threading.Lock()

    def get(self, key: bytes) -> T | None:
        """What is remembered under the key."""
        return self._kept.get(key)

    def keep(self, key: bytes, value: T) -> None:
        """Remember it."""
        with self._lock:
            if len(self._kept) >= _MOST:
                for old in list(self._kept)[: _MOST // 2]:
                    del self._kept[old]
            self._kept[key] = value

    def drop_where(self, fits: Callable[[T], bool]) -> None:
        """Forget those that fit."""
        with self._lock:
            for key in [key for key, one in self._kept.items() if fits(one)]:
                del self._kept[key]
