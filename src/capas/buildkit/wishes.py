"""What a client asks of the Dockerfile frontend, as fields of a build request. What we do not have is refused by name.

Spec: moby/buildkit, docs/reference "Dockerfile frontend options"; buildx says everything in these attributes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from capas.build.attestations.wish import Attestations, parse_attestations
from capas.build.caching.flags import CacheSource, CacheTarget, parse_cache_source, parse_cache_target
from capas.buildkit.attributes import line_of
from capas.engine.container_env import read_hosts, read_ulimits
from capas.errors import Invalid, Unsupported
from capas.oci.platform import Platform

Attributes = Mapping[str, str]
LOCAL = "local:"
_NETWORKS: dict[str, Literal["default", "host", "none"]] = {
    "": "default", "default": "default", "sandbox": "default", "host": "host", "none": "none",
}  # fmt: skip
# read elsewhere, or words of the client about itself that change nothing here
_OTHERS = frozenset({
    "filename", "context", "contextkey", "dockerfilekey", "cache-imports", "cmdline", "source", "frontend.caps",
    "multi-platform",
})  # fmt: skip
_OTHER_FAMILIES = ("context:", "vcs:", "input-metadata:", "build-arg:", "label:", "attest:", "local-sessionid:")


def read_wishes(attributes: Attributes) -> dict[str, Any]:
    """Fields of a `BuildRequest`, but for its files and outputs. Raises: Invalid; Unsupported."""
    for name, value in attributes.items():
        if name not in _READERS and name not in _OTHERS and not name.startswith(_OTHER_FAMILIES):
            _refuse(name, value)
    wishes: dict[str, Any] = {
        "build_args": _family(attributes, "build-arg:"),
        "labels": _family(attributes, "label:"),
        "attestations": _attestations(_family(attributes, "attest:")),
        "cache_from": tuple(read_cache_imports(attributes)),
    }
    for name, reader in _READERS.items():
        if name in attributes:
            wishes.update(reader(attributes[name]))
    return wishes


def named_contexts(attributes: Attributes) -> dict[str, str]:
    """What stands for names in the Dockerfile: directories (`local:NAME`), inputs and layouts are the client's."""
    return _family(attributes, "context:")


def read_cache_imports(attributes: Attributes) -> Iterable[CacheSource]:
    """The caches to read. Raises: Invalid; Unsupported."""
    try:
        entries = json.loads(attributes.get("cache-imports") or "[]")
        pairs = [(str(entry["Type"]), dict(entry["Attrs"] or {})) for entry in entries]
    except (ValueError, TypeError, KeyError):
        raise Invalid("cache-imports is no JSON list of types and attributes") from None
    return [parse_cache_source(line_of(kind, given)) for kind, given in pairs]


def read_cache_exports(entries: Iterable[tuple[str, Attributes]]) -> tuple[CacheTarget, ...]:
    """The caches to write. Raises: Invalid; Unsupported."""
    return tuple(parse_cache_target(line_of(kind, given)) for kind, given in entries)


def holders_of(attributes: Attributes) -> dict[str, str]:
    """The sessions that have directories for several builds at once (a bake), by the directory's name."""
    return _family(attributes, "local-sessionid:")


def only_inline(attributes: Attributes) -> bool:
    """Whether attestations are wanted beside images alone: buildx asks for them so when its user did not."""
    given = _family(attributes, "attest:").values()
    return all("inline-only=true" in value.split(",") for value in given)


def _family(attributes: Attributes, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in attributes.items() if name.startswith(prefix)}


def _attestations(given: Attributes) -> Attestations:
    return parse_attestations(
        value if value.startswith("type=") else ",".join(filter(None, (f"type={kind}", value)))
        for kind, value in given.items()
    )


def _platforms(text: str) -> dict[str, Any]:
    found = tuple(dict.fromkeys(Platform.parse(part) for part in text.split(",") if part.strip()))
    return {"platform": found[0] if found else None, "platforms": found if len(found) > 1 else ()}


def _no_cache(text: str) -> dict[str, Any]:
    names = tuple(name for name in text.split(",") if name)
    return {"no_cache_filter": names} if names else {"no_cache": True}


def _network(text: str) -> dict[str, Any]:
    if text not in _NETWORKS:
        raise Unsupported("there is no network {network!r} for builds", network=text[:100])
    return {"network": _NETWORKS[text]}


def _hosts(text: str) -> dict[str, Any]:
    return {"add_hosts": read_hosts(part for part in text.split(",") if part)}


def _whole(text: str) -> dict[str, Any]:
    if not (text.isascii() and text.isdigit()):
        raise Invalid("shm-size is a number of bytes, not {value!r}", value=text[:100])
    return {"shm_size": int(text)}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "target": lambda text: {"target": text},
    "platform": _platforms,
    "no-cache": _no_cache,
    "image-resolve-mode": lambda text: {"pull": text == "pull"},
    "force-network-mode": _network,
    "add-hosts": _hosts,
    "shm-size": _whole,
    "ulimit": lambda text: {"ulimits": read_ulimits([part for part in text.split(",") if part])},
    "cgroup-parent": lambda text: {"cgroup_parent": text},
}


def _refuse(name: str, value: str) -> None:
    if name == "requestid":
        raise Unsupported(
            "Capas does not answer the request {request}", request=value[:100],
            hint="capas build --check and capas lint check a Dockerfile",
        )  # fmt: skip
    if value:
        raise Unsupported("the build option {name} is not supported by Capas", name=name[:100])
