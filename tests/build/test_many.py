"""Several builds in one graph: equal steps once, what one gives another, and nothing half done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from capas.build.build import build_many
from capas.build.exporters.output import Output
from capas.build.request import BuildRequest, Built
from capas.errors import Invalid, NotFound
from capas.events import Started
from capas.oci.platform import Platform
from capas.reference import Reference
from support.building import Workshop, write_files


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(tmp_path / "shop")
    shop.make_image("base")
    write_files(tmp_path / "one", {"Dockerfile": "FROM base\nCOPY file /file\nWORKDIR /w\n", "file": "one"})
    write_files(tmp_path / "two", {"Dockerfile": "FROM base\nCOPY file /file\nWORKDIR /w\n", "file": "two"})
    yield shop
    shop.close()


def request(shop: Workshop, folder: str, label: str, **wishes: object) -> BuildRequest:
    return BuildRequest(str(shop.root.parent / folder), label=label)._replace(**wishes)  # type: ignore[arg-type]


def bake(shop: Workshop, *requests: BuildRequest, wanted: tuple[str, ...] = ()) -> Mapping[str, Built]:
    shop.events.clear()
    named = {one.label: one for one in requests}
    return build_many(named, wanted or tuple(named), shop.ports(), report=shop.events.append)


def begun(shop: Workshop) -> list[str]:
    """The steps that were begun, by what they do; what FROM says is none."""
    return sorted(one.text for one in shop.events if isinstance(one, Started) and not one.text.startswith("FROM"))


def test_equal_steps_of_one_context_are_done_once(shop: Workshop) -> None:
    built = bake(shop, request(shop, "one", "a"), request(shop, "one", "b"))
    assert begun(shop) == ["COPY file /file", "WORKDIR /w"]
    assert built["a"].image.id == built["b"].image.id


def test_the_same_words_over_another_context_are_another_step(shop: Workshop) -> None:
    built = bake(shop, request(shop, "one", "a"), request(shop, "two", "b"))
    assert begun(shop).count("COPY file /file") == 2
    assert shop.read(built["a"].image, "file") == b"one"
    assert shop.read(built["b"].image, "file") == b"two"


def test_a_step_that_reads_no_context_is_done_once_for_all_contexts(shop: Workshop) -> None:
    for folder in ("one", "two"):
        (shop.root.parent / folder / "Dockerfile").write_text("FROM base\nCOPY --from=base /etc/passwd /p\n")
    bake(shop, request(shop, "one", "a"), request(shop, "two", "b"))
    assert begun(shop) == ["COPY --from=base /etc/passwd /p"]


def test_steps_are_told_with_the_name_of_their_build(shop: Workshop) -> None:
    bake(shop, request(shop, "one", "a"), request(shop, "two", "b"))
    assert {one.id for one in shop.events if isinstance(one, Started)} == {
        "a 1/3", "a 2/3", "a 3/3", "b 1/3", "b 2/3", "b 3/3",
    }  # fmt: skip


def test_what_one_build_gives_is_anothers_base_with_its_config_and_history(shop: Workshop) -> None:
    (shop.root.parent / "one" / "Dockerfile").write_text("FROM base\nCOPY file /one\nENV FROM_ONE=1\nLABEL l=1\n")
    (shop.root.parent / "two" / "Dockerfile").write_text("FROM parent\nARG X\nCOPY file /$FROM_ONE$X\n")
    built = bake(
        shop,
        request(shop, "one", "a", labels={"given": "yes"}, build_args={"X": "not seen by the other"}),
        request(shop, "two", "b", build_contexts={"parent": "target:a"}),
    )["b"].image
    assert shop.read(built, "one") == b"one"
    assert shop.read(built, "1") == b"two"
    assert built.config.execution.labels == {"given": "yes", "l": "1"}
    assert [step.created_by.split(" #")[0] for step in built.history[1:]] == [
        "COPY file /one", "ENV FROM_ONE=1", "LABEL l=1", "ARG X", "COPY file /1",
    ]  # fmt: skip


def test_files_are_copied_out_of_what_another_build_gives(shop: Workshop) -> None:
    (shop.root.parent / "two" / "Dockerfile").write_text("FROM scratch\nCOPY --from=other /file /copied\n")
    built = bake(shop, request(shop, "one", "a"), request(shop, "two", "b", build_contexts={"other": "target:a"}))
    assert shop.read(built["b"].image, "copied") == b"one"


def test_of_several_platforms_the_one_that_fits_is_taken(shop: Workshop) -> None:
    both = (Platform(), Platform("linux", "arm64"))
    (shop.root.parent / "one" / "Dockerfile").write_text("FROM scratch\nARG TARGETARCH\nCOPY file /$TARGETARCH\n")
    (shop.root.parent / "two" / "Dockerfile").write_text("FROM parent\n")
    built = bake(
        shop,
        request(shop, "one", "a", platforms=both),
        request(shop, "two", "b", platforms=both, build_contexts={"parent": "target:a"}),
    )["b"]
    assert [shop.tree(image).find(b"arm64") is not None for image in built.exported.images] == [False, True]


def test_only_what_is_wanted_is_exported(shop: Workshop) -> None:
    name = Reference.parse("me/kept").with_default_tag()
    outputs = (Output(names=(name,)),)
    built = bake(
        shop, request(shop, "one", "a", outputs=outputs), request(shop, "two", "b", outputs=()), wanted=("b",)
    )  # fmt: skip
    assert list(built) == ["b"]
    assert shop.store.records.find_name(name) is None


def test_where_one_build_fails_nothing_is_exported(shop: Workshop) -> None:
    name = Reference.parse("me/kept").with_default_tag()
    (shop.root.parent / "two" / "Dockerfile").write_text("FROM base\nCOPY nowhere /\n")
    with pytest.raises(NotFound, match="nowhere"):
        bake(shop, request(shop, "one", "a", outputs=(Output(names=(name,)),)), request(shop, "two", "b"))
    assert shop.store.records.find_name(name) is None
    assert list((shop.root / "cache" / "scratch").glob("[!.]*")) == []


def test_a_fault_in_any_dockerfile_is_said_before_anything_is_done(shop: Workshop) -> None:
    (shop.root.parent / "two" / "Dockerfile").write_text("FROM base\nCOPY --nope x /\n")
    with pytest.raises(Invalid, match=r"Dockerfile:2"):
        bake(shop, request(shop, "one", "a"), request(shop, "two", "b"))
    assert begun(shop) == []


def test_a_build_by_itself_finds_in_the_cache_what_was_baked(shop: Workshop) -> None:
    baked = bake(shop, request(shop, "one", "a"))["a"]
    alone = shop.build(shop.root.parent / "one")
    assert (alone.cached, alone.steps) == (2, 2)
    assert alone.image.id == baked.image.id
