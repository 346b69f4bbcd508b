"""Every instruction and form that needs no process, built: the plain cases that `docs/dockerfile.md` points at."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from capas.image.image import Image
from capas.oci.config import Execution
from capas.oci.platform import Platform
from support.building import Workshop, write_files


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return write_files(tmp_path / "context", {
        "a.txt": "A", "b.txt": "B", "c.md": "C", "a b.txt": "blank", "dir/x": "X", "dir/sub/y": "Y",
        "data.tar": tar_of({"inside": b"packed"}),
    })  # fmt: skip


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def build(workshop: Workshop, context: Path, text: str, **wishes: object) -> Image:
    return workshop.build(context, dockerfile_text=text, **wishes).image


def config(workshop: Workshop, context: Path, text: str, **wishes: object) -> Execution:
    return build(workshop, context, text, **wishes).config.execution


def files(workshop: Workshop, image: Image, *paths: str) -> list[bytes]:
    return [workshop.read(image, path) for path in paths]


# FROM


@pytest.mark.covers("FROM", "image")
@pytest.mark.covers("FROM", "AS")
@pytest.mark.covers("FROM", "stage")
def test_a_stage_begins_with_an_image_or_with_another_stage(workshop: Workshop, context: Path) -> None:
    text = "FROM base AS One\nLABEL l=1\nCOPY a.txt /\nFROM one\nCOPY b.txt /"
    image = build(workshop, context, text)
    assert files(workshop, image, "a.txt", "b.txt") == [b"A", b"B"]
    assert image.config.execution.labels == {"l": "1"}
    assert workshop.tree(image).find(b"etc/passwd") is not None


@pytest.mark.covers("FROM", "digest")
def test_an_image_can_be_named_by_its_digest(workshop: Workshop, context: Path) -> None:
    image = next(iter(workshop.images.values()))
    reference = next(iter(workshop.images)).with_digest(image.digest)
    workshop.images[reference] = image
    assert build(workshop, context, f"FROM base@{image.digest}").layers == image.layers
    assert workshop.pulled[-1][0] == f"base@{image.digest}"


@pytest.mark.covers("FROM", "scratch")
def test_scratch_has_no_files(workshop: Workshop, context: Path) -> None:
    image = build(workshop, context, "FROM scratch\nCOPY a.txt /")
    assert len(image.layers) == 1 and workshop.pulled == []


@pytest.mark.covers("FROM", "--platform")
def test_a_stage_can_be_of_another_platform(workshop: Workshop, context: Path) -> None:
    text = "FROM --platform=linux/arm64/v8 scratch AS arm\nFROM --platform=$BUILDPLATFORM scratch AS here"
    wishes = {"host_platform": Platform.parse("linux/amd64"), "platform": Platform.parse("linux/s390x")}
    assert build(workshop, context, text, target="arm", **wishes).config.architecture == "arm64"
    assert build(workshop, context, text, target="here", **wishes).config.architecture == "amd64"


# what the config says


@pytest.mark.covers("CMD", "exec form")
@pytest.mark.covers("CMD", "parameters of ENTRYPOINT")
@pytest.mark.covers("ENTRYPOINT", "exec form")
def test_lists_are_kept_as_they_are(workshop: Workshop, context: Path) -> None:
    found = config(workshop, context, 'FROM base\nENTRYPOINT ["top", "-b"]\nCMD ["-c"]')
    assert (found.entrypoint, found.cmd) == (("top", "-b"), ("-c",))


@pytest.mark.covers("CMD", "shell form")
@pytest.mark.covers("ENTRYPOINT", "shell form")
def test_plain_commands_are_given_to_the_shell(workshop: Workshop, context: Path) -> None:
    found = config(workshop, context, "FROM base\nENTRYPOINT exec top -b\nCMD echo $HOME")
    assert (found.entrypoint, found.cmd) == (("/bin/sh", "-c", "exec top -b"), ("/bin/sh", "-c", "echo $HOME"))


@pytest.mark.covers("LABEL", "name=value")
@pytest.mark.covers("LABEL", "inherited")
def test_labels_add_to_those_of_the_base(workshop: Workshop, context: Path) -> None:
    workshop.make_image("base", execution=Execution(labels={"kept": "1", "changed": "2"}))
    assert config(workshop, context, "FROM base\nLABEL changed=3 new='a b'").labels == {
        "kept": "1", "changed": "3", "new": "a b",
    }  # fmt: skip


@pytest.mark.covers("MAINTAINER", "name")
def test_a_maintainer_is_the_author(workshop: Workshop, context: Path) -> None:
    assert build(workshop, context, "FROM base\nMAINTAINER Me <me@example.org>").config.author == "Me <me@example.org>"


@pytest.mark.covers("EXPOSE", "port")
@pytest.mark.covers("EXPOSE", "range")
def test_ports_are_exposed_one_by_one(workshop: Workshop, context: Path) -> None:
    found = config(workshop, context, "FROM base\nEXPOSE 80\nEXPOSE 8000-8002/udp")
    assert sorted(found.exposed_ports or {}) == ["80/tcp", "8000/udp", "8001/udp", "8002/udp"]


@pytest.mark.covers("ENV", "name=value")
def test_variables_stay_in_the_image(workshop: Workshop, context: Path) -> None:
    assert "MY_VAR=my-value" in (config(workshop, context, "FROM base\nENV MY_VAR=my-value").env or ())


@pytest.mark.covers("VOLUME", "JSON form")
def test_volumes_are_kept(workshop: Workshop, context: Path) -> None:
    found = config(workshop, context, 'FROM base\nENV d=/data\nVOLUME ["/a b", "$d"]')
    assert sorted(found.volumes or {}) == ["/a b", "/data"]


@pytest.mark.covers("USER", "user")
@pytest.mark.covers("USER", "user:group")
@pytest.mark.parametrize("user", ["app", "1001", "app:staff", "1001:50"])
def test_a_user_is_kept_as_it_is_written(workshop: Workshop, context: Path, user: str) -> None:
    assert config(workshop, context, f"FROM base\nUSER {user}").user == user


@pytest.mark.covers("WORKDIR", "absolute")
@pytest.mark.covers("WORKDIR", "relative")
@pytest.mark.covers("WORKDIR", "variables")
def test_working_directories_add_up_and_are_made(workshop: Workshop, context: Path) -> None:
    image = build(workshop, context, "FROM base\nENV DIRPATH=/a\nWORKDIR $DIRPATH\nWORKDIR b\nWORKDIR c")
    assert image.config.execution.working_dir == "/a/b/c"
    assert workshop.tree(image).find(b"a/b/c") is not None


@pytest.mark.covers("STOPSIGNAL", "name")
@pytest.mark.covers("STOPSIGNAL", "number")
@pytest.mark.parametrize("signal", ["SIGKILL", "9", "RTMIN+3"])
def test_a_stop_signal_is_kept(workshop: Workshop, context: Path, signal: str) -> None:
    assert config(workshop, context, f"FROM base\nSTOPSIGNAL {signal}").stop_signal == signal


@pytest.mark.covers("HEALTHCHECK", "--interval")
@pytest.mark.covers("HEALTHCHECK", "--timeout")
@pytest.mark.covers("HEALTHCHECK", "--start-period")
@pytest.mark.covers("HEALTHCHECK", "--start-interval")
@pytest.mark.covers("HEALTHCHECK", "--retries")
def test_a_health_check_has_all_its_options(workshop: Workshop, context: Path) -> None:
    flags = "--interval=1m --timeout=2s --start-period=3s --start-interval=500ms --retries=4"
    found = config(workshop, context, f'FROM base\nHEALTHCHECK {flags} CMD ["true"]').healthcheck
    assert found is not None and found.test == ("CMD", "true")
    times = (found.interval, found.timeout, found.start_period, found.start_interval)
    assert times == (60 * 10**9, 2 * 10**9, 3 * 10**9, 500 * 10**6) and found.retries == 4


@pytest.mark.covers("HEALTHCHECK", "NONE")
def test_a_health_check_of_the_base_can_be_taken_back(workshop: Workshop, context: Path) -> None:
    found = config(workshop, context, "FROM base AS a\nHEALTHCHECK CMD true\nFROM a\nHEALTHCHECK NONE").healthcheck
    assert found is not None and found.test == ("NONE",)


# ARG


@pytest.mark.covers("ARG", "name")
@pytest.mark.covers("ARG", "name=default")
def test_an_argument_has_the_value_that_is_given_or_its_default(workshop: Workshop, context: Path) -> None:
    text = "FROM base\nARG given\nARG other=default\nLABEL l=$given-$other"
    assert config(workshop, context, text, build_args={"given": "1"}).labels == {"l": "1-default"}


@pytest.mark.covers("ARG", "platform arguments")
@pytest.mark.covers("ARG", "TARGETSTAGE")
def test_the_platform_and_the_target_are_told_once_declared(workshop: Workshop, context: Path) -> None:
    names = ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDARCH", "TARGETSTAGE"]
    lines = [*(f"ARG {name}" for name in names), "LABEL l=" + ":".join(f"${name}" for name in names)]
    text = "\n".join(["FROM scratch AS last", *lines])
    wishes = {"platform": Platform.parse("linux/arm/v7"), "host_platform": Platform.parse("linux/amd64")}
    labels = config(workshop, context, text, target="last", **wishes).labels
    assert labels == {"l": "linux/arm/v7:linux:arm:v7:linux/amd64:amd64:last"}


# ONBUILD


@pytest.mark.covers("ONBUILD", "COPY --from")
def test_a_trigger_copies_from_a_stage_of_whoever_builds(workshop: Workshop, context: Path) -> None:
    workshop.make_image("trigger", execution=Execution(on_build=("COPY --from=made /a.txt /got",)))
    image = build(workshop, context, "FROM base AS made\nCOPY a.txt /\nFROM trigger")
    assert workshop.read(image, "got") == b"A"


# COPY and ADD


@pytest.mark.parametrize("word", [
    pytest.param("COPY", marks=[pytest.mark.covers("COPY", "files"), pytest.mark.covers("COPY", "directories"),
                                pytest.mark.covers("COPY", "wildcards")]),
    pytest.param("ADD", marks=[pytest.mark.covers("ADD", "files"), pytest.mark.covers("ADD", "directories"),
                               pytest.mark.covers("ADD", "wildcards")]),
])  # fmt: skip
def test_files_directories_and_wildcards(workshop: Workshop, context: Path, word: str) -> None:
    image = build(workshop, context, f"FROM base\n{word} a.txt /one\n{word} dir /d/\n{word} ?.txt *.md /w/")
    assert files(workshop, image, "one", "d/x", "d/sub/y", "w/a.txt", "w/b.txt", "w/c.md") == [
        b"A", b"X", b"Y", b"A", b"B", b"C",
    ]  # fmt: skip


@pytest.mark.parametrize("word", [
    pytest.param("COPY", marks=[pytest.mark.covers("COPY", "heredoc"), pytest.mark.covers("COPY", "JSON form")]),
    pytest.param("ADD", marks=[pytest.mark.covers("ADD", "heredoc"), pytest.mark.covers("ADD", "JSON form")]),
])  # fmt: skip
def test_heredocs_and_lists(workshop: Workshop, context: Path, word: str) -> None:
    text = f'FROM base\nARG v=1\n{word} ["a b.txt", "/c d"]\n{word} <<x <<"y" /h/\n$v\nx\n$v\ny\n'
    image = build(workshop, context, text)
    assert files(workshop, image, "c d", "h/x", "h/y") == [b"blank", b"1\n", b"$v\n"]


@pytest.mark.parametrize("word", [
    pytest.param("COPY", marks=[pytest.mark.covers("COPY", "--chown"), pytest.mark.covers("COPY", "--chmod"),
                                pytest.mark.covers("COPY", "--link"), pytest.mark.covers("COPY", "--exclude"),
                                pytest.mark.covers("COPY", "--chmod symbolic")]),
    pytest.param("ADD", marks=[pytest.mark.covers("ADD", "--chown"), pytest.mark.covers("ADD", "--chmod"),
                               pytest.mark.covers("ADD", "--link"), pytest.mark.covers("ADD", "--exclude")]),
])  # fmt: skip
def test_flags_set_owner_and_mode_and_leave_out(workshop: Workshop, context: Path, word: str) -> None:
    text = (
        f"FROM base\n{word} --chown=app:staff --chmod=u=rw,go= --link --exclude=sub dir /d/\n{word} --chmod=751 a.txt /"
    )
    image = build(workshop, context, text)
    tree = workshop.tree(image)
    found, plain = tree.find(b"d/x"), tree.find(b"a.txt")
    assert found is not None and (found.mode & 0o777, found.uid, found.gid) == (0o600, 1001, 50)
    assert plain is not None and plain.mode & 0o777 == 0o751
    assert tree.find(b"d/sub") is None


@pytest.mark.covers("COPY", "--from=stage")
@pytest.mark.covers("COPY", "--from=image")
@pytest.mark.covers("COPY", "--from=context")
def test_files_come_from_stages_images_and_named_contexts(workshop: Workshop, context: Path, tmp_path: Path) -> None:
    workshop.make_image("other", {"file": b"of the image"})
    named = write_files(tmp_path / "named", {"file": "of the context"})
    text = (
        "FROM base AS one\nCOPY a.txt /\nFROM base\nCOPY --from=one /a.txt /stage\nCOPY --from=0 a.txt /number\n"
        "COPY --from=other /file /image\nCOPY --from=named file /context"
    )
    image = build(workshop, context, text, build_contexts={"named": str(named)})
    assert files(workshop, image, "stage", "number", "image", "context") == [
        b"A", b"A", b"of the image", b"of the context",
    ]  # fmt: skip


@pytest.mark.covers("ADD", "archives")
@pytest.mark.covers("ADD", "--unpack")
def test_archives_are_unpacked_unless_that_is_not_wanted(workshop: Workshop, context: Path) -> None:
    image = build(workshop, context, "FROM base\nADD data.tar /packed/\nADD --unpack=false data.tar /")
    assert workshop.read(image, "packed/inside") == b"packed"
    assert workshop.read(image, "data.tar") == (context / "data.tar").read_bytes()


@pytest.mark.covers("ADD", "URL")
def test_an_address_is_downloaded(workshop: Workshop, context: Path) -> None:
    workshop.downloads["https://example.org/path/file"] = b"fetched"
    image = build(workshop, context, "FROM base\nADD https://example.org/path/file /got/")
    assert workshop.read(image, "got/file") == b"fetched"


# .dockerignore


@pytest.mark.covers(".dockerignore", "patterns")
@pytest.mark.covers(".dockerignore", "**")
@pytest.mark.covers(".dockerignore", "! exceptions")
@pytest.mark.covers(".dockerignore", "comments")
def test_the_ignore_file_leaves_out_and_brings_back(workshop: Workshop, context: Path) -> None:
    write_files(context, {".dockerignore": "# c.md\n*.txt\n!b.txt\n**/y\n"})
    tree = workshop.tree(build(workshop, context, "FROM base\nCOPY . /all/"))
    kept = [name for name in ("a.txt", "b.txt", "c.md", "dir/x", "dir/sub/y") if tree.find(f"all/{name}".encode())]
    assert kept == ["b.txt", "c.md", "dir/x"]


@pytest.mark.covers(".dockerignore", "<name>.dockerignore")
def test_the_ignore_file_of_a_dockerfile_comes_first(workshop: Workshop, context: Path) -> None:
    write_files(context, {
        "app.Dockerfile": "FROM base\nCOPY . /all/", "app.Dockerfile.dockerignore": "a.txt", ".dockerignore": "*",
    })  # fmt: skip
    tree = workshop.tree(workshop.build(context, file=str(context / "app.Dockerfile")).image)
    assert tree.find(b"all/b.txt") is not None and tree.find(b"all/a.txt") is None
