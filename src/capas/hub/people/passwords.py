"""Passwords: kept as argon2id, checked in the same time whether or not there is such a person.

Checking takes 20 to 40 ms of a core and 19 MiB by intent (OWASP's parameters), so it is done in a thread.
"""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from capas.errors import Invalid

_SHORTEST, _LONGEST = 10, 1024
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# what a password is checked against where there is nobody: of nothing that anybody knows, at the present cost
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$kepd44B/tQFJIhmMUpAMtA$OVI+8FjmkPr5Jf/0BNqNOZsuIv0QCED+KHEhqGkyack"


def check_new(password: str, name: str) -> str:
    """A password that somebody chose. Raises: Invalid for one that is too easy to guess."""
    if len(password) < _SHORTEST:
        raise Invalid(
            "a password has at least {least} characters", least=_SHORTEST, hint="a few words are easy to remember"
        )
    if len(password) > _LONGEST:
        raise Invalid("a password has at most {most} characters", most=_LONGEST)
    if len(set(password)) < 4 or password.lower() == name.lower():
        raise Invalid("this password is easy to guess", hint="a few words are easy to remember")
    return password


def digest_password(password: str) -> str:
    """The password as it is kept. Takes long by intent."""
    return _HASHER.hash(_bytes(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether this is the password that is kept; as slow where none is. Takes long by intent."""
    try:
        return _HASHER.verify(kept or NOBODY, _bytes(password[: _LONGEST + 1])) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(kept: str) -> bool:
    """Whether it was kept at another cost than is asked for now."""
    return _HASHER.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    """One form, however the keyboard wrote an accent."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
