"""What comes out of a build: files, archives, layouts, packed and annotated as asked."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from capas.build.emulation import has_emulator
from capas.build.exporters.annotations import parse_annotation
from capas.build.exporters.output import Output, Packing, parse_output
from capas.errors import Invalid, Unsupported
from capas.image.image import Image
from capas.image.index import ImageIndex
from capas.image.validate import validate
from capas.layer.create import LayerBlob
from capas.layer.entry import FILE, HARDLINK, Entry
from capas.oci import media
from capas.oci.platform import Platform
from support.building import Workshop, write_files

AMD64, ARM64, ARM_V7 = (Platform.parse(f"linux/{text}") for text in ("amd64", "arm64", "arm/v7"))
FILES = {"Dockerfile": "FROM scratch\nCOPY --chown=7:8 --chmod=4755 tool /bin/tool\nCOPY links /\n", "tool": "#!"}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    root = write_files(tmp_path / "context", FILES)
    (root / "links").mkdir()
    (root / "links/link").symlink_to("/bin/tool")
    return root


def export(workshop: Workshop, context: Path, *texts: str, **wishes: object) -> Image | ImageIndex:
    """Build with these outputs; what came out."""
    return workshop.build(context, outputs=tuple(map(parse_output, texts)), **wishes).exported.top


def test_local_files_are_the_caller_s_own_and_keep_their_modes(
    workshop: Workshop, context: Path, tmp_path: Path
) -> None:
    export(workshop, context, f"type=local,dest={tmp_path}/out")
    found = (tmp_path / "out/bin/tool").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), os.getegid(), 0o4755)
    assert os.readlink(tmp_path / "out/link") == "/bin/tool"


def test_local_files_stay_in_their_directory_whatever_links_are_in_the_way(workshop: Workshop, tmp_path: Path) -> None:
    victim, out = tmp_path / "victim", tmp_path / "out"
    victim.mkdir()
    out.mkdir()
    (out / "etc").symlink_to(victim)
    (out / "kept").write_text("mine")
    (out / "bin").symlink_to("/usr/bin")
    context = write_files(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY f /etc/f\nCOPY f /bin\n", "f": "x"})
    export(workshop, context, f"type=local,dest={out}")
    assert list(victim.iterdir()) == []
    assert (out / "etc/f").read_text() == (out / "bin").read_text() == "x"
    assert (out / "kept").read_text() == "mine"


def test_a_file_is_no_place_for_local_files(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(Invalid, match="is not a directory"):
        export(workshop, context, f"type=local,dest={tmp_path}/out")


def test_a_tar_keeps_owners_modes_and_hard_links(workshop: Workshop, tmp_path: Path) -> None:
    with LayerBlob(workshop.store.blobs, name="links") as blob:
        blob.tar.add(Entry(b"a", FILE, 0o4711, 7, 8, size=3), io.BytesIO(b"abc"))
        blob.tar.add(Entry(b"b", HARDLINK, target=b"a"), None)
        workshop.keep("linked", blob.commit())
    context = write_files(tmp_path / "context", {"Dockerfile": "FROM linked\n"})
    export(workshop, context, f"type=tar,dest={tmp_path}/out.tar")
    with tarfile.open(tmp_path / "out.tar") as tar:
        first, second = tar.getmembers()
        assert (first.name, first.mode, first.uid, first.gid) == ("a", 0o4711, 7, 8)
        assert (second.name, second.islnk(), second.linkname) == ("b", True, "a")


def test_a_tar_to_standard_output_is_whole(workshop: Workshop, context: Path) -> None:
    out = io.BytesIO()
    export(workshop, context, "-", stdout=out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        assert tar.getnames() == ["bin", "bin/tool", "link"]


def test_files_of_several_platforms_have_a_directory_each(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    export(workshop, context, f"type=local,dest={tmp_path}/out", platforms=(AMD64, ARM_V7))
    assert sorted(os.listdir(tmp_path / "out")) == ["linux_amd64", "linux_arm_v7"]
    export(workshop, context, f"type=local,dest={tmp_path}/one,platform-split=true")
    assert os.listdir(tmp_path / "one") == ["linux_amd64"]


def test_several_platforms_make_one_index_that_is_stored_under_the_name(workshop: Workshop, context: Path) -> None:
    top = export(workshop, context, "type=image,name=me/multi", platforms=(AMD64, ARM64))
    assert isinstance(top, ImageIndex)
    assert top.platforms == (AMD64, ARM64)
    validate(workshop.store.blobs, top.digest)
    (row,) = [row for row in workshop.store.records.list_names() if row.reference.path == "me/multi"]
    assert row.manifest == top.digest
    workshop.store.collect(workshop.cache.list_digests())
    validate(workshop.store.blobs, top.digest)


def test_a_step_that_no_platform_changes_is_made_once(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM --platform=$BUILDPLATFORM base AS tools\nCOPY f /f\nFROM scratch\nCOPY --from=tools /f /f\n"
    context = write_files(tmp_path / "context", {"Dockerfile": text, "f": "x"})
    workshop.build(context, platforms=(AMD64, ARM64))
    assert [step for step in workshop.cached() if "tools 2" in step] == ["linux/amd64 tools 2/2"]


def test_one_platform_twice_is_refused(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="asked for twice"):
        workshop.build(context, platforms=(AMD64, AMD64))


def test_a_foreign_run_without_an_emulator_is_refused_before_any_work(workshop: Workshop, tmp_path: Path) -> None:
    context = write_files(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY f /\nRUN true\n", "f": ""})
    foreign = Platform("linux", "wasm")
    with pytest.raises(Unsupported, match="cannot run a step for linux/wasm") as caught:
        workshop.build(context, platforms=(AMD64, foreign))
    assert "binfmt_misc" in caught.value.hint
    assert caught.value.facts["line"] == 3
    assert workshop.cached() == {}


@pytest.mark.parametrize(
    ("flags", "magic", "able"),
    [
        ("F", "7f454c460201010000000000000000000200b700", True),
        ("", "7f454c460201010000000000000000000200b700", False),
        ("PF", "7f454c4602010100000000000000000002003e00", False),
    ],
    ids=["arm64", "not kept open", "another machine"],
)
def test_an_emulator_counts_when_it_is_kept_open(tmp_path: Path, flags: str, magic: str, able: bool) -> None:
    text = f"enabled\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\nmagic {magic}\nmask ff\n"
    write_files(tmp_path, {"status": "enabled\n", "register": "", "qemu-aarch64": text})
    assert has_emulator(ARM64, tmp_path) is able


@pytest.mark.parametrize(
    ("packing", "types"),
    [
        (Packing("zstd"), [media.OCI_LAYER_GZIP, media.OCI_LAYER_ZSTD]),
        (Packing("zstd", force=True), [media.OCI_LAYER_ZSTD, media.OCI_LAYER_ZSTD]),
        (Packing("none"), [media.OCI_LAYER_GZIP, media.OCI_LAYER]),
        (Packing(docker_types=True), [media.DOCKER_LAYER_GZIP, media.DOCKER_LAYER_GZIP]),
    ],
    ids=["new layers", "all layers", "uncompressed", "docker's types"],
)
def test_layers_are_packed_as_asked_and_the_steps_are_not_done_again(
    workshop: Workshop, tmp_path: Path, packing: Packing, types: list[str]
) -> None:
    context = write_files(tmp_path / "context", {"Dockerfile": "FROM base\nCOPY f /f\n", "f": "x" * 1000})
    plain = workshop.build(context).image
    built = workshop.build(context, outputs=(Output(packing=packing),))
    assert [layer.descriptor.media_type for layer in built.image.layers] == types
    assert [layer.diff_id for layer in built.image.layers] == [layer.diff_id for layer in plain.layers]
    assert built.cached == built.steps
    validate(workshop.store.blobs, built.image.digest)


def test_a_layout_directory_grows_and_its_index_moves_last(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    first = export(workshop, context, f"type=oci,tar=false,dest={tmp_path}/lay,name=me/app:1")
    (context / "tool").write_text("#!!")
    second = export(workshop, context, f"type=oci,tar=false,dest={tmp_path}/lay,name=me/app:1")
    index = json.loads((tmp_path / "lay/index.json").read_text())
    assert [entry["digest"] for entry in index["manifests"]] == [second.digest]
    assert (tmp_path / "lay/blobs/sha256" / first.digest.hex).exists()
    assert sorted(os.listdir(tmp_path / "lay")) == ["blobs", "index.json", "oci-layout"]


def test_annotations_reach_every_level(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    texts = ("a=m", "index:a=i", "manifest-descriptor:a=md", "index-descriptor:a=id")
    noted = tuple(one for text in texts for one in parse_annotation(text))
    output = parse_output(f"type=oci,tar=false,dest={tmp_path}/lay")._replace(annotations=noted)
    top = workshop.build(context, outputs=(output,), platforms=(AMD64, ARM64)).exported.top
    assert isinstance(top, ImageIndex)
    assert top.index.annotations == {"a": "i"}
    assert [entry.annotations for entry in top.manifests] == [{"a": "md"}] * 2
    assert Image.open(workshop.store.blobs, top.manifests[0].digest).manifest.annotations == {"a": "m"}
    written = json.loads((tmp_path / "lay/index.json").read_text())
    assert written["manifests"][0]["annotations"] == {"a": "id"}


def test_a_failed_output_leaves_no_half_file(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    with pytest.raises(Invalid, match="is a directory"):
        export(workshop, context, f"type=oci,dest={tmp_path}/dir")
    assert list((tmp_path / "dir").iterdir()) == []


def test_metadata_has_buildkit_s_fields(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context, outputs=(parse_output("type=image,name=me/app"),))
    assert built.metadata["containerimage.digest"] == str(built.image.digest)
    assert built.metadata["containerimage.config.digest"] == str(built.image.id) == built.id
    assert built.metadata["image.name"] == "docker.io/me/app:latest"
    descriptor = built.metadata["containerimage.descriptor"]
    assert isinstance(descriptor, dict)
    assert descriptor["platform"] == {"architecture": "amd64", "os": "linux"}
    assert str(built.metadata["buildx.build.ref"]).startswith("capas/capas/")
