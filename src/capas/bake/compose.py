"""The `build:` sections of compose files as targets.

Spec: compose-spec, "Compose Build Specification"; docs.docker.com, "Building with Bake from a Compose file".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from capas.bake.definition import Definition, Target
from capas.bake.fields import FIELDS, Fields, append, merge
from capas.bake.hcl.syntax import Value
from capas.bake.hcl.values import to_text
from capas.bake.interpolation import interpolate
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source
from capas.errors import CapasError, Invalid, Unsupported

_RENAMED = {
    "additional_contexts": "contexts", "cache_from": "cache-from", "cache_to": "cache-to", "context": "context",
    "dockerfile": "dockerfile", "dockerfile_inline": "dockerfile-inline", "entitlements": "entitlements",
    "extra_hosts": "extra-hosts", "labels": "labels", "network": "network", "no_cache": "no-cache",
    "platforms": "platforms", "pull": "pull", "shm_size": "shm-size", "tags": "tags", "target": "target",
    "args": "args",
}  # fmt: skip
_MAPS = {"args": "=", "labels": "=", "extra-hosts": ":=", "contexts": "="}


def parse_compose(text: str, name: str, environ: Mapping[str, str]) -> Definition:
    """The targets of a compose file, and the group "default" of them. `environ` fills its variables in.

    Raises: Invalid, with the line where it is not YAML; Unsupported without PyYAML.
    """
    services = _mapping(_load(text, name).get("services"), f"{name}: services")
    secrets = _mapping(_load(text, name).get("secrets"), f"{name}: secrets")
    targets: dict[str, Target] = {}
    for service, said in services.items():
        where = f"{name}: services.{service}"
        document = _mapping(_fill(said, environ, where), where)
        if document.get("build") is not None:
            try:
                targets[re.sub(r"[^a-zA-Z0-9_-]", "_", service)] = Target(_target(document, secrets, environ))
            except CapasError as error:
                raise type(error)("{where}: {problem}", where=where, problem=str(error)) from None
    return Definition(targets, {"default": tuple(targets)} if targets else {})


def _load(text: str, name: str) -> Mapping[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError:
        raise Unsupported("compose files need PyYAML", hint="pip install 'capas[bake]'") from None
    try:
        return _mapping(yaml.safe_load(text), name)
    except yaml.MarkedYAMLError as error:
        source, mark = Source(name, tuple(text.splitlines())), error.problem_mark
        place = Position.at(mark.line + 1, mark.column + 1) if mark else Position.at(1, 1)
        raise source.fault("this is not YAML", place, error.problem or "") from None
    except (yaml.YAMLError, RecursionError):
        raise Invalid("{file} is not YAML", file=name) from None


def _target(service: Mapping[str, Any], secrets: Mapping[str, Any], environ: Mapping[str, str]) -> Fields:
    build = service["build"]
    build = {"context": build} if isinstance(build, str) else _mapping(build, "build")
    said: dict[str, Any] = {_RENAMED[key]: value for key, value in build.items() if key in _RENAMED}
    said = {key: value for key, value in said.items() if value is not None}
    for key, separators in _MAPS.items():
        if key in said:
            said[key] = _pairs(said[key], separators, environ)
    if service.get("image"):
        said.setdefault("tags", [str(service["image"])])
    if said.get("network") == "host":
        said["entitlements"] = [*_list(said.get("entitlements", []), "entitlements"), "network.host"]
    if service.get("platform") and "platforms" not in said:
        said["platforms"] = [service["platform"]]
    if build.get("secrets"):
        said["secret"] = [_secret(one, secrets) for one in _list(build["secrets"], "secrets")]
    if build.get("ssh"):
        said["ssh"] = _agents(build["ssh"])
    if build.get("ulimits"):
        said["ulimits"] = [_ulimit(key, value) for key, value in _mapping(build["ulimits"], "ulimits").items()]
    return _extended(_read(said), _read(_mapping(build.get("x-bake"), "x-bake")))


def _extended(fields: Fields, extension: Fields) -> Fields:
    """`x-bake` adds to lists, and has the last word on the rest."""
    found = merge(fields, extension)
    for key, value in extension.items():
        earlier = fields.get(key)
        if isinstance(value, list) and isinstance(earlier, list):
            found[key] = append(earlier, value)
    return found


def _read(said: Mapping[str, Any]) -> Fields:
    found: Fields = {}
    for key, value in said.items():
        if key not in FIELDS:
            raise Invalid("there is no field {field!r}", field=key)
        many = FIELDS[key].read is FIELDS["tags"].read or key in ("cache-from", "cache-to", "output", "secret", "ssh")
        listed = [value] if many and not isinstance(value, list) else value
        found[key] = FIELDS[key].read(_plain(listed))
    return found


def _plain(value: Any) -> Value:
    """YAML's own kinds (dates and the like) are text here."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _pairs(value: Any, separators: str, environ: Mapping[str, str]) -> dict[str, str | None]:
    """A map, or a list of `name=value`; a name alone takes its value from outside."""
    if isinstance(value, dict):
        return {str(key): environ.get(str(key)) if item is None else to_text(item) for key, item in value.items()}
    found: dict[str, str | None] = {}
    for item in value if isinstance(value, list) else []:
        text = to_text(item)
        at = min((text.find(one) for one in separators if one in text), default=-1)
        found[text if at < 0 else text[:at]] = environ.get(text) if at < 0 else text[at + 1 :]
    return found


def _agents(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [f"{key}={path}" if path else str(key) for key, path in value.items()]
    return _list(value, "ssh")


def _secret(one: Any, secrets: Mapping[str, Any]) -> dict[str, str]:
    said = {"source": one} if isinstance(one, str) else _mapping(one, "secrets")
    source = str(said.get("source", ""))
    known = _mapping(secrets.get(source), "secrets")
    found = {"id": source}
    if known.get("file"):
        found["src"] = posixpath.normpath(str(known["file"]))
    elif known.get("environment"):
        found["env"] = str(known["environment"])
    return found


def _ulimit(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{name}={value.get('soft')}:{value.get('hard')}"
    return f"{name}={value}"


def _fill(value: Any, environ: Mapping[str, str], where: str) -> Any:
    """Variables in every text beneath."""
    if isinstance(value, list):
        return [_fill(item, environ, where) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, environ, where) for key, item in value.items()}
    return interpolate(value, environ, where) if isinstance(value, str) else value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid("{where} is not a list", where=where)
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid("{where} is not a map", where=where)
    return value
