"""The files of an image: the merged tree, one layer's entries, what they hold, and which of them are wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.engine.engine import Engine
from capas.errors import Corrupt, Invalid, NotFound
from capas.layer.contents import Contents
from capas.look.finding import Field, Wanted
from support.changesets import device, directory, fifo, file, hardlink, symlink
from support.looking import make_engine, put_image

SECOND = 1_000_000_000
LAYERS = (
    [directory("bin"), file("bin/su", b"s" * 2000, mode=0o4755), file("etc/a", b"old"), file("etc/b", b"bb")],
    [file("etc/.wh.b"), file("etc/a", b"new"), symlink("sbin", "bin"), symlink("loop", "loop"), fifo("pipe")],
    [hardlink("etc/again", "bin/su"), device("null", 1, 3), file("empty", mtime_ns=1_700_000_000 * SECOND)],
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_engine(tmp_path)
    put_image(engine, "app", *LAYERS)
    return engine


def found(engine: Engine, path: str = "/", **words: str) -> list[str]:
    return [file.path for file in engine.look.files("app", path, wanted=Wanted(**words))]


def test_each_file_tells_the_layer_that_put_it_there_last(engine: Engine) -> None:
    layers = {file.path: file.layer for file in engine.look.files("app")}
    assert (layers["/bin/su"], layers["/etc/a"], layers["/etc/again"]) == (0, 1, 2)
    assert "/etc/b" not in layers


def test_names_of_one_file_have_one_digest_and_size(engine: Engine) -> None:
    files = {file.path: file for file in engine.look.files("app")}
    assert files["/etc/again"].digest == files["/bin/su"].digest != files["/etc/a"].digest
    assert files["/etc/again"].size == 2000


@pytest.mark.parametrize("layer", ["", "0", "1", "2"])
def test_a_field_of_all_files_is_what_each_file_has(engine: Engine, layer: str) -> None:
    files = engine.look.files("app", layer=layer)
    fields: tuple[Field, ...] = ("path", "kind", "size", "mode", "mtime_ns")
    for field in fields:
        assert list(files.values(field)) == [getattr(file, field) for file in files]


def test_files_are_a_sequence(engine: Engine) -> None:
    files = engine.look.files("app")
    assert files == list(files)
    assert files[1:3] == [files[1], files[2]]
    assert files[-1] == list(files)[-1]
    assert files != files[1:]
    assert repr(files) == f"<{len(files)} files of an image>"


def test_a_time_that_no_clock_has_is_kept_as_it_is(engine: Engine) -> None:
    moment = 10**17 * SECOND  # more nanoseconds than 64 bits hold
    put_image(engine, "late", [file("a", b"1", mtime_ns=moment), file("b", b"2", mtime_ns=-moment)])
    for _ in range(2):
        assert [one.mtime_ns for one in engine.look.files("late")[1:]] == [moment, -moment]


def test_a_path_through_a_link_leads_into_the_image(engine: Engine) -> None:
    assert found(engine, "/sbin") == ["/bin", "/bin/su"]
    assert engine.look.read("app", "../../sbin/../sbin/su") == b"s" * 2000


def test_a_layer_has_its_own_entries_and_deletions(engine: Engine) -> None:
    files = engine.look.files("app", layer="1")
    assert [(file.path, file.kind) for file in files][:3] == [
        ("/etc/.wh.b", "whiteout"), ("/etc/a", "file"), ("/sbin", "symlink"),
    ]  # fmt: skip
    assert engine.look.files("app", layer="-1") == engine.look.files("app", layer="2")
    diff_id = engine.images.get("app").layers[2].diff_id
    assert engine.look.files("app", layer=diff_id) == engine.look.files("app", layer=diff_id.hex[:12])
    assert [file.path for file in engine.look.files("app", "/etc", layer="2")] == ["/etc/again"]


@pytest.mark.parametrize("layer", ["3", "-4", "sha256:0123456789", "x"])
def test_a_layer_that_is_not_there_is_said_so(engine: Engine, layer: str) -> None:
    with pytest.raises(NotFound, match="no layer"):
        engine.look.files("app", layer=layer)


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ({"name": "a*"}, ["/etc/a", "/etc/again"]),
        ({"types": "l"}, ["/loop", "/sbin"]),
        ({"types": "c,p"}, ["/null", "/pipe"]),
        ({"size": "+1k"}, ["/bin/su", "/etc/again"]),
        ({"size": "0c", "types": "f"}, ["/empty"]),
        ({"size": "-4c", "types": "f"}, ["/empty", "/etc/a"]),
        ({"perm": "/6000"}, ["/bin/su", "/etc/again"]),
        ({"perm": "-111", "types": "f"}, ["/bin/su", "/etc/again"]),
        ({"newer": "2023-11-14"}, ["/empty"]),
        ({"newer": "2023-11-14T22:13:20Z"}, []),
    ],
)
def test_find_knows_the_words_of_find(engine: Engine, words: dict[str, str], paths: list[str]) -> None:
    assert found(engine, **words) == paths


@pytest.mark.parametrize("words", [{"types": "x"}, {"size": "big"}, {"perm": "9"}, {"newer": "soon"}])
def test_words_that_find_would_not_know_are_refused(engine: Engine, words: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="--"):
        found(engine, **words)


def test_what_is_no_file_cannot_be_read(engine: Engine) -> None:
    for path, error in (("/bin", Invalid), ("/loop", Invalid), ("/nope", NotFound), ("/pipe", Invalid)):
        with pytest.raises(error):
            engine.look.read("app", path)
    with pytest.raises(NotFound, match="/nope"):
        found(engine, "/nope")


def test_bytes_that_are_not_those_of_the_kept_digest_are_refused(engine: Engine) -> None:
    engine.look.files("app")
    layer = engine.images.get("app").layers[0]
    path = engine.settings.root / "cache" / "contents" / layer.diff_id.hex
    contents = Contents.load(path.read_bytes())
    path.write_bytes(Contents(contents.columns, b"\1" * len(contents.sums)).dump())
    with pytest.raises(Corrupt, match="/bin/su"):
        engine.look.read("app", "/bin/su")


def test_a_kept_table_that_is_damaged_is_made_again(engine: Engine) -> None:
    before = engine.look.files("app")
    for path in (engine.settings.root / "cache" / "contents").iterdir():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert engine.look.files("app") == before
