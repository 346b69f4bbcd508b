"""RUN: what a step sees, what it leaves, and what is left when it fails."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from capas.errors import Interrupted, Invalid
from capas.events import Event, Said
from capas.image.image import Image
from capas.image.validate import validate
from capas.run.runtime import find_runtime
from capas.run.step import run_step
from capas.snapshot.choose import open_snapshotter
from support.building import Workshop, write_files
from support.registry_peer import free_port

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    """A place where RUN works, in memory: the image `box` is busybox."""
    root = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="capas-build-"))
    place = Workshop(
        root,
        snapshotter=lambda: open_snapshotter(root, wanted=None)[0],
        run_step=lambda: partial(run_step, runtime=find_runtime(None, os.environ["PATH"]), run_root=root / "run"),
    )
    place.make_busybox("box", root / "tree")
    yield place
    place.close()
    shutil.rmtree(root)


def run(workshop: Workshop, lines: str, **wishes: object) -> Image:
    context = workshop.root / "context"
    context.mkdir(exist_ok=True)
    return workshop.build(context, dockerfile_text=f"FROM box\n{lines}", **wishes).image


def said(workshop: Workshop) -> list[str]:
    return [event.text for event in workshop.events if isinstance(event, Said)]


@pytest.mark.covers("RUN", "shell form")
def test_what_a_step_writes_is_a_layer(workshop: Workshop) -> None:
    image = run(workshop, "RUN echo hello > /made && rm /etc/group")
    assert workshop.read(image, "made") == b"hello\n"
    assert workshop.tree(image).find(b"etc/group") is None
    names = {entry.path for entry in workshop.layer_entries(image)}
    assert names == {b"made", b"etc", b"etc/.wh.group"}
    validate(workshop.store.blobs, image.digest)


def test_nothing_of_the_network_settings_is_left_in_the_layer(workshop: Workshop) -> None:
    image = run(workshop, "RUN cat /etc/resolv.conf /etc/hosts && echo x > /made")
    assert {entry.path for entry in workshop.layer_entries(image)} == {b"made"}


def test_a_step_that_changes_nothing_makes_no_layer(workshop: Workshop) -> None:
    image = run(workshop, "RUN true")
    assert len(image.layers) == 1
    assert image.history[-1].empty_layer
    assert image.history[-1].created_by == "RUN /bin/sh -c true # buildkit"


def test_steps_build_on_each_other_and_on_copies(workshop: Workshop) -> None:
    write_files(workshop.root / "context", {"f": "copied"})
    image = run(workshop, "RUN mkdir /a\nCOPY f /a/f\nRUN cat /a/f > /a/g\nCOPY --from=box /etc/passwd /a/h")
    assert workshop.read(image, "a/g") == b"copied"
    assert len(image.layers) == 5
    validate(workshop.store.blobs, image.digest)


def test_variables_user_and_directory_are_seen(workshop: Workshop) -> None:
    run(workshop, 'ARG A=1\nENV B=2\nWORKDIR /w\nUSER ana\nRUN echo "$A $B $(pwd) $(id -u) $HOME"')
    assert said(workshop) == ["1 2 /w 1000 /home/ana"]


def test_the_arguments_a_step_saw_stand_in_the_history(workshop: Workshop) -> None:
    image = run(workshop, "ARG A=1\nRUN true", build_args={"A": "9"})
    assert image.history[-1].created_by == "RUN |1 A=9 /bin/sh -c true # buildkit"


def test_an_unchanged_step_is_not_run_again(workshop: Workshop) -> None:
    first = run(workshop, "RUN echo $RANDOM > /made")
    workshop.now_ns += 10**12
    assert run(workshop, "RUN echo $RANDOM > /made").id == first.id
    assert run(workshop, "RUN echo $RANDOM > /made", no_cache=True).id != first.id


@pytest.mark.parametrize(
    "line", ["ENV X=1\n", "USER ana\n", "WORKDIR /tmp\n", 'SHELL ["/bin/sh", "-ec"]\n', "ARG X=1\n"]
)
def test_whatever_a_step_can_see_is_part_of_its_key(workshop: Workshop, line: str) -> None:
    run(workshop, "RUN true")
    run(workshop, f"{line}RUN true")
    assert [cached for step, cached in workshop.cached().items() if step != "1/2"][-1] is False


def test_labels_before_a_step_do_not_redo_it(workshop: Workshop) -> None:
    run(workshop, "RUN echo x > /made")
    run(workshop, "LABEL a=b\nRUN echo x > /made")
    assert workshop.cached()["2/2"]


@pytest.mark.covers("ARG", "proxies")
def test_proxies_are_seen_and_neither_recorded_nor_part_of_the_key(workshop: Workshop) -> None:
    image = run(workshop, "RUN echo $https_proxy; echo x > /made", proxies={"https_proxy": "http://me:pw@proxy:1"})
    assert said(workshop) == ["http://me:pw@proxy:1"]
    assert b"me:pw" not in image.config_bytes
    run(workshop, "RUN echo $https_proxy; echo x > /made", build_args={"HTTPS_PROXY": "http://other"})
    assert workshop.cached()["2/2"]


def test_nothing_that_a_step_makes_is_younger_than_its_base(workshop: Workshop) -> None:
    image = run(workshop, "RUN echo x > /made && touch -d 2001-02-03 /old && echo $SOURCE_DATE_EPOCH > /epoch")
    base = 1_672_531_200  # the made-up image's own time
    times = {entry.path: entry.mtime_ns // 10**9 for entry in workshop.layer_entries(image)}
    assert times[b"made"] == base
    assert times[b"old"] < base
    assert workshop.read(image, "epoch") == f"{base}\n".encode()


def test_a_dockerfile_that_sets_its_own_epoch_is_left_alone(workshop: Workshop) -> None:
    image = run(workshop, "ENV SOURCE_DATE_EPOCH=5\nRUN echo $SOURCE_DATE_EPOCH > /epoch")
    assert workshop.read(image, "epoch") == b"5\n"


def test_a_step_has_the_usual_umask_whatever_ours_is(workshop: Workshop) -> None:
    before = os.umask(0o077)
    try:
        image = run(workshop, "RUN umask > /umask && mkdir /folder")
    finally:
        os.umask(before)
    assert workshop.read(image, "umask") == b"0022\n"
    assert {entry.mode for entry in workshop.layer_entries(image) if entry.path == b"folder"} == {0o755}


@pytest.mark.covers("ARG", "BUILDKIT_SANDBOX_HOSTNAME")
def test_the_name_of_the_host_can_be_chosen_and_is_part_of_the_key(workshop: Workshop) -> None:
    run(workshop, "RUN hostname")
    assert said(workshop) == ["buildkitsandbox"]
    args = {"BUILDKIT_SANDBOX_HOSTNAME": "mine"}
    run(workshop, "RUN hostname", build_args=args)
    assert said(workshop)[-1] == "mine"
    run(workshop, "RUN hostname", build_args=args)
    assert workshop.cached()["2/2"]
    with pytest.raises(Invalid, match="is no name of a host"):
        run(workshop, "RUN hostname", build_args={"BUILDKIT_SANDBOX_HOSTNAME": "../x"})


@pytest.mark.covers("RUN", "exec form")
def test_the_exec_form_needs_no_shell(workshop: Workshop) -> None:
    image = run(workshop, 'RUN ["touch", "/a b"]')
    assert workshop.tree(image).find(b"a b") is not None


@pytest.mark.covers("RUN", "heredoc")
@pytest.mark.covers("RUN", "heredoc with #!")
def test_heredocs_run_as_scripts(workshop: Workshop) -> None:
    run(workshop, "RUN <<EOF\necho one\necho two\nEOF\n")
    assert said(workshop) == ["one", "two"]
    image = run(workshop, "RUN <<EOF\n#!/bin/cat\nx\nEOF\n")
    assert said(workshop) == ["#!/bin/cat", "x"]
    assert len(image.layers) == 1


def test_a_tmpfs_mount_leaves_nothing(workshop: Workshop) -> None:
    image = run(workshop, "RUN --mount=type=tmpfs,target=/scratch echo x > /scratch/f && cat /scratch/f")
    assert said(workshop) == ["x"]
    assert len(image.layers) == 1


def test_a_failing_step_is_named_with_its_line_and_code(workshop: Workshop) -> None:
    with pytest.raises(Invalid) as caught:
        run(workshop, "RUN true\nRUN echo before; echo wrong >&2; exit 3")
    error = caught.value
    assert "Dockerfile:3:1: RUN echo before; echo wrong >&2; exit 3 failed with exit code 3" in str(error)
    assert (error.facts["exit_code"], error.facts["line"]) == (3, 3)
    assert sorted(error.facts["output"]) == ["before", "wrong"]  # type: ignore[call-overload]


def test_a_failing_step_leaves_no_snapshot_and_keeps_the_steps_before(workshop: Workshop) -> None:
    with pytest.raises(Invalid):
        run(workshop, "RUN echo x > /made\nRUN false")
    snapshotter = open_snapshotter(workshop.root, wanted=None)[0]
    assert not [info for info in snapshotter.iterate() if info.kind == "active"]
    assert str(workshop.root) not in Path("/proc/self/mounts").read_text()
    with pytest.raises(Invalid):
        run(workshop, "RUN echo x > /made\nRUN false")
    assert workshop.cached()["2/3"]


def test_independent_stages_run_at_once(workshop: Workshop) -> None:
    """One reaches the other, which listens only while its own step runs."""
    port = free_port()
    meet = f"for i in $(seq 99); do nc 127.0.0.1 {port} </dev/null && touch /met && break; sleep 0.1; done"
    text = (
        f"FROM box AS a\nRUN nc -l -p {port} -w 20 </dev/null; echo a > /a\n"
        f"FROM box AS b\nRUN {meet}\n"
        "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /met /\n"
    )
    assert workshop.read(workshop.build(workshop.root, dockerfile_text=text).image, "met") == b""


def test_the_failure_of_a_stage_ends_its_siblings(workshop: Workshop) -> None:
    text = (
        "FROM box AS a\nRUN sleep 60\nFROM box AS b\nRUN sleep 0.5; exit 1\n"
        "FROM scratch\nCOPY --from=a /etc /\nCOPY --from=b /etc /\n"
    )
    with pytest.raises(Invalid, match="exit code 1"):
        workshop.build(workshop.root, dockerfile_text=text)


def interrupt_once_begun(event: Event) -> None:
    if isinstance(event, Said) and event.text == "begun":
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_the_step(workshop: Workshop) -> None:
    workshop.on_event = interrupt_once_begun
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        run(workshop, "RUN echo begun; sleep 60")
    assert str(workshop.root) not in Path("/proc/self/mounts").read_text()


def test_what_a_killed_build_left_is_cleared_by_the_next(workshop: Workshop) -> None:
    run(workshop, "RUN true")
    snapshotter = open_snapshotter(workshop.root, wanted=None)[0]
    snapshotter.prepare("build-dead-1", None)
    (workshop.root / "cache" / "scratch" / "dead").mkdir()
    run(workshop, "RUN true", no_cache=True)
    assert snapshotter.stat("build-dead-1") is None
    assert not (workshop.root / "cache" / "scratch" / "dead").exists()


def test_equal_steps_give_equal_layers_with_an_epoch(workshop: Workshop) -> None:
    first = run(workshop, "RUN echo x > /made", source_date_epoch=1_600_000_000)
    again = run(workshop, "RUN echo x > /made", source_date_epoch=1_600_000_000, no_cache=True)
    assert again.digest == first.digest
