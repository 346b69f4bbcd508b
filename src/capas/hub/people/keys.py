"""The keys that sign passes: in the records, so that all processes of a hub have the same, and changed as time goes.

A key signs for a week. Then another takes its place, its private half is forgotten, and its public half verifies until
the last pass that it signed has expired. Private halves are sealed; one that this hub cannot open is replaced. What
verifies what is said by the records alone: a pass names its key by `kid`, and the key knows its algorithm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, select

from capas.errors import Corrupt
from capas.hub.records.database import Database
from capas.hub.records.tables.people import signing_keys
from capas.hub.seal import Seal

Algorithm = Literal["EdDSA", "RS256"]

PASS_SECONDS = 300
SIGNS_NS = 7 * 24 * 3600 * 1_000_000_000
_VERIFIES_NS = (PASS_SECONDS + 60) * 1_000_000_000  # after it has signed for the last time
_RSA_BITS = 3072
_LOOK_SECONDS = 1.0  # the records are not asked more often than this for keys that nobody has


class Key(NamedTuple):
    """One key. `private` is None once it signs no more. Both halves are cryptography's objects."""

    id: str
    algorithm: Algorithm
    private: Any
    public: Any
    created_ns: int
    retired_ns: int | None

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, algorithm={self.algorithm!r})"


class Keys:
    """The keys as this process knows them; the records are asked where they do not suffice. Safe from any thread."""

    def __init__(
        self,
        database: Database,
        seal: Seal,
        algorithm: Algorithm,
        *,
        now_ns: Callable[[], int],
        new_token: Callable[[], str],
    ) -> None:
        self._database = database
        self._seal = seal
        self._algorithm = algorithm
        self._now_ns = now_ns
        self._new_token = new_token
        self._known: Mapping[str, Key] = {}
        self._looked = float("-inf")

    def get_signing(self) -> Key:
        """The key to sign with now; made, and the one before retired, if need be. May write, so call it in a thread."""
        found = self._find_signing()
        if found is None:
            self._load()
            found = self._find_signing()
        if found is None:
            self._known = self._database.write(self._rotate)
            found = self._find_signing()
        assert found is not None
        return found

    def find(self, id: str) -> Key | None:
        """The key of this name, while it verifies."""
        if id not in self._known and time.monotonic() - self._looked > _LOOK_SECONDS:
            self._load()
        found = self._known.get(id)
        if found is None or (found.retired_ns is not None and self._now_ns() > found.retired_ns + _VERIFIES_NS):
            return None
        return found

    def _find_signing(self) -> Key | None:
        young = self._now_ns() - SIGNS_NS
        fit = (one for one in self._known.values() if one.private is not None and one.algorithm == self._algorithm)
        return next((one for one in fit if one.retired_ns is None and one.created_ns > young), None)

    def _load(self) -> None:
        self._looked = time.monotonic()
        self._known = self._database.read(self._read)

    def _rotate(self, db: Connection) -> Mapping[str, Key]:
        """Retire what signs too long, or by another algorithm, and make another; unless a process just did."""
        self._known, now_ns = self._read(db), self._now_ns()
        if self._find_signing() is not None:
            return self._known
        c = signing_keys.c
        db.execute(signing_keys.delete().where(c.retired_ns < now_ns - _VERIFIES_NS))
        db.execute(signing_keys.update().where(c.retired_ns.is_(None)).values(retired_ns=now_ns, private=None))
        private, public = _make_key(self._algorithm)
        row = {"id": self._new_token()[:32], "algorithm": self._algorithm, "created_ns": now_ns}
        db.execute(signing_keys.insert().values(**row, private=self._seal.close(private), public=public))
        return self._read(db)

    def _read(self, db: Connection) -> Mapping[str, Key]:
        c = signing_keys.c
        rows = db.execute(select(c.id, c.algorithm, c.private, c.public, c.created_ns, c.retired_ns)).all()
        return {
            row.id: Key(
                row.id,
                row.algorithm,
                self._open(row.private),
                _load_public(row.public),
                row.created_ns,
                row.retired_ns,
            )
            for row in rows
        }

    def _open(self, sealed: bytes | None) -> Any:
        """A private half, None for one that is forgotten or cannot be opened."""
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            return load_pem_private_key(self._seal.open(sealed).encode(), None) if sealed else None
        except Corrupt as error:
            logging.getLogger("capas.hub").warning("a key that signs tokens is replaced: %s", error)
            return None


def _load_public(der: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(der)


def _make_key(algorithm: Algorithm) -> tuple[str, bytes]:
    """A fresh key: its private half as PEM, its public half as DER."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )
