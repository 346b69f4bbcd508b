"""`capas builder du` and `prune`: what the build cache holds, how old and how large, and what of it goes."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from capas.build.sources.digests import RACY_NS
from support.building import write_files
from support.tars import make_tar
from support.terminal import Terminal

DAY_NS = 24 * 3600 * 10**9


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    """A cache with three layers that no image needs, the first made longest ago."""
    terminal = Terminal(tmp_path)
    for name in ("one", "two", "three"):
        text = f"FROM scratch\nCOPY {name} /{name}\n"
        context = write_files(tmp_path / name, {"Dockerfile": text, name: os.urandom(100_000)})
        terminal.ok("build", "-t", "app", str(context))
    terminal.ok("rmi", "app")
    terminal.ok("image", "prune", "-af")
    return terminal


def settle(context: Path) -> None:
    """Until its files were written so long ago that what they hold is noted (see `build.sources.digests`)."""
    newest = max(path.stat().st_ctime_ns for path in context.iterdir())
    while time.time_ns() - newest <= 2 * RACY_NS:
        time.sleep(0.1)


def rows(capas: Terminal, *flags: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in capas.ok("builder", "du", "--format", "json", *flags).splitlines()]


def layers(capas: Terminal) -> list[str]:
    """The instructions whose layers are in the cache, the longest unused first."""
    return [row["Description"] for row in rows(capas, "--filter", "type=regular") if row["Size"] != "0B"]


def test_du_has_buildx_s_columns_and_sums(capas: Terminal) -> None:
    heading, *lines = capas.ok("builder", "du").splitlines()
    assert heading.split() == ["ID", "RECLAIMABLE", "SIZE", "LAST", "ACCESSED"]
    assert re.fullmatch(r"[0-9a-z.]+ +true +\S+ +.* ago", lines[0])
    assert lines[-2].startswith("Reclaimable: ")
    assert lines[-1].startswith("Total: ")


def test_du_tells_instructions_the_longest_unused_first(capas: Terminal) -> None:
    assert layers(capas) == ["COPY one /one", "COPY two /two", "COPY three /three"]
    capas.ok("build", "-t", "app", str(capas.root / "one"))
    assert layers(capas) == ["COPY two /two", "COPY three /three", "COPY one /one"]


def test_a_layer_that_an_image_needs_is_marked_as_shared(capas: Terminal) -> None:
    capas.ok("build", "-t", "app", str(capas.root / "one"))
    shared = {row["Description"]: row["Shared"] for row in rows(capas)}
    assert (shared["COPY one /one"], shared["COPY two /two"]) == ("true", "false")
    assert "Shared: 100kB\n" in capas.ok("builder", "du")


def test_du_verbose_says_everything_of_each(capas: Terminal) -> None:
    said = capas.ok("builder", "du", "--verbose", "--filter", "type=regular")
    assert re.search(r"^Description: +COPY one /one$", said, re.MULTILINE)
    assert re.search(r"^Type: +regular$", said, re.MULTILINE)


def test_prune_asks_first_and_says_what_would_go(capas: Terminal) -> None:
    done = capas.run("builder", "prune")
    assert done.returncode == 1
    assert "RECLAIMABLE" in done.stdout
    assert "nothing removed" in done.stderr
    assert len(layers(capas)) == 3


@pytest.mark.parametrize("flag", ["--max-used-space", "--reserved-space", "--keep-storage"])
def test_a_budget_takes_the_longest_unused_until_the_rest_fits(capas: Terminal, flag: str) -> None:
    capas.ok("build", str(capas.root / "one"), "-o", str(capas.root / "out"))
    said = capas.ok("builder", "prune", "-f", flag, "250kB")
    assert layers(capas) == ["COPY three /three", "COPY one /one"]
    assert re.search(r"^Total reclaimed space: 10[01]kB$", said, re.MULTILINE)


def test_a_budget_that_holds_all_removes_nothing(capas: Terminal) -> None:
    assert capas.ok("builder", "prune", "-f", "--max-used-space", "1GiB") == "Total reclaimed space: 0B\n"


def test_filters_choose_what_goes(capas: Terminal) -> None:
    (first, *_) = [row["ID"] for row in rows(capas) if row["Description"] == "COPY one /one"]
    capas.ok("builder", "prune", "-f", "--filter", "until=24h")
    assert len(layers(capas)) == 3
    capas.ok("builder", "prune", "-f", "--filter", f"id={first}")
    assert layers(capas) == ["COPY two /two", "COPY three /three"]
    capas.ok("builder", "prune", "-f", "--filter", "type=regular")
    assert layers(capas) == []


def test_internal_notes_go_with_all_alone(capas: Terminal) -> None:
    capas.ok("import", "-", "base", stdin=make_tar({"etc": None}))
    write_files(capas.root / "one", {"Dockerfile": "FROM base\nCOPY one /one\n"})
    settle(capas.root / "one")
    capas.ok("build", str(capas.root / "one"), "-t", "app")
    capas.ok("builder", "prune", "-f")
    assert {row["Type"] for row in rows(capas)} == {"internal"}
    capas.ok("builder", "prune", "-af")
    assert rows(capas) == []


def test_what_is_pruned_is_built_again_and_images_stay(capas: Terminal) -> None:
    capas.ok("build", "-t", "app", str(capas.root / "one"))
    capas.ok("builder", "prune", "-f")
    assert capas.ok("system", "check").strip() == "Everything is whole"
    assert "(0 of 1 step cached)" in capas.ok("build", "-t", "app", str(capas.root / "one"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["du", "--filter", "colour=red"], "not a filter of the build cache"),
        (["prune", "-f", "--filter", "until=yesterday"], "not a duration"),
        (["prune", "-f", "--max-used-space", "plenty"], "not a size"),
    ],
)
def test_what_cannot_be_is_refused(capas: Terminal, words: list[str], said: str) -> None:
    assert said in capas.fails("builder", *words)


def test_system_df_counts_the_build_cache(capas: Terminal) -> None:
    found = [json.loads(line) for line in capas.ok("system", "df", "--format", "json").splitlines()]
    (row,) = [row for row in found if row["Type"] == "Build Cache"]
    assert row["Size"].startswith("3") and row["Size"].endswith("kB")
