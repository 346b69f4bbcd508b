"""Secrets that the hub must be able to read again (of webhooks, of other registries), encrypted in the records.

The key is a file beside the records, readable by the hub alone, made when it is first needed. Hubs that share their
records share it too: `[secrets] key = …` (or `key_file`) in hub.toml. A copy of the database alone gives nothing away.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from capas.errors import Corrupt, Denied, Invalid
from capas.store.disk import disk_errors, sync_dir

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class SecretsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys, one a line: the first one encrypts, the others still decrypt what they encrypted once."""

    key: str = ""


class Seal:
    """Encrypts and decrypts with `config`'s keys, or those in the file at `path`. Safe from any thread."""

    def __init__(self, path: Path, config: SecretsConfig) -> None:
        self._path = path
        self._key = config.key
        self._lock = threading.Lock()
        self._opened: MultiFernet | None = None

    def close(self, secret: str) -> bytes:
        """What may lie in the records for it. Raises: Invalid, Denied, Exhausted for a key that cannot be had."""
        return self._keys().encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret. Raises: Corrupt where none of the keys closed it; Invalid, Denied as `close`."""
        from cryptography.fernet import InvalidToken

        try:
            return self._keys().decrypt(sealed).decode()
        except InvalidToken:
            raise Corrupt(
                "a secret in the hub's records was encrypted with another key",
                hint="bring back the hub's secrets.key, or enter the secret again",
            ) from None

    def _keys(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        with self._lock:
            if self._opened is None:
                text = self._key or _read_or_make(self._path)
                try:
                    self._opened = MultiFernet([Fernet(line) for line in text.split()])
                except ValueError:
                    where = "[secrets] key" if self._key else str(self._path)
                    raise Invalid("{where} holds no key: 32 bytes as base64", where=where) from None
            return self._opened


def _read_or_make(path: Path) -> str:
    """The keys in the file. One that others could read is not used."""
    with disk_errors(path):
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise Denied("others can read {path}", path=str(path), hint="chmod 600 {path}")
        return path.read_text("ascii")


def _make(path: Path) -> None:
    """Appears whole; of several processes one makes it."""
    from cryptography.fernet import Fernet

    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, Fernet.generate_key() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(fresh)
    sync_dir(path.parent)
