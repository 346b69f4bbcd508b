"""Targets of bake files as builds: each field of a target is a field of a request.

Spec: docs.docker.com, "Bake file reference", "target".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from capas.bake.fields import Fields, format_attributes
from capas.bake.resolution import Resolved
from capas.build.agents import parse_ssh
from capas.build.attestations.wish import Attestations, parse_attestations
from capas.build.caching.flags import CacheTarget, check_cache_targets, parse_cache_source, parse_cache_target
from capas.build.exporters.choice import choose_outputs
from capas.build.exporters.output import Output, parse_output
from capas.build.request import BuildRequest
from capas.build.secrets import parse_secret
from capas.build.urls import is_git_context, is_http
from capas.engine.building import Wish
from capas.engine.container_env import read_ulimits
from capas.errors import CapasError, Denied, Unsupported
from capas.oci.platform import Platform
from capas.run.limits import parse_size

_HERE = "cwd://"
_TARGET = "target:"
_CONTEXT_ONLY = {"type": "cacheonly"}


def wishes_of(
    resolved: Resolved, *, allow: Collection[str] = (), attestations: Attestations | None = None, stdout: Any = None
) -> dict[str, Wish]:
    """A build for every target, in an order in which each comes after those it needs.

    `allow` is what targets may ask for (`entitlements`), `attestations` what the command line says of them.
    Raises: Invalid, naming the target; Unsupported for a field that is not there yet; Denied.
    """
    found: dict[str, Wish] = {}
    for name, fields in resolved.targets.items():
        try:
            request = _request(name, fields, frozenset(allow))
            if attestations is not None:
                request = request._replace(attestations=attestations)
            found[name] = Wish(request._replace(stdout=stdout), _texts(fields, "tags"))
        except CapasError as error:
            raise type(error)("target {target}: {problem}", hint="{advice}", target=name, **error.as_facts()) from None
    return found


def _request(name: str, fields: Fields, allow: frozenset[str]) -> BuildRequest:
    if fields.get("call") not in (None, "", "build"):
        raise Unsupported(
            "call={method} is not made by a build", method=fields["call"], hint="`capas bake --check` checks"
        )
    asked = frozenset(_texts(fields, "entitlements"))
    if asked - allow:
        raise Denied(
            "it asks for {rights}, which is not granted", rights=", ".join(sorted(asked - allow)),
            hint="grant it with --allow",
        )  # fmt: skip
    context = str(fields["context"]).removeprefix(_HERE) or "."
    platforms = tuple(dict.fromkeys(map(Platform.parse, _texts(fields, "platforms"))))
    outputs = _outputs(fields)
    inline = fields.get("dockerfile-inline")
    return BuildRequest(
        context=context,
        label=name,
        file=None if inline else _dockerfile(context, str(fields["dockerfile"])),
        dockerfile_text=str(inline) if inline else None,
        build_contexts={key: value if _is_address(value) else _here(value) for key, value in _map(fields, "contexts")},
        build_args=dict(_map(fields, "args")),
        target=str(fields.get("target") or ""),
        labels=dict(_map(fields, "labels")),
        platform=platforms[0] if platforms else None,
        platforms=platforms if len(platforms) > 1 else (),
        outputs=outputs,
        cache_from=tuple(parse_cache_source(format_attributes(one)) for one in _list(fields, "cache-from")),
        cache_to=_cache_targets(fields, outputs),
        no_cache=bool(fields.get("no-cache")),
        no_cache_filter=_texts(fields, "no-cache-filter"),
        pull=bool(fields.get("pull")),
        network=_network(fields),
        add_hosts=tuple(_map(fields, "extra-hosts")),
        allow=asked,
        secrets=dict(parse_secret(format_attributes(one)) for one in _list(fields, "secret")),
        ssh=dict(map(_agent, _list(fields, "ssh"))),
        shm_size=parse_size(str(fields["shm-size"])) if fields.get("shm-size") else 0,
        ulimits=read_ulimits(_texts(fields, "ulimits")),
        attestations=parse_attestations(format_attributes(one) for one in _list(fields, "attest")),
    )


def _dockerfile(context: str, name: str) -> str:
    """It is looked for in the context, unless it says where it is."""
    if name.startswith(_HERE):
        return name.removeprefix(_HERE)
    if is_git_context(context) or is_http(context) or context == "-":
        return name
    return str(Path(context) / name)


def _is_address(value: str) -> bool:
    return value.startswith((_TARGET, "docker-image://", "oci-layout://"))


def _here(value: str) -> str:
    return value.removeprefix(_HERE) or "."


def _outputs(fields: Fields) -> tuple[Output, ...]:
    said = [one for one in _list(fields, "output") if one != _CONTEXT_ONLY]
    texts = [format_attributes(one) for one in said]
    for text in texts:
        parse_output(text)  # what is wrong is said of the output alone
    return choose_outputs(texts, annotations=_texts(fields, "annotations"))


def _cache_targets(fields: Fields, outputs: tuple[Output, ...]) -> tuple[CacheTarget, ...]:
    targets = tuple(parse_cache_target(format_attributes(one)) for one in _list(fields, "cache-to"))
    check_cache_targets(targets, makes_image=any(output.is_image for output in outputs))
    return targets


def _network(fields: Fields) -> Any:
    network = str(fields.get("network") or "default")
    if network not in ("default", "host", "none"):
        raise Unsupported("there is no network {name!r} for a build", name=network, hint="default, host or none")
    return network


def _agent(one: Any) -> tuple[str, tuple[str, ...]]:
    paths = ",".join(one.get("paths", ()))
    return parse_ssh(f"{one['id']}={paths}" if paths else str(one["id"]))


def _map(fields: Fields, name: str) -> Iterator[tuple[str, str]]:
    found = fields.get(name)
    return ((key, str(value)) for key, value in (found.items() if isinstance(found, Mapping) else ()))


def _list(fields: Fields, name: str) -> list[Any]:
    found = fields.get(name)
    return list(found) if isinstance(found, list) else []


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(map(str, _list(fields, name)))
