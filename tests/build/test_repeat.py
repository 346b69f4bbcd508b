"""A build done twice: what is the same is said to be, and the first thing that is not is named."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from capas.build.difference import Difference, find_difference
from capas.build.repeat import build_twice
from capas.build.request import BuildRequest
from capas.errors import Invalid
from capas.oci.config import Execution
from support.building import Workshop, write_files


def test_a_copy_is_the_same_twice_and_the_name_stays_with_the_first(workshop: Workshop, tmp_path: Path) -> None:
    write_files(tmp_path, {"f": "x", "d/g": "y"})
    request = BuildRequest(str(tmp_path), dockerfile_text="FROM base\nWORKDIR /made/here\nCOPY . /all\n")
    before = os.umask(0o022)
    os.umask(before)
    names = time.tzname
    assert build_twice(request, workshop.ports()).difference is None
    assert (os.umask(before), time.tzname) == (before, names)
    assert not list((workshop.root / "cache").glob("again-*"))


def test_standard_input_cannot_be_read_twice(workshop: Workshop) -> None:
    request = BuildRequest("-", stdin=(workshop.root / "build.db").open("w+b"))
    with pytest.raises(Invalid, match="cannot be repeated"):
        build_twice(request, workshop.ports())
    request.stdin.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("one", "two", "difference"),
    [
        ({"d": None, "d/a": b"1"}, {"d": None, "d/a": b"22"}, ("/d/a", "size", "1", "2")),
        ({"a": b"1"}, {"a": b"2"}, ("/a", "content", "sha256:6b86b273ff34", "sha256:d4735e3a265e")),
        ({"a": b"1"}, {"a": "target"}, ("/a", "kind", "0", "2")),
        ({"a": "one"}, {"a": "two"}, ("/a", "target", "one", "two")),
        ({"a": b"1"}, {"a": b"1", "b": b""}, ("/b", "presence", None, "there")),
    ],
)
def test_the_first_file_that_differs_is_named(
    workshop: Workshop,
    one: dict[str, bytes | str | None],
    two: dict[str, bytes | str | None],
    difference: tuple[str, ...],
) -> None:
    found = find_difference(workshop.make_image("one", one), workshop.make_image("two", two))
    assert found is not None
    assert found.where == "by hand"
    shown = (found.path, found.attribute, found.old and found.old[:19], found.new and found.new[:19])
    assert shown == difference


def test_a_difference_of_the_config_alone_is_named_by_its_field(workshop: Workshop) -> None:
    one = workshop.make_image("one", execution=Execution(env=("A=1",)))
    two = workshop.make_image("two", execution=Execution(env=("A=2",)))
    assert find_difference(one, two) == Difference("config", "config.Env[0]", "value", "A=1", "A=2")


def test_an_image_differs_from_itself_in_nothing(workshop: Workshop) -> None:
    image = workshop.make_image("one")
    assert find_difference(image, image) is None
