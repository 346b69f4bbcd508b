"""The folder of tables of contents: bounded, swept with the layers, checked."""

from __future__ import annotations

import os
from pathlib import Path

from capas.engine.engine import Engine
from capas.image.kept_contents import trim_contents
from support.changesets import file
from support.looking import make_engine, put_image


def tables(engine: Engine) -> set[str]:
    folder = engine.settings.root / "cache" / "contents"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def names(engine: Engine, image: str) -> set[str]:
    return {layer.diff_id.hex for layer in engine.images.get(image).layers}


def test_those_not_asked_for_the_longest_go_when_there_are_too_many(tmp_path: Path) -> None:
    for name, moment in (("old", 1), ("new", 9), ("middle", 5), ("half-written", 2)):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, ns=(0, moment))
    trim_contents(tmp_path, most=250)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "middle"}


def test_a_table_that_is_asked_for_is_young_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    put_image(engine, "app", [file("a", b"1")])
    engine.look.files("app")
    (path,) = (engine.settings.root / "cache" / "contents").iterdir()
    os.utime(path, ns=(1, 1))
    engine.look.files("app")
    assert path.stat().st_mtime_ns > 1


def test_tables_go_with_their_layers_and_others_stay(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    put_image(engine, "one", [file("a", b"1")], [file("b", b"2")])
    put_image(engine, "two", [file("a", b"1")], [file("c", b"3")])
    one, two = names(engine, "one"), names(engine, "two")
    engine.look.files("one")
    engine.look.files("two")
    assert tables(engine) == one | two
    engine.images.remove("one")
    assert tables(engine) == two


def test_a_damaged_table_is_found_and_repaired_by_going(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    put_image(engine, "app", [file("a", b"1")])
    engine.look.files("app")
    assert engine.system.check() == []
    (path,) = (engine.settings.root / "cache" / "contents").iterdir()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (found,) = engine.system.check(repair=True)
    assert (found.kind, found.subject, found.repaired) == ("damaged", f"sha256:{path.name}", True)
    assert not path.exists()


def test_a_table_of_another_version_is_not_damaged_and_is_made_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    put_image(engine, "app", [file("a", b"1")])
    before = engine.look.files("app")
    (path,) = (engine.settings.root / "cache" / "contents").iterdir()
    path.write_bytes(b"\x92\x01\x90")
    assert engine.system.check() == []
    assert engine.look.files("app") == before
