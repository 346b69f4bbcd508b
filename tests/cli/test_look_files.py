"""`capas image ls-files`, `find` and `cat` as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.changesets import directory, file, symlink
from support.looking import make_engine, put_image
from support.terminal import PROGRAM, Terminal

EVIL = "a\x1b[2J\n\u202etxt.\x9bm"
BROKEN = "b\udcff\\"


@pytest.fixture(scope="module")
def capas(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    root = tmp_path_factory.mktemp("look")
    lower = [directory("etc"), file("etc/motd", b"hola\n"), symlink("link", "../../etc")]
    put_image(make_engine(root), "app", lower, [file(EVIL, b"1"), file(BROKEN, b"\0\xff"), file("etc/.wh.x")])
    return Terminal(root)


def test_ls_files_prints_a_path_a_line(capas: Terminal) -> None:
    assert capas.ok("image", "ls-files", "app", "/etc") == "/etc\n/etc/motd\n"


def test_long_shows_mode_owner_size_and_layer(capas: Terminal) -> None:
    heading, row = capas.ok("image", "ls-files", "--long", "app", "/etc/motd").splitlines()
    assert heading.split() == ["MODE", "OWNER", "SIZE", "MODIFIED", "LAYER", "PATH"]
    assert row.split() == [
        "-rw-r--r--", f"{os.geteuid()}:{os.getegid()}", "5", "1970-01-01", "00:00:00", "+0000", "UTC", "0", "/etc/motd",
    ]  # fmt: skip


def test_names_that_command_a_terminal_are_shown_escaped(capas: Terminal) -> None:
    for words in (["ls-files"], ["ls-files", "-l"], ["find"], ["find", "--format", "{{.Path}}"]):
        text = capas.ok("image", *words, "app")
        assert r"/a\x1b[2J\n\u202etxt.\x9bm" in text
        assert r"/b\xff\\" in text
        assert text.replace("\n", "").isprintable()


def test_json_is_safe_for_a_terminal_and_loses_nothing(capas: Terminal) -> None:
    text = capas.ok("image", "find", "--type", "f", "--format", "json", "app")
    assert text.isascii()
    paths = [json.loads(line)["Path"] for line in text.splitlines()]
    assert paths == ["/" + EVIL, "/" + BROKEN, "/etc/motd"]


def test_null_gives_programs_the_names_as_they_are(capas: Terminal) -> None:
    words = [PROGRAM, "image", "find", "-0", "--name", "[ab]*", "app"]
    env = {"CAPAS_ROOT": str(capas.root / "store"), "PATH": os.environ["PATH"], "HOME": str(capas.root)}
    done = subprocess.run(words, env=env, capture_output=True, check=True, timeout=60)
    assert done.stdout == os.fsencode(f"/{EVIL}\0/{BROKEN}\0")


def test_cat_follows_links_and_never_leaves_the_image(capas: Terminal) -> None:
    assert capas.ok("image", "cat", "app", "/link/motd", "etc/motd") == "hola\nhola\n"
    assert "no such file in the image" in capas.fails("image", "cat", "app", "/link/passwd")


def test_a_layers_deletions_are_listed(capas: Terminal) -> None:
    assert "/etc/.wh.x" in capas.ok("image", "ls-files", "--layer", "-1", "app")
    assert "no layer 7" in capas.fails("image", "ls-files", "--layer", "7", "app")


def test_the_words_are_spanish_in_spanish(capas: Terminal, tmp_path: Path) -> None:
    assert "no hay tal fichero" in capas.fails("image", "ls-files", "app", "/nada", LANG="es_ES.UTF-8")
