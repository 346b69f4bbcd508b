"""`--output` and `--annotation` as they are written: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from capas.build.exporters.annotations import Annotation, annotations_at, parse_annotation
from capas.build.exporters.choice import choose_outputs, complete_outputs
from capas.build.exporters.exporting import check_outputs
from capas.build.exporters.output import Output, Packing, parse_output
from capas.errors import CapasError, Invalid, Unsupported
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.reference import Reference

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
NAME = Reference.parse("me/app:1")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("out", Output("local", "out")),
        ("-", Output("tar", "-")),
        ("type=local,dest=out,platform-split=false", Output("local", "out", split=False)),
        ("type=tar", Output("tar", "-")),
        ("type=oci,dest=a.tar", Output("oci", "a.tar")),
        ("type=oci,dest=a,tar=false", Output("oci", "a", as_tar=False)),
        ("type=docker", Output("image")),
        ('type=image,"name=me/app:1,me/app:2"', Output(names=(NAME, Reference.parse("me/app:2")))),
        ("type=registry,name=me/app:1", Output(names=(NAME,), store=False, push=True)),
        ("type=image,name=me/app:1,push-by-digest=true", Output(names=(NAME,), push=True, push_by_digest=True)),
        ("type=image,compression=zstd,compression-level=9", Output(packing=Packing("zstd", 9))),
        ("type=image,compression-level=9", Output(packing=Packing("gzip", 3))),
        ("type=image,compression=uncompressed,force-compression=true", Output(packing=Packing("none", force=True))),
        ("type=image,oci-mediatypes=false,rewrite-timestamp=true", Output(packing=Packing(docker_types=True))),
        ("type=image,annotation.a.b=c=d", Output(annotations=(Annotation("a.b", "c=d"),))),
        (
            "type=oci,dest=x,annotation-manifest[linux/arm64].a=b",
            Output("oci", "x", annotations=(Annotation("a", "b", "manifest", ARM64),)),
        ),
    ],
)
def test_an_output_means_what_buildkit_means_by_it(text: str, output: Output) -> None:
    assert parse_output(text) == output


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("type=image,compresion=zstd", Invalid, "no attribute 'compresion'"),
        ("type=image,compression=estargz", Unsupported, "compression=estargz is not made here"),
        ("type=image,compression=brotli", Invalid, "no compression 'brotli'"),
        ("type=image,push=perhaps", Invalid, "push is true or false"),
        ("type=image,compression=zstd,oci-mediatypes=false", Invalid, "needs oci-mediatypes=true"),
        ("type=moby", Unsupported, "no output of type moby"),
        ("dest=x", Invalid, "has no type"),
        ("type=local", Invalid, "needs dest="),
        ("type=oci,tar=false", Invalid, "needs dest="),
        ("type=image,push", Invalid, "'push' is not key=value"),
        ('type=image,"name=x', Invalid, "cannot be read"),
        ("type=local,dest=x,compression=gzip", Invalid, "no attribute 'compression'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, kind: type[CapasError], said: str) -> None:
    with pytest.raises(kind) as caught:
        parse_output(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b=c", [Annotation("a.b", "c")]),
        ("a:b=c", [Annotation("a:b", "c")]),
        ("index:a=b:c", [Annotation("a", "b:c", "index")]),
        ("index,manifest[linux/arm64]:a=b", [Annotation("a", "b", "index"), Annotation("a", "b", "manifest", ARM64)]),
        ("manifest-descriptor:a=", [Annotation("a", "", "manifest-descriptor")]),
    ],
)
def test_an_annotation_stands_at_its_levels(text: str, found: list[Annotation]) -> None:
    assert list(parse_annotation(text)) == found


def test_an_annotation_without_a_value_is_refused() -> None:
    with pytest.raises(Invalid, match="is not"):
        parse_annotation("index:a")


def test_annotations_are_chosen_by_level_and_platform() -> None:
    annotations = [*parse_annotation("a=1"), *parse_annotation("manifest[linux/arm64]:b=2"), *parse_annotation("a=3")]
    assert annotations_at(annotations, "manifest", ARM64) == {"a": "3", "b": "2"}
    assert annotations_at(annotations, "manifest", AMD64) == {"a": "3"}
    assert annotations_at(annotations, "index") == {}


def test_push_and_load_add_outputs_or_change_images() -> None:
    assert choose_outputs([], push=True) == (Output(store=False, push=True),)
    assert choose_outputs([], push=True, load=True) == (Output(store=False, push=True), Output())
    assert choose_outputs(["type=image"], push=True, load=True) == (Output(push=True),)
    assert choose_outputs(["out"], load=True) == (Output("local", "out"), Output())
    assert choose_outputs([]) == (Output(),)


def test_names_and_compression_fill_what_outputs_leave_open() -> None:
    outputs = (Output(), Output("oci", "x", (NAME,), packing=Packing("zstd")), Output("local", "out"))
    tag = Reference.parse("tag:1")
    assert complete_outputs(outputs, [tag], "none") == (
        Output(names=(tag,), packing=Packing("none")), outputs[1], outputs[2],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outputs", "platforms", "said"),
    [
        ([Output("tar", "-"), Output("oci", "-")], [AMD64], "only one output"),
        ([Output(push=True)], [AMD64], "needs a name"),
        ([Output(names=(NAME.with_digest(Digest("sha256:" + "0" * 64)),))], [AMD64], "cannot be given the name"),
        ([Output("docker", "x")], [AMD64, ARM64], "holds one platform, not 2"),
        ([Output(annotations=parse_annotation("index:a=b"))], [AMD64], "is for an index"),
        ([Output(annotations=parse_annotation("manifest[linux/arm64]:a=b"))], [AMD64], "which is not built"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(outputs: list[Output], platforms: list[Platform], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_outputs(outputs, platforms)
    assert said in str(caught.value)
