"""`capas image diff` as a person, and as a pipeline, uses it."""

from __future__ import annotations

import json

import pytest

from support.changesets import file
from support.looking import make_engine, put_image
from support.terminal import Terminal


@pytest.fixture(scope="module")
def capas(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    root = tmp_path_factory.mktemp("diff")
    engine = make_engine(root)
    put_image(engine, "app:1", [file("etc/a", b"one"), file("gone\x1b[2J\u202e", b"1" * 2000), file("etc/m")])
    put_image(engine, "app:2", [file("etc/a", b"two"), file("come\udcff", b"2" * 500), file("etc/m", mode=0o755)])
    return Terminal(root)


def test_the_summary_comes_first(capas: Terminal) -> None:
    lines = capas.ok("image", "diff", "app:1", "app:2").splitlines()
    assert lines[0].startswith("- app:1 (")
    assert lines[0].endswith("2kB in 3 files, 1 layer")
    assert lines[4] == (
        "Files: 1 added (+500B), 1 removed (-2kB), 1 changed (+0B), 1 with another mode, owner or attribute"
    )
    assert lines[-4:] == [
        r"  - /gone\x1b[2J\u202e 2kB", r"  + /come\xff 500B", "  ~ /etc/a content 3B → 3B",
        "  ~ /etc/m mode 0644 → 0755",
    ]  # fmt: skip


def test_files_are_listed_by_a_glob(capas: Terminal) -> None:
    lines = capas.ok("image", "diff", "app:1", "app:2", "--files", "/etc/*").splitlines()
    assert lines[lines.index("Files") + 1 :] == ["  ~ /etc/a content 3B → 3B", "  ~ /etc/m mode 0644 → 0755"]


def test_no_name_commands_the_terminal_and_json_loses_none(capas: Terminal) -> None:
    assert capas.ok("image", "diff", "app:1", "app:2", "--files", "*").replace("\n", "").isprintable()
    text = capas.ok("image", "diff", "--format", "json", "app:1", "app:2")
    assert text.isascii()
    files = json.loads(text)["Files"]
    assert [one["Path"] for one in files] == ["/come\udcff", "/etc/a", "/etc/m", "/gone\x1b[2J\u202e"]
    assert files[1]["Old"]["Digest"] != files[1]["New"]["Digest"]


def test_the_exit_code_tells_a_difference_where_that_is_asked_for(capas: Terminal) -> None:
    assert capas.run("image", "diff", "app:1", "app:2").returncode == 0
    assert capas.run("image", "diff", "--exit-code", "app:1", "app:2").returncode == 1
    assert "No file, package, setting or step differs" in capas.ok("image", "diff", "--exit-code", "app:1", "app:1")
