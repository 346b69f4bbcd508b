"""Settings: the only reader of the environment and of Capas' own config file.

`config.toml` is read from $CAPAS_CONFIG, or from /etc/capas (root) or $XDG_CONFIG_HOME/capas (others):

    root = "/var/lib/capas"           # where images live                          CAPAS_ROOT
    snapshotter = "overlay"           # or "copy"; chosen by itself when not set   CAPAS_SNAPSHOTTER
    runtime = "crun"                  # or "runc", or a path                       CAPAS_RUNTIME
    init = "/usr/bin/tini-static"     # what --init puts before the command        CAPAS_INIT
    max_downloads = 4                 # layers fetched at once
    store.keep = "both"               # of a layer; or "layer", "compressed"       CAPAS_STORE_KEEP
    progress = "plain"                # auto, tty, plain, rawjson or quiet         CAPAS_PROGRESS
    build_ca_bundle = "/etc/ssl/certs/ca-certificates.crt"  # shown to RUN         CAPAS_BUILD_CA_BUNDLE
    network.subnet = "10.86.0.0/16"   # of the default network
    network.pools = [{base = "10.87.0.0/16", size = 24}]  # where the subnets of others come from
    [registries."docker.io"]
    mirrors = ["http://localhost:5000"]   # tried first, in this order             CAPAS_MIRRORS="docker.io=http://…"
    insecure = false                  # plain http allowed                         CAPAS_INSECURE_REGISTRIES="host:port"
    ca_bundle = "/etc/ssl/corp.pem"   # trusted besides the system's
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from capas.errors import Invalid

KEEPS = ("both", "layer", "compressed")


class RegistrySettings(NamedTuple):
    """What the user says of one registry."""

    mirrors: tuple[str, ...] = ()
    insecure: bool = False
    ca_bundle: Path | None = None


class NetworkSettings(NamedTuple):
    """Where addresses of containers come from, "" and () for what Capas chooses. A pool is (base, length of prefix)."""

    subnet: str = ""
    pools: tuple[tuple[str, int], ...] = ()


class Settings(NamedTuple):
    """Everything that comes from outside, read once and handed down."""

    root: Path
    run_root: Path
    docker_config: Path
    environ: Mapping[str, str]
    registries: Mapping[str, RegistrySettings] = {}
    snapshotter: str | None = None
    runtime: str | None = None
    init: str | None = None
    max_downloads: int = 4
    keep: str = "both"
    build_ca_bundle: Path | None = None
    source_date_epoch: int | None = None
    language: str = "en"
    progress: str = "auto"
    network: NetworkSettings = NetworkSettings()

    def registry(self, domain: str) -> RegistrySettings:
        """What is said of this registry, or the defaults."""
        return self.registries.get(domain, RegistrySettings())

    @property
    def proxies(self) -> dict[str, str]:
        """The proxy variables of the environment, by lower-case name."""
        found: dict[str, str] = {}
        for name in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"):
            value = self.environ.get(name) or self.environ.get(name.upper())
            if value:
                found[name] = value
        return found


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. `environ` stands in for os.environ in tests.

    Raises: Invalid for a config file or a variable that cannot be read.
    """
    env = dict(os.environ if environ is None else environ)
    file = _read_config(_config_path(env))
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    root = env.get("CAPAS_ROOT") or _text(file, "root")
    return Settings(
        root=Path(root) if root else _data_home(env, home),
        run_root=Path(env["CAPAS_RUN_ROOT"]) if env.get("CAPAS_RUN_ROOT") else _run_home(env, home),
        docker_config=Path(env.get("DOCKER_CONFIG") or home / ".docker") / "config.json",
        environ=env,
        registries=_registries(file, env),
        snapshotter=env.get("CAPAS_SNAPSHOTTER") or _text(file, "snapshotter"),
        runtime=env.get("CAPAS_RUNTIME") or _text(file, "runtime"),
        init=env.get("CAPAS_INIT") or _text(file, "init"),
        max_downloads=_whole(file.get("max_downloads", 4), "max_downloads"),
        build_ca_bundle=_path(env.get("CAPAS_BUILD_CA_BUNDLE") or _text(file, "build_ca_bundle")),
        source_date_epoch=parse_epoch(env.get("SOURCE_DATE_EPOCH")),
        keep=_keep(file, env),
        language=_language(env),
        progress=env.get("CAPAS_PROGRESS") or _text(file, "progress") or "auto",
        network=_network(file.get("network", {})),
    )


