"""`capas image draw` and `capas system draw` as a person types them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from capas.engine.drawing import freed_bytes
from support.changesets import file
from support.looking import make_engine, put_image
from support.terminal import Terminal


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    engine = make_engine(tmp_path)
    base = [file("base", b"b" * 40_000)]
    put_image(engine, "web:1", base, [file("w", b"w" * 20_000)], steps=["COPY base /", "RUN echo '\x1b[2J\u202e'"])
    put_image(engine, "api:1", base, [file("a", b"a" * 60_000)], steps=["COPY base /", "RUN make all"])
    terminal = Terminal(tmp_path)
    terminal.ok("tag", "web:1", "web:2")
    return terminal


def test_two_images_are_drawn_with_what_they_share_once(capas: Terminal) -> None:
    lines = capas.ok("image", "draw", "web:1", "api:1").splitlines()
    assert [line[:3].strip() for line in lines] == ["⚑ w", "█ █", "│ ⚑", "│ █", "├─┘", "█ █", "◇ s"]
    assert "web:1, web:2" in lines[0] and "RUN make all" in lines[3] and "COPY base /" in lines[5]


def test_a_picture_is_plain_where_it_is_piped(capas: Terminal) -> None:
    assert capas.ok("image", "draw", "web:1").replace("\n", "").isprintable()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(capas: Terminal, columns: int) -> None:
    text = capas.ok("system", "draw", COLUMNS=str(columns))
    assert max(map(len, text.splitlines())) <= columns and "COPY" in text


def test_a_picture_goes_into_a_file_of_the_kind_that_it_is_called(capas: Terminal, tmp_path: Path) -> None:
    for ending, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!doc"), ("mmd", b"flow"), ("dot", b"dig")):
        assert capas.ok("image", "draw", "web:1", "-o", str(tmp_path / f"x.{ending}")) == ""
        assert (tmp_path / f"x.{ending}").read_bytes().startswith(start)


def test_the_store_is_drawn_with_what_deleting_each_image_frees(capas: Terminal) -> None:
    assert len(re.findall(r"frees [\d.]+kB", capas.ok("system", "draw"))) == 2
    assert "libera" in capas.ok("system", "draw", LANG="es_ES.UTF-8")


def test_deleting_an_image_frees_what_was_said(capas: Terminal, tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    records = list(engine.store.records.iter_images())
    said = freed_bytes(engine, records)[engine.images.get("api:1").id]
    before = sum(size for _, size in engine.store.blobs.iterate())
    engine.images.remove("api:1")
    assert before - sum(size for _, size in engine.store.blobs.iterate()) == said > 0
