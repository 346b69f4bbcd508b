"""Logins in docker's own `config.json`, shared with docker, podman and skopeo.

Spec: docker's "docker login", "Credential stores"; containers-auth.json(5) for logins of one namespace.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from capas.errors import CapasError, Denied, Exhausted, Invalid
from capas.registry.credential_helper import CredentialHelper

HUB_KEY = "https://index.docker.io/v1/"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_LARGEST = 8 << 20
Config = dict[str, Any]


class Login(NamedTuple):
    """Who we are at a registry: a name with its secret, or a token that stands for both."""

    username: str = ""
    secret: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"


Find = Callable[[str, str], Login | None]
"""The login for a registry's domain and a repository's path in it."""


class Credentials:
    """The logins in the file `path`, or in the helpers that it names. Other keys of the file stay as they are.

    `environ` is what helpers see; None for this process's own environment.
    """

    def __init__(self, path: Path, *, environ: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._environ = environ

    def find(self, domain: str, path: str = "") -> Login | None:
        """The login for a registry, or for the closest namespace above a repository `path` in it.

        Raises: Invalid for a file that cannot be read.
        """
        config = self._read()
        auths = _table(config, "auths")
        for key in _namespaces(domain, path):
            if key in auths:
                return _login_of(auths[key], key)
        helper = self._helper(config, domain)
        if helper is not None:
            found = helper.get(_key(domain))
            return None if found is None else _from_helper(*found)
        for key in _keys(domain, auths):
            login = _login_of(auths[key], key)
            if login is not None:
                return login
        return None

    def save(self, domain: str, login: Login) -> None:
        """Keep a login, in the helper where one is set. Atomic. Raises: Invalid; Denied; Exhausted."""
        with self._locked():
            config = self._read()
            helper = self._helper(config, domain)
            entry: Config = {}
            if helper is not None:
                username, secret = login.username, login.secret
                if login.identity_token:
                    username, secret = "<token>", login.identity_token
                helper.store(_key(domain), username, secret)
            else:
                pair = f"{login.username}:{login.secret}".encode()
                entry = {"auth": base64.b64encode(pair).decode()}
                if login.identity_token:
                    entry["identitytoken"] = login.identity_token
            auths = dict(_table(config, "auths"))
            for key in _keys(domain, auths):
                del auths[key]
            auths[_key(domain)] = entry
            self._write({**config, "auths": auths})

    def erase(self, domain: str) -> bool:
        """Forget a login. Whether there was one. Atomic."""
        if not self.path.exists():
            return False
        with self._locked():
            config = self._read()
            auths = dict(_table(config, "auths"))
            stale = _keys(domain, auths)
            helper = self._helper(config, domain)
            found = bool(stale)
            if helper is not None and helper.get(_key(domain)) is not None:
                helper.erase(_key(domain))
                found = True
            for key in stale:
                del auths[key]
            if stale:
                self._write({**config, "auths": auths})
            return found

    def _helper(self, config: Config, domain: str) -> CredentialHelper | None:
        helpers = _table(config, "credHelpers")
        name = next((helpers[key] for key in (domain, _key(domain)) if key in helpers), config.get("credsStore"))
        if not name:
            return None
        if not isinstance(name, str):
            raise Invalid("{path}: the name of a credential helper must be text", path=str(self.path))
        return CredentialHelper(name, self._environ)

    def _read(self) -> Config:
        try:
            with open(self.path, "rb") as file:
                data = file.read(_LARGEST)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Invalid("cannot read {path}: {why}", path=str(self.path), why=_why(error)) from None
        try:
            config = json.loads(data or b"{}")
        except (ValueError, RecursionError):
            raise Invalid(
                "{path} is not JSON", path=str(self.path), hint="repair it, or move it away and log in again"
            ) from None
        if not isinstance(config, dict):
            raise Invalid("{path} is not a JSON object", path=str(self.path))
        return config

    def _write(self, config: Config) -> None:
        target = Path(os.path.realpath(self.path))  # a link stays a link: dotfiles often are
        text = json.dumps(config, indent="\t", ensure_ascii=False) + "\n"
        try:
            _replace(target, text.encode())
        except OSError as error:
            raise _disk(error, target) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = Path(os.path.realpath(self.path)).parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _disk(error, folder) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _replace(target: Path, data: bytes) -> None:
    import tempfile  # slow to import, and logging in is rare

    fd, name = tempfile.mkstemp(prefix=".config.", dir=target.parent)  # mode 0600 from the first moment
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            _keep_owner(target, file.fileno())
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _keep_owner(target: Path, fd: int) -> None:
    try:
        owner = os.stat(target)
        if os.geteuid() == 0:
            os.fchown(fd, owner.st_uid, owner.st_gid)
    except FileNotFoundError:
        pass


def _table(config: Config, name: str) -> Config:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _key(domain: str) -> str:
    return HUB_KEY if domain in _HUB_NAMES else domain


def _keys(domain: str, auths: Config) -> list[str]:
    """The keys that mean this registry: itself first, then as an address, as old clients wrote it."""
    own = _key(domain)
    names = _HUB_NAMES if domain in _HUB_NAMES else {domain}
    return [key for key in auths if key == own] + [key for key in auths if key != own and _host_of_key(key) in names]


def _host_of_key(key: str) -> str:
    for scheme in ("https://", "http://"):
        if key.startswith(scheme):
            return key.removeprefix(scheme).split("/")[0]
    host, _, rest = key.partition("/")
    return host if rest in ("", "v1", "v1/", "v2", "v2/") else ""


def _namespaces(domain: str, path: str) -> Iterator[str]:
    parts = path.split("/") if path else []
    for count in range(len(parts), 0, -1):
        yield "/".join((domain, *parts[:count]))


def _login_of(entry: object, key: str) -> Login | None:
    if not isinstance(entry, dict):
        raise Invalid("the login of {key} in config.json is not an object", key=key)
    username, secret = _word(entry, "username"), _word(entry, "password")
    if _word(entry, "auth"):
        username, secret = _decode(_word(entry, "auth"), key)
    token = _word(entry, "identitytoken")
    return Login(username, secret, token) if username or secret or token else None


def _decode(text: str, key: str) -> tuple[str, str]:
    try:
        pair = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        pair = ""
    username, colon, secret = pair.partition(":")
    if not colon:
        raise Invalid("the login of {key} in config.json cannot be read", key=key, hint="log in again") from None
    return username, secret.rstrip("\x00")


def _word(entry: Config, name: str) -> str:
    value = entry.get(name, "")
    return value if isinstance(value, str) else ""


def _from_helper(username: str, secret: str) -> Login:
    return Login(identity_token=secret) if username == "<token>" else Login(username, secret)


def _disk(error: OSError, path: Path) -> CapasError:
    import errno

    kind = Exhausted if error.errno in (errno.ENOSPC, errno.EDQUOT) else Denied
    return kind("cannot write {path}: {why}", path=str(path), why=_why(error))


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
