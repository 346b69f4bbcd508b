"""`--build-context`: what takes the place of a stage, an image or a source of its name."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from capas.errors import Corrupt, Invalid, NotFound
from capas.image.archive_save import save
from capas.reference import Reference
from support.building import Workshop, write_files


def files_of(workshop: Workshop, text: str, context: Path, **named: str) -> set[str]:
    built = workshop.build(context, dockerfile_text=text, build_contexts=named)
    return {entry.path.decode() for entry in workshop.layer_entries(built.image)}


@pytest.mark.covers("COPY", "--from=context")
def test_copy_from_a_directory_elsewhere(workshop: Workshop, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {"lib/a": "a", "b": "b"})
    found = files_of(workshop, "FROM base\nCOPY --from=docs lib /x", tmp_path, docs=str(other))
    assert found == {"x", "x/a"}


def test_a_directory_context_has_its_own_ignore_file(workshop: Workshop, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {".dockerignore": "*.log\n.dockerignore", "a.log": "", "b": ""})
    context = write_files(tmp_path / "c", {".dockerignore": "b"})
    assert files_of(workshop, "FROM base\nCOPY --from=docs . /x", context, docs=str(other)) == {"x", "x/b"}


def test_a_change_in_a_named_context_redoes_the_step(workshop: Workshop, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {"a": "1"})
    wishes = {"dockerfile_text": "FROM base\nCOPY --from=docs a /x", "build_contexts": {"docs": str(other)}}
    workshop.build(tmp_path, **wishes)
    assert workshop.build(tmp_path, **wishes).cached == 1
    (other / "a").write_text("2")
    assert workshop.read(workshop.build(tmp_path, **wishes).image, "x") == b"2"


def test_two_contexts_are_not_taken_for_each_other(workshop: Workshop, tmp_path: Path) -> None:
    one, two = write_files(tmp_path / "one", {"a": "1"}), write_files(tmp_path / "two", {"a": "2"})
    text = "FROM base\nCOPY --from=one a /one\nCOPY --from=two a /two"
    built = workshop.build(tmp_path, dockerfile_text=text, build_contexts={"one": str(one), "two": str(two)})
    assert (workshop.read(built.image, "one"), workshop.read(built.image, "two")) == (b"1", b"2")


def test_a_name_that_nobody_mentions_is_never_opened(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build(tmp_path, dockerfile_text="FROM base\n", build_contexts={"docs": str(tmp_path / "nowhere")})


def test_a_directory_that_is_not_there_is_named(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the build context .*nowhere is not a directory"):
        files_of(workshop, "FROM base\nCOPY --from=docs a /", tmp_path, docs=str(tmp_path / "nowhere"))


def test_a_source_missing_from_it_names_the_context(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="b is not in the build context docs"):
        files_of(workshop, "FROM base\nCOPY --from=docs b /", tmp_path, docs=str(tmp_path))


def test_links_in_a_named_context_do_not_lead_out(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"secret": "s", "other/x": ""})
    (tmp_path / "other" / "out").symlink_to("../secret")
    with pytest.raises(NotFound):
        files_of(workshop, "FROM base\nCOPY --from=docs out /", tmp_path, docs=str(tmp_path / "other"))


def test_from_a_directory_begins_with_its_files(workshop: Workshop, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {"etc/passwd": "x", "b": "b"})
    built = workshop.build(tmp_path, dockerfile_text="FROM rootfs\nENV A=1", build_contexts={"rootfs": str(other)})
    assert workshop.read(built.image, "etc/passwd") == b"x"
    assert len(built.image.layers) == 1
    assert sum(not step.empty_layer for step in built.image.history) == 1


@pytest.mark.parametrize("name", ["base", "base:latest", "docker.io/library/base"])
def test_an_image_takes_the_place_of_another_however_it_is_called(
    workshop: Workshop, tmp_path: Path, name: str
) -> None:
    other = workshop.make_image("example.org/mine:2", {"mine": b"m"})
    wishes = {"build_contexts": {name: "docker-image://example.org/mine:2"}}
    built = workshop.build(tmp_path, dockerfile_text="FROM base\nENV A=1", **wishes)
    assert built.image.layers == other.layers


def test_a_context_takes_the_place_of_a_stage_which_is_not_run(workshop: Workshop, tmp_path: Path) -> None:
    other = write_files(tmp_path / "other", {"made": "elsewhere"})
    text = "FROM nowhere AS build\nRUN false\nFROM base\nCOPY --from=build made /\nCOPY --from=0 made /two"
    built = workshop.build(tmp_path, dockerfile_text=text, build_contexts={"build": str(other)})
    assert workshop.read(built.image, "made") == b"elsewhere"
    assert workshop.read(built.image, "two") == b"elsewhere"


def test_from_a_stage_replaced_by_an_image_begins_with_that_image(workshop: Workshop, tmp_path: Path) -> None:
    other = workshop.make_image("other", {"mine": b"m"})
    text = "FROM nowhere AS build\nRUN false\nFROM build\nENV A=1"
    built = workshop.build(tmp_path, dockerfile_text=text, build_contexts={"build": "docker-image://other"})
    assert built.image.layers == other.layers


def test_a_tar_at_an_address_is_its_files(workshop: Workshop, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("src/a"))
    workshop.downloads["https://example.org/src.tgz"] = out.getvalue()
    text = "FROM base\nCOPY --from=src src /x"
    assert files_of(workshop, text, tmp_path, src="https://example.org/src.tgz") == {"x", "x/a"}


def test_a_file_at_an_address_is_called_as_there(workshop: Workshop, tmp_path: Path) -> None:
    workshop.downloads["https://example.org/a/tool?v=2"] = b"tool"
    text = "FROM base\nCOPY --from=src tool /x"
    assert files_of(workshop, text, tmp_path, src="https://example.org/a/tool?v=2") == {"x"}


# OCI layouts


@pytest.fixture
def layout(workshop: Workshop, tmp_path: Path) -> Path:
    """A layout with the image `one:v1`, which is not in the store any more."""
    image = workshop.make_image("one:v1", {"of": b"the layout"})
    out = io.BytesIO()
    save(out, [(image, [Reference.parse("one:v1")])])
    folder = tmp_path / "layout"
    folder.mkdir()
    subprocess.run(["tar", "-xC", folder], input=out.getvalue(), check=True)
    for digest in [part.digest for part in image.manifest.layers]:
        workshop.store.blobs.delete(digest)
    workshop.images.pop(Reference.parse("one:v1"))
    return folder


@pytest.mark.parametrize("tail", ["", ":v1", "@DIGEST", ":v1@DIGEST"])
def test_an_image_of_a_layout_is_a_base(workshop: Workshop, layout: Path, tmp_path: Path, tail: str) -> None:
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    value = f"oci-layout://{layout}{tail.replace('DIGEST', digest)}"
    built = workshop.build(tmp_path, dockerfile_text="FROM it\nENV A=1", build_contexts={"it": value})
    assert workshop.read(built.image, "of") == b"the layout"


def test_a_layout_can_be_copied_from(workshop: Workshop, layout: Path, tmp_path: Path) -> None:
    text = "FROM base\nCOPY --from=it /of /x"
    built = workshop.build(tmp_path, dockerfile_text=text, build_contexts={"it": f"oci-layout://{layout}"})
    assert workshop.read(built.image, "x") == b"the layout"


def test_a_tag_that_a_layout_has_not_names_those_it_has(workshop: Workshop, layout: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no image v2 in the OCI layout") as caught:
        files_of(workshop, "FROM it\n", tmp_path, it=f"oci-layout://{layout}:v2")
    assert caught.value.hint == "it has v1"


def test_a_layer_of_a_layout_that_is_not_what_the_config_says_poisons_nothing(
    workshop: Workshop, layout: Path, tmp_path: Path
) -> None:
    index = json.loads((layout / "index.json").read_text())
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    manifest["config"] = _write(blobs, config, manifest["config"])
    index["manifests"][0] = _write(blobs, manifest, index["manifests"][0])
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(Corrupt, match="inflates to"):
        files_of(workshop, "FROM base\nCOPY --from=it /of /x", tmp_path, it=f"oci-layout://{layout}")


def _write(blobs: Path, document: object, descriptor: dict[str, object]) -> dict[str, object]:
    from hashlib import sha256

    data = json.dumps(document).encode()
    hexed = sha256(data).hexdigest()
    (blobs / hexed).write_bytes(data)
    return {**descriptor, "digest": f"sha256:{hexed}", "size": len(data)}


def test_a_context_without_a_value_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="--build-context docs is empty"):
        workshop.build(tmp_path, dockerfile_text="FROM base\n", build_contexts={"docs": ""})
