"""`.dockerignore`: docker's rules, as a table and on a walk."""

from __future__ import annotations

import time

import pytest

from capas.dockerfile.ignore import Ignore, parse_ignore, parse_patterns
from capas.errors import Invalid

TABLE = [
    # rules, path, left out
    ("**", "file", True),
    ("**", "dir/file", True),
    ("**/", "dir/file", True),
    ("**/**", "dir/file", True),
    ("dir/**", "dir/file", True),
    ("dir/**", "dir/sub/file", True),
    ("dir/**", "dir", False),
    ("**/dir", "dir", True),
    ("**/dir", "a/dir/file", True),
    ("**/dir2/*", "dir/dir2/file", True),
    ("**/dir2/**", "dir/dir2/dir3/file", True),
    ("**file", "dir/myfile", True),
    ("**/file", "dir/dir/file", True),
    ("**/file", "dir/myfile", False),
    ("**/file*.txt", "dir/dir/file1.txt", True),
    ("**/**/*.txt", "file.txt", True),
    ("**/**/*.txt2", "dir/file.txt", False),
    ("a**/*.txt", "a/dir/dir/file.txt", True),
    ("a/*.txt", "a/dir/file.txt", False),
    ("a/*.txt", "a/file.txt", True),
    ("a[b-d]e", "ace", True),
    ("a[b-d]e", "aae", False),
    ("a[^b-d]e", "aze", True),
    (".*", ".foo", True),
    (".*", "foo", False),
    ("abc.def", "abcZdef", False),
    ("abc?def", "abcZdef", True),
    ("abc?def", "abc/def", False),
    ("a\\*b", "a*b", True),
    ("a\\*b", "axb", False),
    ("**/.foo", "bar.foo", False),
    ("a(b)c/def", "a(b)c/def", True),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
    ("*", "a/b/c", True),
    ("*.go", "sub/a.go", False),
    ("docs", "docs/a/b", True),
    ("docs/", "docs/a", True),
    ("/docs", "docs/a", True),
    ("./docs", "docs/a", True),
    ("a/../docs", "docs", True),
    ("../docs", "docs", False),
    ("Docs", "docs", False),
    ("# docs", "docs", False),
    (" # docs", "docs", False),
    ("  docs  ", "docs", True),
    ("\ufeffdocs", "docs", True),
    ("docs\r\n*.md\r\n", "a.md", True),
    ("", "docs", False),
    (".", "docs", False),
    ("docs\n!docs/README.md", "docs/README.md", False),
    ("docs\n!docs/README.md", "docs/other", True),
    ("docs/*\n! docs/README.md", "docs/README.md", False),
    ("!file.go\n*.go", "file.go", True),
    ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
    ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
    ("**\n!util/web", "util/web/foo", False),
    ("**\n!util/web\nutil/web/foo", "util/web/foo", True),
    ("**\n!**/*.py", "a/b/c.py", False),
    ("*\n!dist/*.whl", "dist/a-1.0+b.whl", False),
    ("*\n!dist/*.whl", "dist/a.tar", True),
]


@pytest.mark.covers(".dockerignore", "**")
@pytest.mark.parametrize(("rules", "path", "left_out"), TABLE)
def test_a_path_is_left_out_as_docker_leaves_it_out(rules: str, path: str, left_out: bool) -> None:
    assert parse_ignore(rules).is_ignored(path) is left_out


@pytest.mark.parametrize(("rules", "line"), [("a\n!", 2), ("[", 1), ("a\n\n# c\n[b-]", 4), ("a\\", 1), ("!  ", 1)])
def test_a_pattern_that_cannot_be_read_is_named_with_its_line(rules: str, line: int) -> None:
    with pytest.raises(Invalid, match=f"^.dockerignore:{line}: "):
        parse_ignore(rules)


def test_a_folder_is_pruned_when_no_exception_reaches_into_it() -> None:
    ignore = parse_ignore("node_modules\nsrc\n!src/*/keep\n.git\n!**/x.py")
    pruned = {}
    for folder in ("node_modules", "src", ".git"):
        pruned[folder] = ignore.is_pruned(folder, ignore.enter(folder))
    assert pruned == {"node_modules": False, "src": False, ".git": False}  # x.py may be anywhere
    ignore = parse_ignore("node_modules\nsrc\n!src/*/keep\n.git")
    for folder in ("node_modules", "src", ".git"):
        pruned[folder] = ignore.is_pruned(folder, ignore.enter(folder))
    assert pruned == {"node_modules": True, "src": False, ".git": True}


def test_an_exception_before_the_rule_brings_nothing_back() -> None:
    ignore = parse_ignore("!a/b/c\na")
    assert ignore.is_pruned("a", ignore.enter("a"))
    assert ignore.is_ignored("a/b/c")


def test_a_folder_that_is_kept_is_never_pruned() -> None:
    ignore = parse_ignore("*.o")
    assert not ignore.is_pruned("src", ignore.enter("src"))


def test_the_rule_that_decided_can_be_named() -> None:
    ignore = parse_ignore("# c\n*.md\n!README.md")
    assert [str(ignore.find_rule(path)) for path in ("a.md", "README.md", "x")] == ["*.md", "!README.md", "None"]
    rule = ignore.find_rule("a.md")
    assert rule is not None and rule.line == 2


def test_patterns_of_copy_exclude_are_read_alike() -> None:
    ignore = parse_patterns(["*.o", "!keep.o", ""])
    assert [ignore.is_ignored(path) for path in ("a.o", "keep.o")] == [True, False]


def test_no_rules_leave_out_nothing() -> None:
    assert not Ignore().is_ignored("a")


def test_twenty_thousand_files_are_judged_quickly() -> None:
    ignore = parse_ignore(
        ".git\nnode_modules\n**/*.pyc\n**/__pycache__\n*.md\n!README.md\nbuild/**\n**/.DS_Store\ndocs/*.txt"
    )
    paths = [f"src/package{number % 100}/module{number}.py" for number in range(20_000)]
    begin = time.process_time()
    states: dict[str, int] = {}
    kept = 0
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in states:
            states[folder] = ignore.enter(folder, ignore.enter("src"))
        kept += not ignore.leaves_out(ignore.enter(path, states[folder]))
    assert kept == 20_000
    assert time.process_time() - begin < 15  # quadratic would be hours
