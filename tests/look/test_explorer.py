"""The explorer: what it shows of each layer, and what keys and mouse do, in a terminal that only textual sees."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static, Tree
from textual.widgets.tree import TreeNode

from capas.engine.engine import Engine
from capas.language import words_in
from capas.look.explorer.app import Explorer
from capas.look.explorer.view import View
from support.changesets import directory, file, symlink
from support.looking import make_engine, put_image
from support.pty import Person
from support.terminal import PROGRAM, Terminal

EVIL = "evil\x1b[2J[red]x"
BASE = [
    directory("etc"),
    file("etc/motd", b"hello\n"),
    file("etc/gone", b"12345"),
    file("keep", b"k"),
    file(EVIL, b"\0"),
]
OURS = [
    directory("etc"),
    file("etc/motd", b"hola\n"),
    file("etc/.wh.gone"),
    file("etc/new", b"123"),
    symlink("s", "keep"),
]
Use = Callable[[Pilot[None], Explorer], Awaitable[None]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = make_engine(tmp_path_factory.mktemp("explorer"))
    put_image(engine, "app", BASE, OURS, steps=["COPY base /", "#ENV A=1", "RUN [bold]make[/bold] \x1b[2J"])
    return engine


def explore(engine: Engine, use: Use, language: str = "en") -> None:
    """Use the explorer as a person does."""

    async def session() -> None:
        with engine.look.opened_tree("app") as (image, files):
            app = Explorer("app", image, files, words_in(language))
            async with app.run_test(size=(120, 40)) as pilot:
                await settle(pilot)
                await use(pilot, app)

    asyncio.run(asyncio.wait_for(session(), 60))


async def settle(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


def rows(app: Explorer) -> list[str]:
    """The lines of the file tree that can be seen, as plain text."""
    shown: list[str] = []

    def walk(node: TreeNode[bytes]) -> None:
        for child in node.children:
            shown.append(" ".join(str(child.label).split()))
            if child.is_expanded:
                walk(child)

    walk(app.query_one("#files", Tree).root)
    return shown


def told(app: Explorer) -> str:
    return str(app.query_one("#details", Static).content)


def test_a_view_has_what_a_layer_added_changed_and_removed(engine: Engine) -> None:
    with engine.look.opened_tree("app") as (_, files):
        view = View(files, 1)
    assert [(item.name, item.change) for item in view.list(b"etc")] == [
        ("gone", "removed"), ("motd", "changed"), ("new", "added"),
    ]  # fmt: skip
    assert [item.name for item in view.list(changes_only=True)] == ["etc", "s"]
    assert view.list()[0].size == len(b"hola\n") + len(b"123")


def test_a_view_of_the_bottom_layer_has_nothing_of_later_ones(engine: Engine) -> None:
    with engine.look.opened_tree("app") as (_, files):
        assert [item.name for item in View(files, 0).list(b"etc")] == ["gone", "motd"]


def test_the_top_layer_and_its_files_are_shown_first(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        assert "RUN [bold]make[/bold]" in told(app) and "\x1b" not in told(app)
        assert [row.split()[-1] for row in rows(app)][:1] == ["etc"]
        assert app.query_one("#layers", OptionList).option_count == 2

    explore(engine, use)


def test_keys_go_to_the_layer_below_and_its_files(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        await press(pilot, "down")
        assert "COPY base /" in told(app)
        assert not any(row.endswith("→ keep") for row in rows(app))

    explore(engine, use)


def test_a_directory_opens_and_a_file_is_shown(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        await press(pilot, "tab", "tab", "down", "enter", "down", "down")
        assert [row.split() for row in rows(app)][1:4] == [["-", "0B", "gone"], ["~", "5B", "motd"], ["+", "3B", "new"]]
        assert told(app).splitlines()[0] == "/etc/motd" and told(app).endswith("hola")

    explore(engine, use)


def test_only_changes_are_shown_on_demand(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        assert any(row.endswith(" keep") and "→" not in row for row in rows(app))
        await press(pilot, "c")
        assert not any(row.endswith(" keep") and "→" not in row for row in rows(app))

    explore(engine, use)


def test_a_search_goes_to_what_it_finds(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        await press(pilot, "slash", "M", "o", "t", "d", "enter")
        assert "/etc/motd" in told(app)

    explore(engine, use)


def test_names_that_command_a_terminal_are_shown_escaped(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        assert any(r"evil\x1b[2J[red]x" in row for row in rows(app))

    explore(engine, use)


def test_the_mouse_chooses_a_layer(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        await pilot.click("#layers", offset=(5, 2))
        await settle(pilot)
        assert "COPY base /" in told(app)

    explore(engine, use)


def test_it_speaks_spanish(engine: Engine) -> None:
    async def use(pilot: Pilot[None], app: Explorer) -> None:
        assert app.query_one("#files", Tree).border_title == "Ficheros tras la capa 1"

    explore(engine, use, "es")


def test_it_runs_on_a_terminal_and_leaves_it_as_it_was(engine: Engine) -> None:
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(engine.settings.root.parent),
               "CAPAS_ROOT": str(engine.settings.root)}  # fmt: skip
    with Person([str(PROGRAM), "image", "explore", "app"], environ, (30, 100)) as person:
        person.read_until("keep")
        person.type("q")
        assert person.wait() == 0
        assert person.is_as_before


def test_where_there_is_no_terminal_it_says_what_else_to_ask(engine: Engine) -> None:
    assert "explore needs a terminal" in Terminal(engine.settings.root.parent).fails("image", "explore", "app")
