"""`--cache-from` and `--cache-to`: where a cache is read from and written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from capas.build.exporters.fields import Fields
from capas.build.exporters.output import Packing, parse_packing
from capas.errors import Invalid, Unsupported
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.store.contract import BlobSource

_ELSEWHERE = ("gha", "s3", "azblob")
DEFAULT_TAG = "latest"


class CachePlace(BlobSource, Protocol):
    """A directory that somebody else has: its blobs are read and written here, its index is kept there."""

    def write(self, blobs: Mapping[Digest, tuple[BlobSource, int]], top: Descriptor) -> None:
        """Write the blobs, by digest with their sizes; `top` is the manifest among them. Raises: Interrupted."""


class CacheSource(NamedTuple):
    """A cache to read: a registry's, or a directory's under a tag or digest; one at `place` is not of this machine."""

    type: Literal["registry", "local"]
    reference: Reference | None = None
    path: str = ""
    tag: str = DEFAULT_TAG
    digest: Digest | None = None
    place: CachePlace | None = None

    @property
    def name(self) -> str:
        """What it is called in words."""
        return self.reference.familiar if self.reference else self.path


class CacheTarget(NamedTuple):
    """A cache to write. `everything` (mode=max): the layers of every stage, not only those of the result.

    `as_index`: BuildKit's older form, an index of layers, which a few registries take and most do not.
    """

    type: Literal["inline", "registry", "local"]
    reference: Reference | None = None
    path: str = ""
    tag: str = DEFAULT_TAG
    everything: bool = False
    as_index: bool = False
    packing: Packing = Packing()
    ignore_error: bool = False
    place: CachePlace | None = None

    @property
    def name(self) -> str:
        """What it is called in words."""
        return self.reference.familiar if self.reference else self.path


def parse_cache_source(text: str) -> CacheSource:
    """What `--cache-from` says; a bare name is an image or a cache in a registry. Raises: Invalid; Unsupported."""
    if "=" not in text:
        return CacheSource("registry", Reference.parse(text).with_default_tag())
    fields = Fields("--cache-from", text)
    kind = fields.take("type", "registry")
    if kind == "registry":
        source = CacheSource("registry", Reference.parse(fields.need("ref")).with_default_tag())
    elif kind == "local":
        digest = fields.take("digest")
        source = CacheSource(
            "local", path=fields.need("src"), tag=fields.take("tag", DEFAULT_TAG),
            digest=Digest.parse(digest) if digest else None,
        )  # fmt: skip
    else:
        raise _unknown("--cache-from", kind, "registry or local; an inline cache is read by type=registry")
    fields.finish()
    return source


def parse_cache_target(text: str) -> CacheTarget:
    """What `--cache-to` says; a bare name is a registry's. Raises: Invalid; Unsupported."""
    if "=" not in text:
        text = f"type=registry,ref={text}"
    fields = Fields("--cache-to", text)
    kind = fields.take("type")
    if kind == "inline":
        target = CacheTarget("inline")
    elif kind == "registry":
        target = CacheTarget("registry", Reference.parse(fields.need("ref")).with_default_tag())
    elif kind == "local":
        target = CacheTarget("local", path=fields.need("dest"), tag=fields.take("tag", DEFAULT_TAG))
    else:
        raise _unknown("--cache-to", kind, "registry, local or inline")
    if kind != "inline":
        target = target._replace(
            everything=fields.take_choice("mode", "min", "max") == "max",
            as_index=not fields.take_bool("image-manifest", True),
            packing=parse_packing(fields),
            ignore_error=fields.take_bool("ignore-error", False),
        )
    fields.finish()
    return target


def check_cache_targets(targets: Sequence[CacheTarget], *, makes_image: bool) -> None:
    """Raises: Invalid for an inline cache of a build that makes no image."""
    if not makes_image and any(target.type == "inline" for target in targets):
        raise Invalid("an inline cache lies in an image, and none is made", hint="use type=registry or type=local")


def _unknown(flag: str, kind: str, hint: str) -> Unsupported:
    if kind in _ELSEWHERE:
        return Unsupported(
            "{flag} type={type}: Capas keeps no cache there", flag=flag, type=kind,
            hint="type=registry works wherever there is a registry",
        )  # fmt: skip
    return Unsupported("{flag}: there is no cache of type {type!r}", flag=flag, type=kind, hint=hint)
