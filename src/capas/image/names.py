"""The names that an index inside an archive or layout gives its images."""

from __future__ import annotations

from capas.errors import CapasError
from capas.oci.descriptor import Descriptor
from capas.reference import Reference

CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"


def names_of(descriptor: Descriptor) -> list[Reference]:
    """The whole names in an entry's annotations; a tag alone names nothing: it does not say of which repository."""
    for key in (CONTAINERD_NAME, REF_NAME):
        text = descriptor.annotations.get(key, "")
        if key == REF_NAME and not ("/" in text or ":" in text):
            continue
        try:
            reference = Reference.parse(text)
        except CapasError:
            continue
        return [reference.with_default_tag()] if reference.digest is None else []
    return []


def annotations_of(reference: Reference, *, full: bool) -> dict[str, str]:
    """How a name is written on an entry of an index; `full` also where docker writes the tag alone, for podman."""
    return {CONTAINERD_NAME: str(reference), REF_NAME: str(reference) if full else reference.tag or ""}
