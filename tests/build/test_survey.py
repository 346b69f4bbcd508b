"""What `capas builder context` tells of a directory: what is sent, what is not and why, and that it tells the truth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from capas.build.request import BuildRequest
from capas.build.survey import Survey, Total, survey
from capas.cli.app import App
from capas.cli.context import context as context_command
from capas.errors import NotFound
from capas.settings import load_settings
from support.building import Workshop, write_files

FILES = {
    "Dockerfile": "FROM base\nCOPY . /app\n",
    ".dockerignore": "# rules\nnode_modules\n**/*.log\n!keep.log\n.git\nout\n!out/kept\n",
    "a.log": "12345", "keep.log": "1", "src/main": "123", "src/deep/x.log": "12", "src/deep/y": "1234",
    "node_modules/p/index": "1" * 1000, "node_modules/q": "1", ".git/HEAD": "ref", "out/big": "1" * 50, "out/kept": "k",
}  # fmt: skip


def look(folder: Path, **wishes: object) -> Survey:
    return survey(BuildRequest(str(folder))._replace(**wishes))  # type: ignore[arg-type]


def test_each_folder_has_the_bytes_of_all_that_is_sent_of_it(tmp_path: Path) -> None:
    found = look(write_files(tmp_path, FILES))
    top = len(FILES["Dockerfile"]) + len(FILES[".dockerignore"]) + 1
    assert found.folders == {
        ".": Total(6, top + 8), "out": Total(1, 1), "src": Total(2, 7), "src/deep": Total(1, 4),
    }  # fmt: skip
    assert found.sent == found.folders["."]


def test_each_rule_names_what_it_leaves_out(tmp_path: Path) -> None:
    found = look(write_files(tmp_path, FILES))
    assert [(one.rule.line, str(one.rule), one.paths, one.total) for one in found.left_out] == [
        (2, "node_modules", ("node_modules/",), Total(2, 1001)),
        (3, "**/*.log", ("a.log", "src/deep/x.log"), Total(2, 7)),
        (5, ".git", (".git/",), Total(1, 3)),
        (6, "out", ("out/big",), Total(1, 50)),
    ]


def test_what_is_said_to_be_sent_is_what_a_copy_of_all_takes(workshop: Workshop, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "c", FILES)
    built = workshop.build(folder)
    copied = [entry for entry in workshop.layer_entries(built.image) if entry.kind == b"0"]
    assert look(folder).sent == Total(len(copied), sum(entry.size for entry in copied))


def test_the_ignore_file_of_the_dockerfile_is_the_one_that_counts(tmp_path: Path) -> None:
    write_files(tmp_path, {**FILES, "x.Dockerfile": "", "x.Dockerfile.dockerignore": "*\n!src"})
    found = look(tmp_path, file=str(tmp_path / "x.Dockerfile"))
    assert (found.ignore_file, found.dockerfile) == ("x.Dockerfile.dockerignore", "x.Dockerfile")
    assert found.sent == Total(3, 9)


def test_a_directory_without_a_dockerfile_can_be_looked_through(tmp_path: Path) -> None:
    assert look(write_files(tmp_path, {"a": "1"})).sent == Total(1, 1)
    with pytest.raises(NotFound, match="no Dockerfile at"):
        look(tmp_path, file=str(tmp_path / "Other"))


def test_odd_files_count_as_they_are_sent(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "1", "new\nline": "12"})
    (tmp_path / os.fsdecode(b"\xff")).write_text("123")
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    assert look(tmp_path).sent == Total(5, 6)


def run(folder: Path, *args: str) -> str:
    app = App(load_settings({"CAPAS_ROOT": str(folder / ".capas"), "LC_ALL": "C", "HOME": str(folder)}))
    result = CliRunner().invoke(context_command, [str(folder), *args], obj=app, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_folders_and_rules_within_eighty_columns(tmp_path: Path) -> None:
    lines = run(write_files(tmp_path, FILES), "--depth", "2").splitlines()
    assert lines[0].endswith("are sent")
    assert any(line.split() == ["src/deep", "1", "4B"] for line in lines)
    assert any(line.startswith(".dockerignore:3 **/*.log") and "a.log, src/deep/x.log" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    write_files(tmp_path, {".dockerignore": "*x\n", "\x1b[31m/a": "1", "\x1b]0;x": "1", "a": ""})
    (tmp_path / os.fsdecode(b"\xffx")).write_text("")
    assert "\x1b" not in run(tmp_path)
    assert json.loads(run(tmp_path, "--format", "json"))


def test_the_command_prints_json(tmp_path: Path) -> None:
    document = json.loads(run(write_files(tmp_path, FILES), "--format", "json"))
    assert document["files"] == 6
    assert {"path": "src", "files": 2, "size": 7} in document["folders"]
    assert document["leftOut"][0] == {
        "rule": "node_modules", "line": 2, "files": 2, "size": 1001, "paths": ["node_modules/"],
    }  # fmt: skip
