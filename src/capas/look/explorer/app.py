"""The explorer on a terminal, by textual (the extra `capas[explore]`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from types import MappingProxyType

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Input, OptionList, Static, Tree
from textual.widgets.option_list import Option
from textual.widgets.tree import TreeNode

from capas.errors import CapasError
from capas.image.image import Image
from capas.image.steps import list_steps
from capas.language import Words
from capas.layer.entry import FILE
from capas.layer.tree import Tree as Files
from capas.look.explorer.view import Change, Item, View
from capas.look.files import KINDS, write_mode
from capas.look.lanes import BAR, bar_of
from capas.printable import human_size, printable, shortened, shown_name

_PREVIEW_BYTES, _PREVIEW_LINES = 16 << 10, 200
_VIEWS = 4  # trees that are kept: that of a large image takes a while to be made
_STYLES: MappingProxyType[Change, str] = MappingProxyType(
    {"": "", "added": "green", "changed": "yellow", "removed": "red strike"}
)
_SIGNS: MappingProxyType[Change, str] = MappingProxyType({"": " ", "added": "+", "changed": "~", "removed": "-"})
_STEP_LETTERS = 200


class Explorer(App[None]):
    """Layers on the left, the newest on top, what is chosen below them; on the right the files after that layer."""

    CSS = """
    #left { width: 45%; }
    #layers { height: 50%; border: round $primary; text-wrap: nowrap; text-overflow: ellipsis; }
    #told { border: round $primary; padding: 0 1; }
    #files { width: 1fr; border: round $primary; }
    #search { display: none; }
    #search.asked { display: block; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, name: str, image: Image, files: Files, words: Words) -> None:
        super().__init__()
        self.title = printable(name)
        self._words = words
        self._steps = [step for step in list_steps(image.manifest, image.config) if not step.is_empty]
        self._sizes = [sum(layer.columns.sizes) for layer in files.layers]
        self._view_of = lru_cache(_VIEWS)(lambda number: View(files, number))
        self._view: View | None = None
        self._open: set[bytes] = set()
        self._changes_only = False
        self._found: list[bytes] = []
        for keys, action, text in (
            ("q", "quit", self._words("Quit")),
            ("c", "only_changes", self._words("Only changes")),
            ("slash", "search", self._words("Search")),
            ("n", "next_found", self._words("Next found")),
        ):
            self.bind(keys, action, description=text)

    def compose(self) -> ComposeResult:
        """The widgets."""
        with Horizontal():
            with Vertical(id="left"):
                yield OptionList(*self._options(), id="layers")
                with VerticalScroll(id="told"):
                    yield Static(id="details", markup=False)
            yield Tree[bytes]("/", data=b"", id="files")
        yield Input(id="search", placeholder=self._words("Part of a file's name"))
        yield Footer()

    def on_mount(self) -> None:
        """The top layer is chosen first."""
        layers = self.query_one("#layers", OptionList)
        layers.border_title = self.title
        layers.focus()
        if self._steps:
            layers.highlighted = 0

    # layers

    def _options(self) -> Iterator[Option]:
        largest = max(self._sizes, default=0)
        for number in reversed(range(len(self._sizes))):
            size, step = self._sizes[number], self._steps[number]
            line = Text(f"{number:>3} {bar_of(size, largest):<{BAR}} {human_size(size):>7}  ", no_wrap=True)
            line.append(shortened(step.words, _STEP_LETTERS))
            yield Option(line, id=str(number))

    @on(OptionList.OptionHighlighted, "#layers")
    def _choose_layer(self, event: OptionList.OptionHighlighted) -> None:
        number = int(event.option.id or 0)
        step = self._steps[number]
        words = f"{step.instruction} {printable(step.text)}".strip()
        self._tell(f"{number} · {human_size(self._sizes[number])} · {step.digest}\n\n{words}")
        self._load(number)

    @work(thread=True, exclusive=True)
    def _load(self, number: int) -> None:
        view = self._view_of(number)
        self.call_from_thread(self._show, view)

    # files

    def _show(self, view: View | None = None) -> None:
        self._view = view or self._view
        tree = self._tree
        tree.clear()
        if self._view is not None:
            tree.border_title = self._words("Files after layer {number}", number=self._view.number)
            self._fill(tree.root)
            tree.root.expand()

    @property
    def _tree(self) -> Tree[bytes]:
        return self.query_one("#files", Tree)

    def _fill(self, node: TreeNode[bytes]) -> None:
        """What is in a directory, and in those beneath it that are open."""
        if self._view is None or node.children:
            return
        for item in self._view.list(node.data or b"", changes_only=self._changes_only):
            if item.is_directory:
                below = node.add(_label(item), data=item.path)
                if item.path in self._open:
                    self._fill(below)
                    below.expand()
            else:
                node.add_leaf(_label(item), data=item.path)

    @on(Tree.NodeExpanded, "#files")
    def _expand(self, event: Tree.NodeExpanded[bytes]) -> None:
        self._open.add(event.node.data or b"")
        self._fill(event.node)

    @on(Tree.NodeCollapsed, "#files")
    def _collapse(self, event: Tree.NodeCollapsed[bytes]) -> None:
        self._open.discard(event.node.data or b"")

    @on(Tree.NodeHighlighted, "#files")
    def _choose_file(self, event: Tree.NodeHighlighted[bytes]) -> None:
        if self._view is not None and event.node.data and self._tree.has_focus:
            item = self._view.get(event.node.data)
            self._tell("\n".join((*self._facts(item), "", *self._preview(item))))

    def _facts(self, item: Item) -> Iterator[str]:
        entry = item.entry
        yield shown_name("/" + os.fsdecode(entry.path))
        mode = write_mode(KINDS[entry.kind], entry.mode)
        yield f"{mode} {entry.uid}:{entry.gid} {human_size(item.size)}"
        if entry.target:
            yield "→ " + shown_name(os.fsdecode(entry.target))
        if item.change:
            yield self._change(item.change)

    def _change(self, change: Change) -> str:
        if change == "added":
            return self._words("added by this layer")
        return self._words("changed by this layer") if change == "changed" else self._words("removed by this layer")

    def _preview(self, item: Item) -> list[str]:
        if self._view is None or item.entry.kind != FILE or item.change == "removed":
            return []
        try:
            data = self._view.read(item.path, _PREVIEW_BYTES)
        except CapasError as error:
            return [printable(str(error))]
        if b"\0" in data:
            return [self._words("(not a text)")]
        return [printable(line) for line in data.decode(errors="replace").splitlines()[:_PREVIEW_LINES]]

    def _tell(self, text: str) -> None:
        self.query_one("#details", Static).update(text)

    # what keys do

    def action_only_changes(self) -> None:
        """Show what the layer changed, and nothing else; or all again."""
        self._changes_only = not self._changes_only
        self._show()

    def action_search(self) -> None:
        """Ask for a part of a name."""
        box = self.query_one("#search", Input)
        box.add_class("asked")
        box.focus()

    @on(Input.Submitted, "#search")
    def _search(self, event: Input.Submitted) -> None:
        event.input.remove_class("asked")
        self._tree.focus()
        self._found = list(self._view.search(event.value)) if self._view and event.value else []
        if self._found:
            self.action_next_found()
        else:
            self._tell(self._words("Nothing is called like that"))

    def action_next_found(self) -> None:
        """Go to the next file that was found."""
        if self._found and self._view is not None:
            self._found.append(path := self._found.pop(0))
            self._go_to(path)

    def _go_to(self, path: bytes) -> None:
        """Open what is above it, and put the cursor on it."""
        node: TreeNode[bytes] = self._tree.root
        parts = path.split(b"/")
        for depth in range(1, len(parts) + 1):
            self._fill(node)
            node.expand()
            wanted = b"/".join(parts[:depth])
            below = next((child for child in node.children if child.data == wanted), None)
            if below is None:  # only changes are shown
                return
            node = below
        self.call_after_refresh(self._tree.move_cursor, node)


def _label(item: Item) -> Text:
    """A line of the tree: what happened to it, size, name. Colours mark what changed, a dot where it did beneath."""
    label = Text(f"{_SIGNS[item.change] if item.change or not item.inside else '·'} {human_size(item.size):>7} ")
    label.append(shown_name(item.name))
    if item.entry.target:
        label.append(" → " + shown_name(os.fsdecode(item.entry.target)))
    label.stylize(_STYLES[item.change])
    return label
