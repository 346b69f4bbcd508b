"""Users of an image: looked up in its own files, confined, and never root by mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capas.errors import Invalid, NotFound
from capas.run.user import User, find_user

PASSWD = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\nbad:x:zero:0::/:\n7:x:9:9::/:\n"
GROUP = "root:x:0:\nana:x:1000:\naudio:x:29:ana\nvideo:x:44:root,ana\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


def test_no_user_is_root(tree: Path) -> None:
    assert find_user(tree, "") == User(0, 0, (0, 44), "/root")


def test_a_name_brings_its_group_its_supplementary_groups_and_its_home(tree: Path) -> None:
    assert find_user(tree, "ana") == User(1000, 1000, (29, 44, 1000), "/home/ana")


def test_a_group_that_is_given_stands_alone(tree: Path) -> None:
    assert find_user(tree, "ana:video") == User(1000, 44, (44,), "/home/ana")


def test_a_number_need_not_be_in_the_image(tree: Path) -> None:
    assert find_user(tree, "4242:17") == User(4242, 17, (17,), "/")


def test_a_number_in_the_image_is_that_user(tree: Path) -> None:
    assert find_user(tree, "1000").home == "/home/ana"


def test_extra_groups_are_added(tree: Path) -> None:
    assert find_user(tree, "ana", ("root", "77")).groups == (0, 29, 44, 77, 1000)


def test_a_name_that_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(NotFound, match="no user nobody"):
        find_user(tree, "nobody")


def test_a_group_that_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(NotFound, match="no group nogroup"):
        find_user(tree, "ana:nogroup")


@pytest.mark.parametrize(
    "text",
    ["2147483648", "4294967296", "99999999999999999999", "-1", "+0", "0x0", "٠", "1e3", "1_0", ":", "0:-1",
     "0:2147483648", "a\nb", "1.0"],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_refused(tree: Path, text: str) -> None:
    with pytest.raises((Invalid, NotFound)):
        find_user(tree, text)


def test_a_link_out_of_the_tree_is_followed_inside_it(tree: Path) -> None:
    (tree / "etc/passwd").unlink()
    (tree / "etc/passwd").symlink_to("/../../../../../../etc/passwd-of-the-host")
    with pytest.raises(NotFound):
        find_user(tree, "ana")


def test_a_link_inside_the_tree_works(tree: Path) -> None:
    (tree / "etc/passwd").rename(tree / "real")
    (tree / "etc/passwd").symlink_to("/real")
    assert find_user(tree, "ana").uid == 1000


def test_a_fifo_is_refused_at_once(tree: Path) -> None:
    (tree / "etc/passwd").unlink()
    os.mkfifo(tree / "etc/passwd")
    with pytest.raises(Invalid, match="not a regular file"):
        find_user(tree, "ana")


def test_a_huge_file_is_refused_unread(tree: Path) -> None:
    os.truncate(tree / "etc/group", 2**40)
    with pytest.raises(Invalid, match="more than"):
        find_user(tree, "ana:audio")


def test_a_tree_without_files_knows_numbers_only(tmp_path: Path) -> None:
    assert find_user(tmp_path, "5").uid == 5
    with pytest.raises(NotFound):
        find_user(tmp_path, "ana")
