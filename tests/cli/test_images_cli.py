"""`capas image …` as a person types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.hub import running_hub
from support.tars import make_tar
from support.terminal import Terminal

SMALL = make_tar({"etc": None, "etc/motd": b"hola\n", "bin": "usr/bin"})


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-c", "LABEL team=red", "-", "me/app:1", stdin=SMALL)
    return terminal


def test_import_prints_the_id_that_ls_shows(capas: Terminal) -> None:
    printed = capas.ok("import", "-", stdin=SMALL).strip()
    assert printed in capas.ok("images", "-q", "--no-trunc").split()


def test_ls_has_docker_s_columns(capas: Terminal) -> None:
    heading, row = capas.ok("images").splitlines()
    assert heading.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert re.fullmatch(r"me/app +1 +[0-9a-f]{12} +.* ago +\S+", row)


def test_ls_prints_by_template_and_as_json(capas: Terminal) -> None:
    assert capas.ok("images", "--format", "{{.Repository}}:{{.Tag}}") == "me/app:1\n"
    assert json.loads(capas.ok("images", "--format", "json"))["Repository"] == "me/app"


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["label=team=red"], ["me/app"]), (["label=team=blue"], []), (["reference=me/*"], ["me/app"]),
        (["reference=other/*"], []), (["dangling=true"], []), (["dangling=false", "label=team"], ["me/app"]),
    ],
)  # fmt: skip
def test_ls_keeps_what_fits_every_filter(capas: Terminal, filters: list[str], names: list[str]) -> None:
    flags = [word for text in filters for word in ("--filter", text)]
    assert capas.ok("images", "--format", "{{.Repository}}", *flags).split() == names


def test_an_unknown_filter_names_those_that_are_known(capas: Terminal) -> None:
    assert "before, dangling, label, label!, reference, since, until" in capas.fails("images", "--filter", "color=red")


def test_two_tags_share_one_id_and_rm_untags_until_the_last(capas: Terminal) -> None:
    capas.ok("tag", "me/app:1", "me/app:2")
    assert len(set(capas.ok("images", "-q").split())) == 1
    assert capas.ok("rmi", "me/app:1") == "Untagged: me/app:1\n"
    gone = capas.ok("rmi", "me/app:2").splitlines()
    assert gone[0] == "Untagged: me/app:2"
    assert gone[-1].startswith("Deleted: sha256:")
    assert capas.ok("images", "-q") == ""
    assert not list((capas.root / "store/blobs/sha256").iterdir())


def test_rm_by_the_beginning_of_an_id_takes_the_image(capas: Terminal) -> None:
    short = capas.ok("images", "-q").strip()
    capas.ok("rmi", short[:6])
    assert capas.ok("images", "-q") == ""


def test_rm_by_id_with_names_in_two_repositories_needs_force(capas: Terminal) -> None:
    capas.ok("tag", "me/app:1", "you/app")
    short = capas.ok("images", "-q").split()[0]
    assert "--force" in capas.fails("rmi", short)
    capas.ok("rmi", "-f", short)
    assert capas.ok("images", "-q") == ""


def test_an_image_that_is_not_here_does_not_keep_the_others_from_going(capas: Terminal) -> None:
    assert "no such image: nope" in capas.fails("rmi", "nope", "me/app:1")
    assert capas.ok("images", "-q") == ""


def test_history_shows_steps_newest_first_and_empty_ones_as_0_b(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM me/app:1\nENV A=1\nCOPY Dockerfile /x\n")
    capas.ok("build", "-t", "built", str(tmp_path))
    rows = capas.ok("history", "--format", "{{.CreatedBy}}|{{.Size}}", "built").splitlines()
    assert rows[0].startswith("COPY Dockerfile /x")
    assert rows[1] == "ENV A=1|0B"
    assert len(rows) == 3


def test_saved_images_load_elsewhere_with_their_names(capas: Terminal, tmp_path: Path) -> None:
    capas.ok("save", "-o", str(tmp_path / "a.tar"), "me/app:1")
    other = Terminal(tmp_path / "other")
    assert other.ok("load", "-i", str(tmp_path / "a.tar")) == "Loaded image: me/app:1\n"
    assert other.ok("images", "-q") == capas.ok("images", "-q")


def test_a_truncated_archive_leaves_nothing(capas: Terminal, tmp_path: Path) -> None:
    capas.ok("save", "-o", str(tmp_path / "a.tar"), "me/app:1")
    whole = (tmp_path / "a.tar").read_bytes()
    other = Terminal(tmp_path / "other")
    other.fails("load", stdin=whole[: len(whole) // 2])
    assert other.ok("images", "-q") == ""
    assert not list((tmp_path / "other/store/blobs/sha256").glob("*"))


def test_a_push_and_a_pull_through_a_hub_keep_the_id(capas: Terminal, tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub") as address:
        capas.ok("tag", "me/app:1", f"{address}/team/app:1")
        pushed = capas.ok("push", f"{address}/team/app:1")
        assert re.search(r"1: digest: sha256:[0-9a-f]{64} size: \d+", pushed)
        other = Terminal(tmp_path / "other")
        assert "Status: Downloaded newer image" in other.ok("pull", f"{address}/team/app:1")
        assert "Status: Image is up to date" in other.ok("pull", f"{address}/team/app:1")
        assert other.ok("images", "-q") == capas.ok("images", "-q").split()[0] + "\n"


def test_a_short_name_comes_from_the_mirror_of_docker_io(capas: Terminal, tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub") as address:
        capas.ok("tag", "me/app:1", f"{address}/library/app")
        capas.ok("push", f"{address}/library/app")
        other = Terminal(tmp_path / "other", {"CAPAS_MIRRORS": f"docker.io=http://{address}"})
        other.ok("pull", "app")
        assert other.ok("images", "--format", "{{.Repository}}:{{.Tag}}") == "app:latest\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pull", "Debian"], "lower case"), (["image", "inspect", "nope"], "no such image: nope"),
        (["push", "nope"], "no image here is called nope"), (["load", "-i", "/nope"], "no such file"),
        (["save", "nope", "-o", "/dev/null"], "no such image"), (["tag", "me/app:1", "Bad"], "lower case"),
        (["history", "nope"], "no such image"), (["build", "/nope"], "/nope"),
        (["pull", "localhost:1/x"], "localhost:1"), (["images", "--format", "{{.Nope}}"], "Nope"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_clear_error(capas: Terminal, words: list[str], said: str) -> None:
    assert said in capas.fails(*words)


@pytest.mark.parametrize(
    ("words", "said"), [(["imagse"], "image"), (["images", "--nope"], "--nope"), (["tag", "x"], "TARGET")]
)
def test_a_flag_or_verb_that_is_not_there_is_docker_s_125(capas: Terminal, words: list[str], said: str) -> None:
    assert said in capas.fails(*words, code=125)
