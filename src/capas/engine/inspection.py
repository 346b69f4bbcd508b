"""What `image inspect` and `image history` say, in docker's fields."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from capas.image.image import Image
from capas.image.index import ImageIndex
from capas.oci.config import Execution
from capas.oci.descriptor import encode_digest
from capas.oci.digest import DiffID, ImageID
from capas.reference import Reference
from capas.store.records import ImageRecord, Records

Document = dict[str, object]
_ALWAYS = ("User", "Env", "Cmd", "Volumes", "WorkingDir", "Entrypoint", "OnBuild", "Labels")
_TEXT = ("User", "WorkingDir")


class HistoryStep(NamedTuple):
    """One step, as docker's history shows it. `image_id` is known for the newest only; `size` is 0 without a layer."""

    image_id: ImageID | None
    created: str
    created_by: str
    size: int
    comment: str
    diff_id: DiffID | None


def inspect_image(
    records: Records, record: ImageRecord, image: Image, *, driver: str, top: Image | ImageIndex
) -> Document:
    """The image as `docker image inspect` prints it. `top` is what the name points at: its descriptor is told."""
    config = image.config
    names = [row.reference.familiar for row in records.list_names(record.image_id)]
    digests = [
        f"{Reference.parse(name).familiar_name}@{digest}" for name, digest, _ in records.list_digests(record.image_id)
    ]
    document: Document = {
        "Id": str(record.image_id),
        "RepoTags": names,
        "RepoDigests": digests,
        "Parent": str(record.parent or ""),
        "Comment": config.comment or _last_comment(image),
        "Created": config.created,
        "DockerVersion": config.docker_version,
        "Author": config.author,
        "Config": execution_document(config.execution),
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": record.size,
        "GraphDriver": {"Data": None, "Name": driver},
        "RootFS": {"Type": "layers", "Layers": [str(layer.diff_id) for layer in image.layers]},
        "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
        "Descriptor": msgspec.to_builtins(top.descriptor, enc_hook=encode_digest),
    }
    if isinstance(top, ImageIndex):
        document["Platforms"] = [str(platform) for platform in top.platforms]
    if config.variant:
        document["Variant"] = config.variant
    if config.os_version:
        document["OsVersion"] = config.os_version
    return document


def execution_document(execution: Execution) -> Document:
    """The `Config` member: docker's usual fields always, the rest where they say something."""
    found = msgspec.to_builtins(execution, enc_hook=encode_digest)
    usual: Document = {key: found.get(key, "" if key in _TEXT else None) for key in _ALWAYS}
    return {**usual, **found}


def list_history(records: Records, image: Image) -> list[HistoryStep]:
    """Every step, newest first. Layers that no step tells of come last, as docker's `<missing>` do."""
    layers = list(image.layers)
    steps: list[HistoryStep] = []
    for step in image.config.steps:
        diff_id = None if step.empty_layer or not layers else layers.pop(0).diff_id
        created = step.created or image.config.created or ""
        steps.append(HistoryStep(None, created, step.created_by, _size(records, diff_id), step.comment, diff_id))
    steps += [HistoryStep(None, "", "", _size(records, layer.diff_id), "", layer.diff_id) for layer in layers]
    steps.reverse()
    if steps:
        steps[0] = steps[0]._replace(image_id=image.id)
    return steps


def _last_comment(image: Image) -> str:
    return image.history[-1].comment if image.history else ""


def _size(records: Records, diff_id: DiffID | None) -> int:
    known = records.find_layer(diff_id) if diff_id else None
    return known.uncompressed_size if known else 0
