"""RUN --mount: what a step sees of files, caches and memory, what stays, and when it is done again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from capas.build.cache_mounts import CacheMounts
from capas.errors import Conflict, Invalid, NotFound
from capas.events import Event, Said, ignore
from support.building import write_files
from support.stepping import Steps

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]


def caches(steps: Steps) -> CacheMounts:
    return CacheMounts(steps.root / "cache" / "mounts", lambda: steps.now_ns)


# bind


@pytest.mark.covers("RUN", "--mount=type=bind")
@pytest.mark.covers("RUN --mount=type=bind", "target")
def test_the_context_is_shown_and_nothing_of_it_stays(steps: Steps) -> None:
    write_files(steps.context, {"a/f": "one\n", "b": "two\n", ".dockerignore": "b"})
    image = steps.run("RUN --mount=target=/in/deep cat /in/deep/a/f; ls /in/deep; cat /in/deep/a/f > /made")
    assert steps.said() == ["one", "a"]  # ls hides .dockerignore
    assert {entry.path for entry in steps.layer_entries(image)} == {b"made"}


@pytest.mark.covers("RUN --mount=type=bind", "source")
def test_a_part_of_the_context_is_shown_a_file_too(steps: Steps) -> None:
    write_files(steps.context, {"a/f": "one\n", "b": "two\n"})
    steps.run("RUN --mount=source=a,target=/a --mount=source=b,target=/etc/b ls /a && cat /etc/b && stat -c %u:%a /a/f")
    assert steps.said() == ["f", "two", "0:644"]


def test_a_target_may_be_relative_to_the_working_directory(steps: Steps) -> None:
    write_files(steps.context, {"f": "one"})
    steps.run("WORKDIR /w\nRUN --mount=source=f,target=g cat /w/g")
    assert steps.said() == ["one"]


def test_a_mount_is_read_only_unless_asked(steps: Steps) -> None:
    write_files(steps.context, {"f": "one"})
    with pytest.raises(Invalid, match="exit code 1"):
        steps.run("RUN --mount=target=/in echo x > /in/f")


@pytest.mark.covers("RUN --mount=type=bind", "rw")
def test_what_is_written_to_a_mount_is_thrown_away(steps: Steps) -> None:
    write_files(steps.context, {"f": "one\n"})
    stage = "FROM box AS a\nRUN echo stage > /f\nFROM box\n"
    steps.run(
        f"{stage}RUN --mount=target=/in,rw --mount=from=a,target=/a,rw echo x > /in/f; echo y > /a/f; cat /in/f /a/f\n"
        "RUN --mount=target=/in --mount=from=a,target=/a cat /in/f /a/f"
    )
    assert steps.said() == ["x", "y", "one", "stage"]
    assert (steps.context / "f").read_text() == "one\n"


@pytest.mark.covers("RUN --mount=type=bind", "from")
def test_stages_images_and_contexts_are_shown(steps: Steps, tmp_path: Path) -> None:
    write_files(tmp_path, {"g": "named\n"})
    steps.run(
        "FROM box AS a\nRUN mkdir -p /d && echo stage > /d/f\nFROM scratch AS empty\nFROM box\n"
        "RUN --mount=from=a,source=/d,target=/a --mount=from=box,source=etc/passwd,target=/p"
        " --mount=from=more,target=/m --mount=from=empty,target=/e cat /a/f /m/g; head -n 1 /p; ls /e",
        build_contexts={"more": str(tmp_path)},
    )
    assert steps.said() == ["stage", "named", "root:x:0:0:root:/root:/bin/sh"]


def test_a_link_in_a_stage_ends_inside_the_stage(steps: Steps) -> None:
    """S10: CVE-2024-1753."""
    steps.run(
        "FROM box AS a\nRUN ln -s / /link && ln -s ../../../../etc /up && echo stage > /etc/mark\nFROM box\n"
        "RUN --mount=from=a,source=/link,target=/x --mount=from=a,source=/up,target=/y cat /x/etc/mark /y/mark"
    )
    assert steps.said() == ["stage", "stage"]


def test_a_link_in_the_context_ends_inside_the_context(steps: Steps) -> None:
    os.symlink("/", steps.context / "link")
    write_files(steps.context, {"f": "mine\n"})
    steps.run("RUN --mount=source=link,target=/x cat /x/f; ls /x")
    assert steps.said() == ["mine", "f", "link"]


def test_a_source_that_is_not_there_is_named(steps: Steps) -> None:
    write_files(steps.context, {"config": ""})
    with pytest.raises(NotFound, match="confg is not in the build context") as caught:
        steps.run("RUN --mount=source=confg,target=/x true")
    assert "config" in caught.value.hint
    with pytest.raises(NotFound, match="nosuch is not in stage a"):
        steps.run("FROM box AS a\nFROM box\nRUN --mount=from=a,source=nosuch,target=/x true")


def test_only_the_files_that_a_mount_shows_are_part_of_the_key(steps: Steps) -> None:
    write_files(steps.context, {"a/f": "one", "b": "two"})
    lines = "RUN --mount=source=a,target=/a cat /a/f"
    steps.run(lines)
    write_files(steps.context, {"b": "changed"})
    os.utime(steps.context / "a/f")
    steps.run(lines)
    assert steps.last_cached()
    write_files(steps.context, {"a/f": "changed"})
    steps.run(lines)
    assert not steps.last_cached()
    assert steps.said() == ["changed"]


def test_a_file_that_changes_under_the_build_is_no_result_under_its_old_name(steps: Steps) -> None:
    write_files(steps.context, {"f": "one\n"})

    def change(event: Event) -> None:
        if isinstance(event, Said) and event.text == "begun":
            write_files(steps.context, {"f": "two\n"})

    steps.on_event = change
    lines = "RUN --mount=source=f,target=/f echo begun; true\nRUN --mount=source=f,target=/f,rw cat /f"
    with pytest.raises(Conflict, match="changed while it was read"):
        steps.run(lines)
    steps.on_event = ignore
    steps.run(lines)
    assert steps.said() == ["begun", "two"]


def test_steps_that_only_read_share_one_copy(steps: Steps) -> None:
    write_files(steps.context, {"f": "one\n"})
    steps.run("RUN --mount=target=/a stat -c %i /a/f\nRUN --mount=target=/b stat -c %i /b/f")
    assert len(set(steps.said())) == 1


@pytest.mark.parametrize("change", ["chmod 700 /d/f", "rm /d/f && ln -s /etc /d/f", "touch /d/g", "chown 5 /d/f"])
def test_mode_kind_owner_and_names_are_part_of_the_key(steps: Steps, change: str) -> None:
    def build(step: str) -> None:
        stage = f"FROM box AS a\nRUN mkdir /d && echo x > /d/f\nRUN {step}\nFROM box\n"
        steps.run(f"{stage}RUN --mount=from=a,source=d,target=/d true")

    build("true")
    build(change)
    assert not steps.last_cached()


def test_a_stage_that_was_built_again_and_is_the_same_redoes_nothing(steps: Steps) -> None:
    def build(date: str) -> None:
        stage = (
            f"FROM box AS a\nRUN mkdir /d && echo x > /d/f && touch -t {date} /d/f && touch /other{date}\nFROM box\n"
        )
        steps.run(f"{stage}RUN --mount=from=a,source=d,target=/d cat /d/f; echo x > /made")

    build("202001010000")
    build("202101010000")
    assert steps.last_cached()


def test_a_step_that_shows_itself_through_links_leaves_no_stub(steps: Steps) -> None:
    """S3: CVE-2024-23652: the target is replaced by a link out of the tree while the step runs."""
    outside = steps.root / "outside" / "a"
    outside.mkdir(parents=True)
    write_files(steps.context, {"f": "x"})
    image = steps.run(f"RUN --mount=target=/stub/a rm -rf /stub 2>/dev/null; ln -s {outside.parent} /other; true")
    assert outside.is_dir()
    assert {entry.path for entry in steps.layer_entries(image)} == {b"other"}


# cache


@pytest.mark.covers("RUN", "--mount=type=cache")
@pytest.mark.covers("RUN --mount=type=cache", "target")
@pytest.mark.covers("RUN --mount=type=cache", "id")
def test_a_cache_is_kept_and_is_in_no_layer(steps: Steps) -> None:
    step = "RUN --mount=type=cache,id=c,target=/c echo {0} >> /c/f; cat /c/f; touch /{0}"
    steps.run(step.format("one"))
    image = steps.run(step.format("two"))
    assert steps.said() == ["one", "two"]
    assert {entry.path for entry in steps.layer_entries(image)} == {b"two"}
    (one,) = caches(steps).iterate()
    assert (one.kind.id, one.last_used_ns, one.in_use) == ("c", steps.now_ns, False)
    assert one.size > 0


def test_a_cache_without_an_id_is_known_by_its_target(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,target=/c/ echo x > /c/f")
    steps.run("RUN --mount=type=cache,id=/c,target=/other cat /other/f")
    assert steps.said() == ["x"]


@pytest.mark.covers("ARG", "BUILDKIT_CACHE_MOUNT_NS")
def test_caches_of_two_namespaces_are_apart(steps: Steps) -> None:
    step = "RUN --mount=type=cache,target=/c echo {0} >> /c/f; cat /c/f"
    steps.run(step.format("one"))
    for word in ("two", "three"):
        steps.run(step.format(word), build_args={"BUILDKIT_CACHE_MOUNT_NS": "mine"})
    assert steps.said() == ["two", "three"]


def test_what_is_in_a_cache_is_not_part_of_the_key(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,id=c,target=/c touch /c/f /made")
    steps.run("RUN --mount=type=cache,id=c,target=/c touch /c/g")
    steps.run("RUN --mount=type=cache,id=c,target=/c touch /c/f /made")
    assert steps.last_cached()
    steps.run("RUN --mount=type=cache,id=d,target=/c touch /c/f /made")
    assert not steps.last_cached()


@pytest.mark.covers("RUN --mount=type=cache", "uid, gid")
@pytest.mark.covers("RUN --mount=type=cache", "mode")
def test_a_new_cache_has_the_owner_and_mode_asked_for(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,target=/c stat -c %u:%g:%a /c")
    assert steps.said() == ["0:0:755"]
    steps.run("USER ana\nRUN --mount=type=cache,target=/c,uid=1000,gid=50,mode=0750 stat -c %u:%g:%a /c && touch /c/f")
    assert steps.said() == ["1000:50:750"]


@pytest.mark.covers("RUN --mount=type=cache", "ro")
def test_a_cache_may_be_read_only(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,id=c,target=/c echo x > /c/f")
    steps.run("RUN --mount=type=cache,id=c,target=/c,ro cat /c/f; touch /c/g || echo refused")
    assert [text for text in steps.said() if "Read-only" not in text] == ["x", "refused"]


@pytest.mark.covers("RUN --mount=type=cache", "from")
@pytest.mark.covers("RUN --mount=type=cache", "source")
def test_a_cache_begins_as_a_stage_says(steps: Steps) -> None:
    stage = "FROM box AS a\nRUN mkdir /d && echo begun > /d/f && chown 7 /d/f\nFROM box\n"
    mount = "--mount=type=cache,id=c,target=/c,from=a,source=d"
    steps.run(f"{stage}RUN {mount} cat /c/f; stat -c %u /c/f; echo more >> /c/f")
    assert steps.said() == ["begun", "7"]
    steps.run(f"{stage}RUN {mount} cat /c/f")
    assert steps.said() == ["begun", "more"]


def test_a_part_of_a_cache_may_be_mounted(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,id=c,target=/c mkdir /c/sub; echo x > /c/sub/f")
    steps.run("RUN --mount=type=cache,id=c,target=/c,source=sub cat /c/f")
    assert steps.said() == ["x"]
    with pytest.raises(NotFound, match="/nosuch is not in the cache c to be mounted"):
        steps.run("RUN --mount=type=cache,id=c,target=/c,source=nosuch true")


def test_a_link_in_a_cache_shows_nothing_of_the_host(steps: Steps) -> None:
    """S2: CVE-2024-23651; the link is there from the start here."""
    outside = steps.root / "outside"
    write_files(outside, {"f": "the host's"})
    steps.run(f"RUN --mount=type=cache,id=c,target=/c ln -s {outside} /c/sub; ln -s / /c/top; echo mine > /c/f")
    steps.run("RUN --mount=type=cache,id=c,target=/c,source=top cat /c/f")
    assert steps.said() == ["mine"]
    with pytest.raises(NotFound, match="is not in the cache c"):
        steps.run("RUN --mount=type=cache,id=c,target=/c,source=sub cat /c/f")


def test_a_link_swapped_while_steps_start_shows_nothing_of_the_host(steps: Steps) -> None:
    """S2, the race: a directory and a link to the host change places as fast as they can."""
    outside = steps.root / "outside"
    write_files(outside, {"f": "the host's"})
    steps.run("RUN --mount=type=cache,id=c,target=/c mkdir /c/sub; echo mine > /c/sub/f")
    (one,) = caches(steps).iterate()
    place, stop = one.path / "fs", threading.Event()
    os.symlink(outside, place / "link")

    def swap() -> None:
        while not stop.is_set():
            os.rename(place / "sub", place / "aside")
            os.rename(place / "link", place / "sub")
            os.rename(place / "sub", place / "link")
            os.rename(place / "aside", place / "sub")

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: list[str] = []
    try:
        for number in range(12):
            try:
                steps.run(f"RUN --mount=type=cache,id=c,target=/c,source=sub cat /c/f; : {number}")
            except NotFound:
                continue
            seen += steps.said()
    finally:
        stop.set()
        swapper.join()
    assert set(seen) <= {"mine"}


@pytest.mark.parametrize("name", ["../../etc", "a/../b", ".."])
def test_an_id_that_climbs_is_refused(steps: Steps, name: str) -> None:
    """S11: CVE-2024-9675."""
    with pytest.raises(Invalid, match="cannot hold"):
        steps.run(f"RUN --mount=type=cache,target=/c,id={name} true")


def test_an_id_with_any_letters_stays_in_its_place(steps: Steps) -> None:
    steps.run('RUN --mount="type=cache,target=/c,id=/var/lib a/ñ$(x)" echo x > /c/f')
    folder = steps.root / "cache" / "mounts"
    assert {path.name for path in folder.iterdir()} >= {"ingest", "trash"}
    (one,) = caches(steps).iterate()
    assert one.path.parent == folder


def two_at_once(steps: Steps, sharing: str) -> list[str]:
    """Two steps that append to one cache, each waiting a moment for the other."""
    step = f"RUN --mount=type=cache,id=c,sharing={sharing},target=/c touch /c/$N; sleep 0.4; ls /c | wc -l; touch /$N"
    stages = [f"FROM box AS {name}\nENV N={name}\n{step}\n" for name in ("a", "b")]
    steps.run("".join(stages) + "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n")
    return sorted(text for text in steps.said() if "waiting" not in text)


@pytest.mark.covers("RUN --mount=type=cache", "sharing")
def test_sharers_have_one_cache_at_once(steps: Steps) -> None:
    assert two_at_once(steps, "shared") == ["2", "2"]


def test_a_locked_cache_is_had_one_after_the_other(steps: Steps) -> None:
    assert two_at_once(steps, "locked") == ["1", "2"]
    assert "waiting for the cache c: another step has it" in steps.said()


def test_private_caches_are_apart(steps: Steps) -> None:
    assert two_at_once(steps, "private") == ["1", "1"]
    assert len(list(caches(steps).iterate())) == 2
    steps.run("RUN --mount=type=cache,id=c,sharing=private,target=/c ls /c | wc -l")
    assert steps.said() == ["1"]  # the first that is free, not a third


def test_one_cache_twice_in_a_step_waits_for_nobody(steps: Steps) -> None:
    mounts = "--mount=type=cache,id=c,target=/x --mount=type=cache,id=c,target=/y,sharing=locked"
    steps.run(f"RUN {mounts} echo both > /x/f; cat /y/f")
    assert steps.said() == ["both"]


def test_a_cache_in_use_is_not_removed(steps: Steps) -> None:
    steps.run("RUN --mount=type=cache,id=c,target=/c echo x > /c/f")
    store = caches(steps)
    (one,) = store.iterate()
    with store.held(one.kind, "shared"):
        assert [cache.in_use for cache in store.iterate()] == [True]
        with pytest.raises(Conflict, match="cache mount c is in use"):
            store.remove(one.name)
    assert store.remove(one.name) > 0
    assert list(store.iterate()) == []
    with pytest.raises(NotFound):
        store.remove(one.name)


def test_a_failed_step_keeps_what_it_put_into_the_cache(steps: Steps) -> None:
    with pytest.raises(Invalid, match="exit code 1"):
        steps.run("RUN --mount=type=cache,id=c,target=/c echo x > /c/f; exit 1")
    steps.run("RUN --mount=type=cache,id=c,target=/c cat /c/f")
    assert steps.said() == ["x"]


# tmpfs


@pytest.mark.covers("RUN", "--mount=type=tmpfs")
@pytest.mark.covers("RUN --mount=type=tmpfs", "target")
@pytest.mark.covers("RUN --mount=type=tmpfs", "size")
def test_memory_has_the_size_asked_for(steps: Steps) -> None:
    image = steps.run(
        "RUN --mount=type=tmpfs,target=/t,size=64k"
        " grep -o size=64k /proc/self/mounts; dd if=/dev/zero of=/t/f bs=100k count=1 || echo full"
    )
    assert steps.said()[0] == "size=64k"
    assert "full" in steps.said()
    assert len(image.layers) == 1
