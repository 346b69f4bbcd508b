"""How an image was made: a SLSA v1 provenance in the words of BuildKit, the same for the same build.

What differs from one run of the same build to the next (an invocation's id, the times of its clock) is not in it: the
time that it finished is the image's own. No secret's value and no URL's password is.
Spec: https://slsa.dev/spec/v1.0/provenance; moby/buildkit, docs/attestations/slsa-definitions.md.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from capas.build.attestations.wish import Mode
from capas.build.ops.run import RunOp
from capas.build.request import BuildRequest
from capas.build.seats import bare
from capas.build.urls import without_credentials
from capas.build.vertex import Source, Vertex, iter_vertices
from capas.image.image import Image
from capas.layer.entry import Layer
from capas.release import capas_version

PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
_PRIVATE = ("build-arg:", "label:")  # what mode=min leaves out


class Material(NamedTuple):
    """Something that went into a build, by its address and digest ("sha256" or "sha1": hex digits)."""

    uri: str
    digest: Mapping[str, str]


class Recipe(NamedTuple):
    """What a build for one platform was made of. `source` is the context's material where it is no local directory."""

    request: BuildRequest
    dockerfile_name: str
    dockerfile: str
    source: Material | None
    materials: Sequence[Material]
    target: Vertex


def provenance(
    image: Image, recipe: Recipe, layers: Mapping[Vertex, Layer], *, mode: Mode, builder_id: str
) -> dict[str, Any]:
    """The predicate. `layers` are those that the steps made."""
    steps = [vertex for vertex in iter_vertices([recipe.target]) if not isinstance(vertex.op, Source)]
    ops = [bare(vertex.op) for vertex in steps]
    metadata: dict[str, Any] = {
        "finishedOn": image.config.created,
        "buildkit_hermetic": all(op.network == "none" for op in ops if isinstance(op, RunOp)),
        "buildkit_completeness": {"request": mode == "max", "resolvedDependencies": recipe.source is not None},
        "buildkit_reproducible": False,
    }
    internal: dict[str, Any] = {"builderPlatform": str(recipe.request.host_platform)}
    if mode == "max":
        internal["buildConfig"] = {"steps": [_step(vertex) for vertex in steps]}
        metadata["buildkit_metadata"] = {"source": _source(recipe), "layers": _layers(steps, layers)}
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": {
                "configSource": _config_source(recipe),
                "request": _request(recipe, mode),
            },
            "internalParameters": internal,
            "resolvedDependencies": [{"uri": one.uri, "digest": dict(one.digest)} for one in recipe.materials],
        },
        "runDetails": {"builder": {"id": builder_id or f"urn:capas:{capas_version()}"}, "metadata": metadata},
    }


def _config_source(recipe: Recipe) -> dict[str, Any]:
    found: dict[str, Any] = {"path": recipe.dockerfile_name}
    if recipe.source is not None:
        found |= {"uri": recipe.source.uri, "digest": dict(recipe.source.digest)}
    return found


def _request(recipe: Recipe, mode: Mode) -> dict[str, Any]:
    args = _args(recipe)
    if mode == "min":
        args = {key: value for key, value in args.items() if not key.startswith(_PRIVATE)}
    found: dict[str, Any] = {"frontend": "dockerfile.v0", "args": args}
    if recipe.source is None:
        found["locals"] = [{"name": "context"}, {"name": "dockerfile"}]
    if mode == "max":
        secrets, agents = recipe.request.secrets, recipe.request.ssh
        found |= {"secrets": [{"id": id} for id in sorted(secrets)]} if secrets else {}
        found |= {"ssh": [{"id": id} for id in sorted(agents)]} if agents else {}
    return found


def _args(recipe: Recipe) -> dict[str, str]:
    """What the build was told, under the names of BuildKit's frontend."""
    request = recipe.request
    said = {
        "filename": recipe.dockerfile_name,
        "target": request.target,
        "platform": str(request.platform or request.host_platform),
        "no-cache": "true" if request.no_cache else "",
        "force-network-mode": request.network if request.network != "default" else "",
        "add-hosts": ",".join(f"{name}={address}" for name, address in request.add_hosts),
    }
    given = {name: request.environ.get(name) if value is None else value for name, value in request.build_args.items()}
    said |= {f"build-arg:{name}": value for name, value in given.items() if value is not None}
    said |= {f"label:{name}": value for name, value in request.labels.items()}
    said |= {f"context:{name}": _place(value) for name, value in request.build_contexts.items()}
    said |= {f"context:{name}": "local:" for name in request.context_images}
    return {key: without_credentials(value) for key, value in sorted(said.items()) if value}


def _place(value: str) -> str:
    """A named context's address; of one on this machine only that it is."""
    return value if "://" in value and not value.startswith("oci-layout:") else "local:"


def _step(vertex: Vertex) -> dict[str, Any]:
    return {
        "id": str(vertex.digest),
        "instruction": without_credentials(vertex.op.title) if not isinstance(vertex.op, Source) else "",
        "line": vertex.note.line,
        "inputs": [str(below.digest) for below in vertex.inputs],
    }


def _source(recipe: Recipe) -> dict[str, Any]:
    data = base64.b64encode(without_credentials(recipe.dockerfile).encode()).decode()
    return {"infos": [{"filename": recipe.dockerfile_name, "language": "Dockerfile", "data": data}]}


def _layers(steps: Sequence[Vertex], layers: Mapping[Vertex, Layer]) -> dict[str, Any]:
    made = [(vertex, layers[vertex].descriptor) for vertex in steps if vertex in layers]
    return {
        str(vertex.digest): [{"mediaType": one.media_type, "digest": str(one.digest), "size": one.size}]
        for vertex, one in made
    }
