"""What a hub's keeper writes in its `hub.toml`: one table a room, each defined beside what it is for.

    [server]
    host = "0.0.0.0"
    [database]
    url = "postgresql://capas@db.example/capas"
    password_file = "/run/secrets/database"     # the same as `password`, kept elsewhere
    [storage]
    url = "s3://images/hub"
    options = { endpoint = "${S3_ENDPOINT}" }   # a variable of the environment

Any text may name variables of the environment, and any `KEY_file` stands for a file that holds the value of KEY.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from capas.errors import Invalid
from capas.hub.copying.upstream import Upstream
from capas.hub.keeping.schedule import RetentionConfig
from capas.hub.outside import OutsideConfig
from capas.hub.people.doors import LoginConfig
from capas.hub.people.oidc import OidcConfig
from capas.hub.records.place import DatabaseConfig
from capas.hub.seal import SecretsConfig
from capas.hub.storage.place import StorageConfig
from capas.hub.watch.place import CollectConfig, WatchConfig

_VARIABLE = re.compile(r"\$\{(\w+)\}", re.ASCII)


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the hub listens, with how many processes, and how clients reach it (`people.origin`)."""

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    delete: bool = True
    public_url: str = ""
    proxies: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    storage: StorageConfig = StorageConfig()
    outside: OutsideConfig = OutsideConfig()
    secrets: SecretsConfig = SecretsConfig()
    retention: RetentionConfig = RetentionConfig()
    upstreams: tuple[Upstream, ...] = ()
    login: LoginConfig = LoginConfig()
    oidc: dict[str, OidcConfig] = {}
    watch: WatchConfig = WatchConfig()
    collect: CollectConfig = CollectConfig()


def read_config(root: Path, file: Path | None, environ: Mapping[str, str]) -> Config:
    """The keeper's choices: those of `file`, or of `hub.toml` in the hub's root if there is one.

    Raises: Invalid for a file that cannot be read, says what no hub knows, or names a variable that is not set.
    """
    path = file or root / "hub.toml"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if file is None:
            return Config()
        raise Invalid("there is no file {path}", path=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("cannot read {path}: {error}", path=str(path), error=str(error)) from None
    try:
        return msgspec.convert(_fill(tomllib.loads(text), environ), Config)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("{path} is not TOML: {error}", path=str(path), error=str(error)) from None
    except msgspec.ValidationError as error:
        raise Invalid("{path} cannot be used: {why}", path=str(path), why=str(error)) from None


def _fill(value: object, environ: Mapping[str, str]) -> object:
    """The value with what its texts and its `KEY_file`s stand for."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match[1], environ), value)
    if isinstance(value, list):
        return [_fill(one, environ) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _fill(one, environ) for key, one in value.items()}
    files = [key for key, one in filled.items() if key.endswith("_file") and isinstance(one, str)]
    for key in files:
        filled[key.removesuffix("_file")] = _secret(key, str(filled.pop(key)))
    return filled


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise Invalid("the hub's configuration names {name}, which is not set in the environment", name=name)
    return environ[name]


def _secret(key: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("cannot read {path}, named by {key}: {error}", path=path, key=key, error=str(error)) from None
