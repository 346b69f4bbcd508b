"""`--output`: what is to come out of a build, and where it goes."""

from __future__ import annotations

from typing import BinaryIO, Literal, NamedTuple, cast

from capas.build.exporters.annotations import Annotation, attribute_annotation
from capas.build.exporters.fields import Fields
from capas.errors import Invalid, Unsupported
from capas.layer.compression import Kind
from capas.reference import Reference

OutputType = Literal["image", "local", "tar", "oci", "docker"]
_COMPRESSIONS: dict[str, Kind | None] = {"": None, "gzip": "gzip", "zstd": "zstd", "uncompressed": "none"}
_GZIP_MOST = 3
_FLAG = "--output"


class Packing(NamedTuple):
    """How layers are packed, and which family of media types names them. `kind` None: as they are.

    Only the layers of this build are packed anew, with `force` those of the base too.
    """

    kind: Kind | None = None
    level: int | None = None
    force: bool = False
    docker_types: bool = False


class Output(NamedTuple):
    """One output. `dest` is a path, or "-" for `stream` or else standard output; `names` are what the image is called.

    `store` and `push` are of an image only: keep it here, send it to the registries of its names.
    """

    type: OutputType = "image"
    dest: str = ""
    names: tuple[Reference, ...] = ()
    store: bool = True
    push: bool = False
    push_by_digest: bool = False
    as_tar: bool = True  # of an archive: False for a directory
    split: bool | None = None  # of files: a directory for each platform; None where there are several
    packing: Packing = Packing()
    annotations: tuple[Annotation, ...] = ()
    stream: BinaryIO | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is an image in some form, not bare files."""
        return self.type in ("image", "oci", "docker")

    @property
    def to_stdout(self) -> bool:
        """Whether standard output is taken."""
        return self.dest == "-" and self.stream is None


def parse_output(text: str) -> Output:
    """An output as BuildKit writes it; a bare path is a local directory, "-" a tar to standard output.

    Raises: Invalid; Unsupported for an exporter or a compression that Capas has not.
    """
    if text == "-":
        return Output("tar", "-")
    if "=" not in text and text:
        return Output("local", text)
    fields = Fields(_FLAG, text)
    kind = fields.take("type")
    if kind in ("image", "registry"):
        output = _image(fields, registry=kind == "registry")
    elif kind in ("oci", "docker"):
        output = _archive(fields, cast(OutputType, kind))
    elif kind in ("local", "tar"):
        output = _files(fields, cast(OutputType, kind))
    elif kind:
        raise Unsupported(
            "there is no output of type {type}", type=kind, hint="image, registry, local, tar, oci or docker"
        )
    else:
        raise Invalid("--output {text} has no type", text=text, hint="like type=local,dest=out")
    fields.finish()
    return output


def _image(fields: Fields, *, registry: bool) -> Output:
    output = Output(
        names=_names(fields),
        store=fields.take_bool("store", not registry),
        push=fields.take_bool("push", registry),
        push_by_digest=fields.take_bool("push-by-digest", False),
        packing=_packing(fields),
        annotations=_annotations(fields),
    )
    fields.take_bool("unpack", False)  # Capas unpacks an image when it is first run
    if output.push_by_digest and not output.push:
        return output._replace(push=True)
    return output


def _archive(fields: Fields, kind: OutputType) -> Output:
    as_tar = fields.take_bool("tar", True)
    dest = fields.take("dest") or ("-" if kind == "oci" and as_tar else "")
    if not as_tar and dest in ("", "-"):
        raise Invalid("--output type={type},tar=false needs dest=: a directory", type=kind)
    output = Output(
        kind, dest, _names(fields), as_tar=as_tar, packing=_packing(fields),
        annotations=_annotations(fields),
    )  # fmt: skip
    # without a place, docker's own store is meant: here that is the store of Capas
    return output if dest else output._replace(type="image")


def _files(fields: Fields, kind: OutputType) -> Output:
    dest = fields.take("dest") or ("-" if kind == "tar" else "")
    if kind == "local" and dest in ("", "-"):
        raise Invalid("--output type=local needs dest=: a directory")
    split = fields.take("platform-split")
    if split not in ("", "true", "false"):
        raise Invalid("--output: platform-split is true or false, not {value!r}", value=split)
    return Output(kind, dest, split=None if not split else split == "true")


def _names(fields: Fields) -> tuple[Reference, ...]:
    return tuple(Reference.parse(text.strip()).with_default_tag() for text in fields.take("name").split(",") if text)


def _annotations(fields: Fields) -> tuple[Annotation, ...]:
    return tuple(attribute_annotation(key, value) for key, value in fields.take_prefixed("annotation"))


def _packing(fields: Fields) -> Packing:
    # what Capas writes never is younger than SOURCE_DATE_EPOCH: there is nothing left to rewrite
    fields.take_bool("rewrite-timestamp", False)
    return parse_packing(fields)


def parse_packing(fields: Fields) -> Packing:
    """The attributes of packing, of an output or a cache. Raises: Invalid; Unsupported."""
    word = fields.take("compression")
    if word not in _COMPRESSIONS:
        if word in ("estargz", "nydus"):
            raise Unsupported("compression={word} is not made here", word=word, hint="gzip, zstd or uncompressed")
        raise Invalid("there is no compression {word!r}", word=word, hint="gzip, zstd or uncompressed")
    kind = _COMPRESSIONS[word]
    level = fields.take_number("compression-level")
    if level is not None and kind in (None, "gzip"):
        level = min(level, _GZIP_MOST)  # BuildKit's scale ends at 9, the encoder's at 3
    force = fields.take_bool("force-compression", False)
    docker_types = not fields.take_bool("oci-mediatypes", True)
    if docker_types and kind == "zstd":
        raise Invalid("compression=zstd needs oci-mediatypes=true: docker's own types know no zstd")
    if kind is None and (force or level is not None):
        kind = "gzip"
    return Packing(kind, level, force, docker_types)
