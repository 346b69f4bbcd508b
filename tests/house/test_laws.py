"""The laws of the house, each one a check."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src" / "capas"
FILES = sorted(file for file in HOUSE.rglob("*.py") if not file.stem.endswith("_pb2"))  # protoc writes those
NAMES = [str(file.relative_to(HOUSE)) for file in FILES]
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "types"}
# composition roots may read the clock and the dice
ROOTS = ("cli/", "engine/", "hub/", "run/monitor", "dockerapi/", "buildkit/")


def tree_of(name: str) -> ast.Module:
    return ast.parse((HOUSE / name).read_text())


def calls(name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, ast.unparse(node)


def imports(name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_arrows_go_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=HOUSE.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def drawn(module: ast.Module) -> Iterator[ast.ImportFrom]:
    """The imports that make arrows: not those for types alone, which nothing runs."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)


def test_no_two_files_import_each_other_in_a_loop() -> None:
    modules = {name: "capas." + name[:-3].replace("/", ".").removesuffix(".__init__") for name in NAMES}
    known = set(modules.values())
    graph: dict[str, set[str]] = {}
    for name, module in modules.items():
        targets = {(node.module, alias.name) for node in drawn(tree_of(name)) for alias in node.names}
        graph[module] = {f"{m}.{n}" if f"{m}.{n}" in known else str(m) for m, n in targets} & known - {module}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("/__init__.py")])
def test_a_door_plate_is_a_docstring(name: str) -> None:
    body = tree_of(name).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)


@pytest.mark.parametrize("name", NAMES)
def test_there_are_no_drawers(name: str) -> None:
    assert not DRAWERS & set(name.removesuffix(".py").split("/"))


@pytest.mark.parametrize("name", NAMES)
def test_a_module_opens_with_its_caption(name: str) -> None:
    assert ast.get_docstring(tree_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_has_one_reader(name: str) -> None:
    if name != "settings.py":
        found = [(line, text) for line, text in calls(name) if text in ("os.environ", "os.getenv", "os.putenv")]
        assert not found


@pytest.mark.parametrize("name", NAMES)
def test_print_and_exit_belong_to_the_terminal(name: str) -> None:
    words = {"print", "input"} if name.startswith("cli/") else {"print", "input", "sys.exit", "exit", "quit"}
    assert not [(line, text) for line, text in calls(name) if text in words and not text.startswith("self")]


@pytest.mark.parametrize("name", NAMES)
def test_the_clock_and_the_dice_have_one_home_each(name: str) -> None:
    if name in ("clock.py", "chance.py"):
        return
    pattern = re.compile(r"time\.(time|time_ns|ctime|localtime)|datetime\.(now|utcnow|today)|date\.today|os\.urandom")
    assert not [(line, text) for line, text in calls(name) if pattern.fullmatch(text)]
    assert not [(n, i) for n, i in imports(name) if i.split(".")[0] in ("random", "secrets", "uuid")]
    if not name.startswith(ROOTS):
        assert not [(n, i) for n, i in imports(name) if i.startswith(("capas.clock", "capas.chance"))]


@pytest.mark.parametrize("name", NAMES)
def test_no_module_keeps_changing_state(name: str) -> None:
    empty = (ast.Dict, ast.List, ast.Set)
    for node in tree_of(name).body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(value, empty):
            filled = value.keys if isinstance(value, ast.Dict) else value.elts
            assert filled, f"line {node.lineno}: an empty container at module level is there to be filled"
        assert not any(isinstance(inner, ast.Global) for inner in ast.walk(node)), f"line {node.lineno}: global"


@pytest.mark.parametrize("name", NAMES)
def test_the_tail_is_bounded(name: str) -> None:
    lines = (HOUSE / name).read_text().count("\n")
    assert lines <= 400, f"{lines} lines"
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name}: {length} lines"


def test_tarfile_never_unpacks() -> None:
    for name in NAMES:
        assert not [text for _, text in calls(name) if text.endswith((".extractall", ".extract"))]


def test_style_and_types_are_clean() -> None:
    tools = Path(sys.executable).parent
    top = HOUSE.parents[1]
    for command in (
        ["ruff", "check", "src", "tests", "benchmarks"],
        ["ruff", "format", "--check", "src", "tests"],
        ["mypy"],
    ):
        done = subprocess.run([tools / command[0], *command[1:]], cwd=top, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