def _keep(file: Mapping[str, object], env: Mapping[str, str]) -> str:
    """What is kept of a layer where either form can give the other again."""
    table = file.get("store", {})
    wanted = env.get("CAPAS_STORE_KEEP") or (_text(table, "keep") if isinstance(table, dict) else None) or "both"
    if wanted not in KEEPS:
        raise Invalid("store.keep cannot be {keep!r}", keep=wanted, hint="one of: " + ", ".join(KEEPS))
    return wanted


@contextmanager
def in_time_zone(name: str) -> Iterator[None]:
    """This process is in another time zone (POSIX: "CET-1") for a block."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def _config_path(env: Mapping[str, str]) -> Path:
    if env.get("CAPAS_CONFIG"):
        return Path(env["CAPAS_CONFIG"])
    if os.geteuid() == 0:
        return Path("/etc/capas/config.toml")
    return Path(env.get("XDG_CONFIG_HOME") or Path(env.get("HOME", "/")) / ".config") / "capas" / "config.toml"


def _data_home(env: Mapping[str, str], home: Path) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/capas")
    return Path(env.get("XDG_DATA_HOME") or home / ".local" / "share") / "capas"


def _run_home(env: Mapping[str, str], home: Path) -> Path:
    if os.geteuid() == 0:
        return Path("/run/capas")
    return Path(env.get("XDG_RUNTIME_DIR") or home / ".cache") / "capas"


def _read_config(path: Path) -> dict[str, object]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Invalid("cannot read {path}: {error}", path=str(path), error=error.strerror) from None
    import tomllib  # only where there is a file to read

    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise Invalid("{path} is not TOML: {error}", path=str(path), error=str(error)) from None


def _registries(file: Mapping[str, object], env: Mapping[str, str]) -> dict[str, RegistrySettings]:
    found: dict[str, RegistrySettings] = {}
    tables = file.get("registries", {})
    if not isinstance(tables, dict):
        raise Invalid('registries in config.toml must be tables: [registries."docker.io"]')
    for domain, table in tables.items():
        if not isinstance(table, dict):
            raise Invalid('registries in config.toml must be tables: [registries."{domain}"]', domain=domain)
        mirrors = table.get("mirrors", [])
        if not isinstance(mirrors, list):
            raise Invalid("mirrors of {domain} must be a list of addresses", domain=domain)
        found[domain] = RegistrySettings(
            tuple(map(str, mirrors)), table.get("insecure") is True, _path(_text(table, "ca_bundle"))
        )
    for item in filter(None, env.get("CAPAS_MIRRORS", "").split(",")):
        domain, equals, address = item.strip().partition("=")
        if not equals:
            raise Invalid("CAPAS_MIRRORS: {item!r} is not registry=address", item=item)
        known = found.get(domain, RegistrySettings())
        found[domain] = known._replace(mirrors=(*known.mirrors, address))
    for domain in filter(None, env.get("CAPAS_INSECURE_REGISTRIES", "").split(",")):
        found[domain.strip()] = found.get(domain.strip(), RegistrySettings())._replace(insecure=True)
    return found


def _network(table: object) -> NetworkSettings:
    if not isinstance(table, dict):
        raise Invalid("network in config.toml must be a table: [network]")
    subnet, pools = table.get("subnet", ""), table.get("pools", [])
    try:
        found = tuple((str(pool["base"]), int(pool["size"])) for pool in pools)
        for base, size in ((subnet, 30), *found) if subnet else found:
            _check_pool(base, size)
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("network in config.toml: {why}", why=str(error),
                      hint='network.pools = [{{base = "10.87.0.0/16", size = 24}}]') from None  # fmt: skip
    return NetworkSettings(subnet, found)


def _check_pool(base: str, size: int) -> None:
    """Raises: ValueError."""
    import ipaddress  # only where a network is given

    if not ipaddress.IPv4Network(base).prefixlen <= size <= 30:
        raise ValueError(f"{base} has no subnets of /{size}")


def _language(env: Mapping[str, str]) -> str:
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "es" if locale.lower().startswith("es") else "en"


def _text(table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise Invalid("{key} in config.toml must be text", key=key)
    return value


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _whole(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Invalid("{key} in config.toml must be a whole number above 0", key=key)
    return value


def parse_epoch(text: str | None) -> int | None:
    """SOURCE_DATE_EPOCH: seconds since 1970, None for no text. Raises: Invalid."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Invalid("SOURCE_DATE_EPOCH={text!r} is not seconds since 1970", text=text[:40])
    return int(text)
