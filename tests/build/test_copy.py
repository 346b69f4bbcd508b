"""COPY: what lands where, as whose, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capas.errors import Corrupt, Invalid, NotFound
from capas.layer.entry import DIRECTORY, FILE, SYMLINK
from support.building import GROUP, PASSWD, Workshop, write_files

MTIME_NS = 499_162_500 * 10**9


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context with a few files."""
    return write_files(
        tmp_path / "context",
        {
            "a.txt": "a",
            "b.txt": "b",
            "c.md": "c",
            "src/main.py": "print()",
            "src/lib/util.py": "",
            "src/data.json": "{}",
        },
    )


def layer(workshop: Workshop, context: Path, lines: str, base: str = "base") -> dict[str, tuple[int, int, int]]:
    """The last layer of a build: path → mode, uid, gid."""
    built = workshop.build(context, dockerfile_text=f"FROM {base}\n{lines}")
    return {
        os.fsdecode(entry.path): (entry.mode, entry.uid, entry.gid) for entry in workshop.layer_entries(built.image)
    }


@pytest.mark.covers("COPY", "files")
def test_a_file_takes_the_name_of_its_target(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY a.txt /etc/name")) == ["etc/name"]


def test_a_file_lands_in_a_target_with_a_slash(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY a.txt /new/")) == ["new", "new/a.txt"]


def test_a_file_lands_in_a_directory_that_the_image_has(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY a.txt /etc")) == ["etc/a.txt"]


@pytest.mark.covers("COPY", "directories")
def test_a_directory_gives_its_contents(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY src /app")) == [
        "app", "app/data.json", "app/lib", "app/lib/util.py", "app/main.py",
    ]  # fmt: skip


def test_a_relative_target_is_below_the_workdir(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "WORKDIR /srv\nCOPY a.txt sub/")) == ["srv/sub", "srv/sub/a.txt"]


def test_a_dot_is_the_workdir(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "WORKDIR /srv\nCOPY a.txt b.txt .")) == ["srv/a.txt", "srv/b.txt"]


@pytest.mark.covers("COPY", "wildcards")
def test_a_wildcard_takes_what_matches(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY *.txt /etc/")) == ["etc/a.txt", "etc/b.txt"]


def test_a_wildcard_that_matches_nothing_makes_no_layer(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context, dockerfile_text="FROM base\nCOPY *.nothing /etc/")
    assert len(built.image.layers) == 1
    assert built.image.history[-1].empty_layer


def test_a_wildcard_in_a_directory_name_is_followed(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY s*/*.py /etc/")) == ["etc/main.py"]


def test_missing_directories_are_made_for_root_with_0755(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY a.txt /x/y/z")
    assert found["x"] == found["x/y"] == (0o755, 0, 0)


def test_directories_that_exist_are_left_alone(workshop: Workshop, context: Path) -> None:
    assert list(layer(workshop, context, "COPY a.txt /tmp/a")) == ["tmp/a"]


def test_a_link_in_the_image_is_followed_inside_it(workshop: Workshop, context: Path) -> None:
    workshop.make_image("linked", {"usr/lib": None, "lib": "/usr/lib", "out": "../../../../etc"})
    assert list(layer(workshop, context, "COPY a.txt /lib/", "linked")) == ["usr/lib/a.txt"]
    assert list(layer(workshop, context, "COPY a.txt /out/", "linked")) == ["etc", "etc/a.txt"]


def test_links_that_go_round_are_an_error(workshop: Workshop, context: Path) -> None:
    workshop.make_image("round", {"x": "y", "y": "x"})
    with pytest.raises(Invalid, match="too many symbolic links"):
        layer(workshop, context, "COPY a.txt /x/", "round")


@pytest.mark.covers("COPY", "--chown")
def test_chown_names_are_looked_up_in_the_image(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY --chown=app:staff src /new")
    assert set(found.values()) == {(0o755, 1001, 50), (0o644, 1001, 50)}


def test_chown_by_name_brings_the_group_of_passwd(workshop: Workshop, context: Path) -> None:
    assert layer(workshop, context, "COPY --chown=app a.txt /etc/")["etc/a.txt"][1:] == (1001, 1002)


def test_chown_by_number_needs_no_passwd(workshop: Workshop, context: Path) -> None:
    assert layer(workshop, context, "COPY --chown=55 a.txt /etc/", "scratch")["etc/a.txt"][1:] == (55, 55)


def test_an_unknown_user_is_named(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="no user 'nobody'"):
        layer(workshop, context, "COPY --chown=nobody a.txt /")


def test_a_passwd_that_links_out_of_the_image_is_read_inside_it(workshop: Workshop, context: Path) -> None:
    workshop.make_image("links", {"etc/passwd": "../../../other", "other": PASSWD, "etc/group": GROUP})
    assert layer(workshop, context, "COPY --chown=app a.txt /", "links")["a.txt"][1:] == (1001, 1002)


@pytest.mark.covers("COPY", "--chmod")
def test_chmod_sets_every_mode(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY --chmod=0700 src /tmp/")
    assert {mode for mode, _, _ in found.values()} == {0o700}


@pytest.mark.covers("COPY", "--chmod symbolic")
def test_chmod_takes_symbols(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY --chmod=u=rwX,go= src /tmp/")
    assert (found["tmp/lib"][0], found["tmp/main.py"][0]) == (0o700, 0o600)


def test_files_have_one_time_and_belong_to_root(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context, dockerfile_text="FROM base\nCOPY src /tmp/")
    entries = workshop.layer_entries(built.image)
    assert {(entry.mtime_ns, entry.uid, entry.gid) for entry in entries} == {(MTIME_NS, 0, 0)}


def test_links_of_the_context_stay_links(workshop: Workshop, context: Path) -> None:
    (context / "src" / "link").symlink_to("/etc/passwd")
    built = workshop.build(context, dockerfile_text="FROM base\nCOPY src /tmp/")
    (link,) = [entry for entry in workshop.layer_entries(built.image) if entry.kind == SYMLINK]
    assert link.target == b"/etc/passwd"


def test_a_source_that_is_a_link_is_followed_inside_the_context(workshop: Workshop, context: Path) -> None:
    (context / "out").symlink_to("../../../../../a.txt")
    built = workshop.build(context, dockerfile_text="FROM base\nCOPY out /tmp/x")
    assert workshop.read(built.image, "tmp/x") == b"a"


def test_nothing_above_the_context_is_reachable(workshop: Workshop, context: Path) -> None:
    (context.parent / "secret").write_text("secret")
    with pytest.raises(NotFound, match=r"\.\./secret is not in the build context"):
        layer(workshop, context, "COPY ../secret /")


def test_a_missing_source_suggests_what_was_meant(workshop: Workshop, context: Path) -> None:
    with pytest.raises(NotFound) as caught:
        layer(workshop, context, "COPY a.text /")
    assert "Dockerfile:2:" in str(caught.value)
    assert caught.value.hint.startswith("did you mean a.txt")


def test_several_sources_need_a_directory(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="several sources"):
        layer(workshop, context, "COPY a.txt b.txt /one")


def test_several_matches_need_a_directory(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="several files cannot be copied to the one file"):
        layer(workshop, context, "COPY *.txt /one")


def test_a_file_does_not_replace_a_directory(workshop: Workshop, context: Path) -> None:
    (context / "tmp").write_text("not a directory")
    with pytest.raises(Invalid, match="/tmp: it is a directory"):
        layer(workshop, context, "COPY tmp c.md /")


def test_a_file_in_the_way_of_a_directory_is_named(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="/etc/passwd is in the way"):
        layer(workshop, context, "COPY a.txt /etc/passwd/")


def test_a_name_that_would_delete_is_refused(workshop: Workshop, context: Path) -> None:
    (context / ".wh.passwd").write_text("")
    with pytest.raises(Invalid, match=r"\.wh\.passwd"):
        layer(workshop, context, "COPY . /etc/")


def test_copy_takes_no_url(workshop: Workshop, context: Path) -> None:
    with pytest.raises(Invalid, match="COPY does not take the URL"):
        layer(workshop, context, "COPY https://example.org/x /")


@pytest.mark.covers("COPY", "--exclude")
def test_exclude_leaves_files_out(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY --exclude=**/*.py --exclude=lib src /tmp/")
    assert list(found) == ["tmp/data.json"]
    found = layer(workshop, context, "COPY --exclude=a* --exclude=!a.txt --exclude=b.* *.txt /tmp/")
    assert list(found) == ["tmp/a.txt"]


PARENTS = [
    ("src/lib/util.py", ["src", "src/lib", "src/lib/util.py"]),
    ("src/./lib/util.py", ["lib", "lib/util.py"]),
    ("a.txt", ["a.txt"]),
    ("src/lib", ["src", "src/lib", "src/lib/util.py"]),
    ("src/lib/.", ["src", "src/lib", "src/lib/util.py"]),
    ("./src/./lib/", ["lib", "lib/util.py"]),
    ("src/./lib/./util.py", ["lib", "lib/util.py"]),
    ("s*/./l*/*.py", ["lib", "lib/util.py"]),
    ("**/*.py", ["src", "src/lib", "src/lib/util.py", "src/main.py"]),
    ("src/**/*.py", ["src", "src/lib", "src/lib/util.py", "src/main.py"]),
    ("s*/./**/util.py", ["lib", "lib/util.py"]),
    ("./**/lib", ["src", "src/lib", "src/lib/util.py"]),
    ("--exclude=src/lib src", ["src", "src/data.json", "src/main.py"]),
    ("--exclude=lib src", ["src", "src/data.json", "src/lib", "src/lib/util.py", "src/main.py"]),
    ("--exclude=**/*.py src", ["src", "src/data.json", "src/lib"]),
    ("src/lib/util.py src/data.json a.txt", ["a.txt", "src", "src/data.json", "src/lib", "src/lib/util.py"]),
]


@pytest.mark.covers("COPY", "--parents")
@pytest.mark.parametrize(("sources", "expected"), PARENTS)
def test_parents_keeps_the_directories_in_front(
    workshop: Workshop, context: Path, sources: str, expected: list[str]
) -> None:
    found = layer(workshop, context, f"COPY --parents {sources} /tmp/")
    assert [path.removeprefix("tmp/") for path in found] == expected


def test_parents_are_made_as_they_are_in_the_source(workshop: Workshop, context: Path) -> None:
    (context / "src").chmod(0o700)
    text = "FROM base AS one\nCOPY --chown=7:8 --parents src/lib /x/\n"
    text += "FROM base\nCOPY --parents --from=one /x/./src/lib /y/"
    built = workshop.build(context, dockerfile_text=text)
    found = {entry.path: (entry.mode, entry.uid, entry.gid) for entry in workshop.layer_entries(built.image)}
    assert found[b"y"] == (0o755, 0, 0)
    assert found[b"y/src"] == (0o700, 7, 8)


def test_parents_that_are_there_stay_as_they_are(workshop: Workshop, context: Path) -> None:
    (context / "src").chmod(0o700)
    workshop.make_image("has", {"x/src": None})
    assert list(layer(workshop, context, "COPY --parents src/lib /x/", "has")) == ["x/src/lib", "x/src/lib/util.py"]


@pytest.mark.covers("COPY", "--link")
def test_a_linked_copy_does_not_look_at_the_image(workshop: Workshop, context: Path) -> None:
    first = workshop.build(context, dockerfile_text="FROM base\nCOPY --link a.txt /tmp/")
    second = workshop.build(context, dockerfile_text="FROM scratch\nCOPY --link a.txt /tmp/")
    assert first.image.layers[-1] == second.image.layers[-1]
    assert second.cached == 1


def test_a_linked_copy_survives_a_new_base(workshop: Workshop, context: Path) -> None:
    wishes = {"dockerfile_text": "FROM base\nCOPY --link --chown=5:6 src /etc/x/\nCOPY --link <<EOF /y\nhi\nEOF\n"}
    first = workshop.build(context, **wishes)
    workshop.make_image("base", {"etc": "elsewhere", "new": b"base"})
    second = workshop.build(context, **wishes)
    assert second.cached == 2
    assert second.image.layers[1:] == first.image.layers[1:]


def test_a_linked_copy_reads_nothing_of_the_base(workshop: Workshop, context: Path) -> None:
    image = workshop.make_image("base", {"etc": None})
    with workshop.store.blobs.open(image.layers[0].descriptor.digest) as blob:
        data = blob.read()
    path = workshop.store.root / "blobs" / "sha256" / image.layers[0].descriptor.digest.hex
    path.chmod(0o600)
    path.write_bytes(b"\0" * len(data))  # whoever reads it fails
    assert workshop.build(context, dockerfile_text="FROM base\nCOPY --link a.txt /x\n").image


def test_a_linked_copy_makes_plain_directories_where_the_image_has_links(workshop: Workshop, context: Path) -> None:
    workshop.make_image("links", {"etc": "elsewhere", "elsewhere": None})
    built = workshop.build(context, dockerfile_text="FROM links\nCOPY --link a.txt /etc/\n")
    kinds = {entry.path: entry.kind for entry in workshop.layer_entries(built.image)}
    assert kinds == {b"etc": DIRECTORY, b"etc/a.txt": FILE}


def test_names_of_a_linked_chown_are_those_of_the_base(workshop: Workshop, context: Path) -> None:
    found = layer(workshop, context, "COPY --link --chown=app:staff a.txt /x/")
    assert found["x/a.txt"][1:] == (1001, 50)
    workshop.make_image("base", {"etc/passwd": b"app:x:7:8::/:/bin/sh\n", "etc/group": b"staff:x:9:\n"})
    assert layer(workshop, context, "COPY --link --chown=app:staff a.txt /x/")["x/a.txt"][1:] == (7, 9)


@pytest.mark.covers("COPY", "JSON form")
@pytest.mark.covers("ADD", "JSON form")
@pytest.mark.parametrize("word", ["COPY", "ADD"])
def test_names_with_blanks_are_written_as_json(workshop: Workshop, context: Path, word: str) -> None:
    (context / "a b").write_text("ab")
    built = workshop.build(context, dockerfile_text=f'FROM base\n{word} ["a b", "/c d/"]')
    assert workshop.read(built.image, "c d/a b") == b"ab"


@pytest.mark.covers("ADD", "files")
@pytest.mark.covers("ADD", "directories")
@pytest.mark.covers("ADD", "wildcards")
@pytest.mark.covers("ADD", "heredoc")
@pytest.mark.covers("ADD", "--chmod")
@pytest.mark.covers("ADD", "--link")
@pytest.mark.parametrize(
    "rest",
    [
        "a.txt /x/", "src /x/", "*.txt /x/", "arr[[]0] /x/", "--chmod=0640 src /x/", "--chown=app:5 a.txt src /x/",
        "--link --chmod=u=rwX src /x/y", "--exclude=**/*.py src /x/", "<<EOF /x/\nhello\nEOF",
        "--chmod=700 <<EOF /x\nhi\nEOF",
    ],
)  # fmt: skip
def test_add_does_with_plain_files_what_copy_does(workshop: Workshop, context: Path, rest: str) -> None:
    (context / "arr[0]").write_text("")
    copied, added = (layer(workshop, context, f"{word} {rest}") for word in ("COPY", "ADD"))
    assert copied == added


@pytest.mark.covers("COPY", "heredoc")
def test_a_heredoc_makes_a_file(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context, dockerfile_text='FROM base\nENV A=1\nCOPY <<one <<"two" /tmp/\n$A\none\n$A\ntwo\n')
    assert workshop.read(built.image, "tmp/one") == b"1\n"
    assert workshop.read(built.image, "tmp/two") == b"$A\n"


@pytest.mark.covers("COPY", "--from=stage")
def test_a_copy_from_a_stage_keeps_owner_and_mode(workshop: Workshop, context: Path) -> None:
    text = "FROM base AS one\nCOPY --chown=7:8 --chmod=750 src /made/\nFROM scratch\nCOPY --from=one /made /got"
    built = workshop.build(context, dockerfile_text=text)
    entries = {entry.path: entry for entry in workshop.layer_entries(built.image)}
    assert (entries[b"got/main.py"].mode, entries[b"got/main.py"].uid, entries[b"got/main.py"].gid) == (0o750, 7, 8)
    assert entries[b"got"].kind == DIRECTORY
    assert workshop.read(built.image, "got/main.py") == b"print()"


@pytest.mark.covers("COPY", "--from=image")
def test_a_copy_from_an_image_needs_no_stage(workshop: Workshop, context: Path) -> None:
    workshop.make_image("other", {"bin/tool": b"tool"})
    built = workshop.build(context, dockerfile_text="FROM scratch\nCOPY --from=other /bin/tool /usr/bin/")
    assert workshop.read(built.image, "usr/bin/tool") == b"tool"


def test_a_copy_from_a_stage_follows_links_inside_that_stage(workshop: Workshop, context: Path) -> None:
    workshop.make_image("other", {"real/file": b"in the image", "link": "../../../real"})
    built = workshop.build(context, dockerfile_text="FROM scratch\nCOPY --from=other /link/file /got")
    assert workshop.read(built.image, "got") == b"in the image"


def test_a_file_that_grows_while_it_is_read_is_an_error(workshop: Workshop, context: Path) -> None:
    from capas.build.sources.digests import FileDigests
    from capas.build.sources.directory import DirectoryFiles

    files = DirectoryFiles(context, ignore=None, digests=FileDigests(None, lambda: 0), mtime_ns=0)
    entry = files.find(b"a.txt")
    assert entry is not None
    (context / "a.txt").write_text("longer than before")
    with files.open(entry) as file, pytest.raises(Corrupt):
        from capas.layer.writer import TarWriter

        TarWriter(lambda data: None).add_small(entry, file.read(100))
    files.close()
