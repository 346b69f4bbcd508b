"""The cache: what makes a step run again, and what does not."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from capas.build.sources.digests import FileDigests, signature_of
from capas.build.sources.directory import DirectoryFiles
from capas.reference import Reference
from support.building import Workshop, write_files

DOCKERFILE = """\
FROM base AS deps
COPY deps.txt /deps/
FROM base
ARG VERSION=1
ENV MODE=fast
WORKDIR /app
COPY --from=deps /deps /app/deps
COPY src /app/src
COPY conf /app/conf
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context whose files feed three different steps."""
    files = {
        "Dockerfile": DOCKERFILE,
        "deps.txt": "1",
        "src/a.py": "a",
        "src/b.py": "b",
        "conf/c.ini": "c",
        "README": "",
    }
    return write_files(tmp_path / "context", files)


def redone(workshop: Workshop, context: Path, **wishes: object) -> list[str]:
    """The steps of a build that did not come from the cache."""
    workshop.now_ns += 10**12
    workshop.build(context, **wishes)
    return [step for step, cached in workshop.cached().items() if not cached and not step.endswith(" 1/2")
            and not step.endswith(" 1/5")]  # fmt: skip


ALL = ["deps 2/2", "stage-1 2/5", "stage-1 3/5", "stage-1 4/5", "stage-1 5/5"]


def test_the_first_build_makes_everything(workshop: Workshop, context: Path) -> None:
    assert sorted(redone(workshop, context)) == ALL


def test_an_unchanged_build_makes_nothing_and_gives_the_same_image(workshop: Workshop, context: Path) -> None:
    first = workshop.build(context)
    assert redone(workshop, context) == []
    assert workshop.build(context).image.id == first.image.id


def test_touched_times_change_nothing(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    for path in context.rglob("*"):
        os.utime(path, (1, 1))
    assert redone(workshop, context) == []


def test_a_file_nobody_copies_changes_nothing(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "README").write_text("other")
    assert redone(workshop, context) == []


def test_a_changed_file_redoes_its_step_and_those_after_it(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "src" / "a.py").write_text("A")
    assert redone(workshop, context) == ["stage-1 4/5", "stage-1 5/5"]


def test_a_change_of_the_same_size_and_time_is_seen(workshop: Workshop, context: Path) -> None:
    path = context / "conf" / "c.ini"
    os.utime(path, ns=(5, 5))
    redone(workshop, context)
    path.write_text("C")
    os.utime(path, ns=(5, 5))
    assert redone(workshop, context) == ["stage-1 5/5"]


def test_a_changed_file_of_a_stage_redoes_what_copies_from_it(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "deps.txt").write_text("2")
    assert sorted(redone(workshop, context)) == ["deps 2/2", "stage-1 3/5", "stage-1 4/5", "stage-1 5/5"]


def test_a_stage_that_gives_the_same_files_redoes_nothing_above(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "extra.txt").write_text("x")
    text = DOCKERFILE.replace("COPY deps.txt /deps/", "COPY deps.txt /deps/\nCOPY extra.txt /elsewhere")
    workshop.build(context, dockerfile_text=text)
    assert [step for step, cached in workshop.cached().items() if cached and step.startswith("stage-1")] == [
        "stage-1 2/5", "stage-1 3/5", "stage-1 4/5", "stage-1 5/5",
    ]  # fmt: skip


def test_a_changed_mode_redoes_its_step(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "conf" / "c.ini").chmod(0o755)
    assert redone(workshop, context) == ["stage-1 5/5"]


def test_a_new_a_renamed_and_a_deleted_file_redo_their_step(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "conf" / "new").touch()
    assert redone(workshop, context) == ["stage-1 5/5"]
    (context / "conf" / "new").rename(context / "conf" / "newer")
    assert redone(workshop, context) == ["stage-1 5/5"]
    (context / "conf" / "newer").unlink()
    assert redone(workshop, context) == []


def test_going_back_finds_the_older_result(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    (context / "src" / "a.py").write_text("A")
    redone(workshop, context)
    (context / "src" / "a.py").write_text("a")
    assert redone(workshop, context) == []


def test_an_argument_that_no_file_depends_on_redoes_no_copy(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    assert redone(workshop, context, build_args={"VERSION": "2"}) == []


def test_another_base_redoes_everything(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    workshop.make_image("base", {"etc/passwd": b"", "new": b""})
    assert sorted(redone(workshop, context)) == ALL


def test_no_cache_makes_everything_again(workshop: Workshop, context: Path) -> None:
    redone(workshop, context)
    assert sorted(redone(workshop, context, no_cache=True)) == ALL


def test_a_layer_that_has_gone_is_made_again(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context)
    workshop.store.blobs.delete(built.image.layers[-1].descriptor.digest)
    assert redone(workshop, context) == ["stage-1 5/5"]


def test_a_file_whose_digest_is_known_is_not_read_again(tmp_path: Path, context: Path) -> None:
    after_ns = (context / "deps.txt").stat().st_ctime_ns + 10**10
    first = DirectoryFiles(context, ignore=None, digests=FileDigests(tmp_path / "known", lambda: after_ns), mtime_ns=0)
    for entry in first.list(b""):
        if entry.path == b"deps.txt":
            first.digest(entry)
    first.close()
    second = DirectoryFiles(context, ignore=None, digests=FileDigests(tmp_path / "known", lambda: after_ns), mtime_ns=0)
    (entry,) = [one for one in second.list(b"") if one.path == b"deps.txt"]
    (context / "deps.txt").unlink()
    assert second.digest(entry) == sha256(b"1").hexdigest()
    second.close()


def test_a_file_written_as_it_is_looked_at_is_read_again(workshop: Workshop, context: Path) -> None:
    workshop.now_ns = min(path.stat().st_ctime_ns for path in context.rglob("*"))
    workshop.build(context)
    cache = workshop.root / "cache" / "context" / sha256(bytes(context)).hexdigest()
    path = context / "src" / "a.py"
    assert FileDigests(cache, lambda: 0).find(b"src/a.py", signature_of(path.stat())) is None


def test_only_metadata_changes_leave_the_image_id_alone(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM scratch\nENV A=1\n"
    first = workshop.build(tmp_path, dockerfile_text=text)
    workshop.now_ns += 10**12
    assert workshop.build(tmp_path, dockerfile_text=text).image.id == first.image.id


@pytest.mark.parametrize("line", ["HEALTHCHECK CMD true", "ONBUILD COPY x /", "LABEL a=b", "EXPOSE 1", "USER 5"])
def test_every_change_of_metadata_changes_the_image(workshop: Workshop, tmp_path: Path, line: str) -> None:
    first = workshop.build(tmp_path, dockerfile_text="FROM scratch\n")
    assert workshop.build(tmp_path, dockerfile_text=f"FROM scratch\n{line}\n").image.id != first.image.id


def test_an_image_in_the_store_is_no_cache_for_a_dockerfile(workshop: Workshop, context: Path) -> None:
    built = workshop.build(context)
    workshop.cache.forget(one.id for one in workshop.cache.list_steps())
    workshop.images[Reference.parse("pulled").with_default_tag()] = built.image
    assert sorted(redone(workshop, context)) == ALL


def test_the_same_input_gives_the_same_image_on_two_machines(tmp_path: Path, context: Path) -> None:
    digests = []
    for name in ("one", "two"):
        workshop = Workshop(tmp_path / name)
        workshop.make_image("base")
        workshop.now_ns += len(digests) * 10**15
        copy = write_files(tmp_path / f"context {name}", {
            str(path.relative_to(context)): path.read_bytes() for path in context.rglob("*") if path.is_file()
        })  # fmt: skip
        digests.append(workshop.build(copy).image.digest)
        workshop.close()
    assert digests[0] == digests[1]


def test_an_image_has_the_time_of_its_base(workshop: Workshop, context: Path) -> None:
    image = workshop.build(context).image
    assert image.config.created == "2023-01-01T00:00:00Z"
    assert {step.created for step in image.history} == {"2023-01-01T00:00:00Z"}


def test_an_image_without_a_base_has_a_time_that_zip_can_hold(workshop: Workshop, tmp_path: Path) -> None:
    assert workshop.build(tmp_path, dockerfile_text="FROM scratch\n").image.config.created == "1985-10-26T08:15:00Z"


def test_an_epoch_dates_the_image_and_its_files(workshop: Workshop, context: Path) -> None:
    image = workshop.build(context, source_date_epoch=1_600_000_000).image
    assert image.config.created == "2020-09-13T12:26:40Z"
    assert {entry.mtime_ns for entry in workshop.layer_entries(image)} == {1_600_000_000 * 10**9}


def test_pruned_steps_are_made_again(workshop: Workshop, context: Path) -> None:
    workshop.build(context)
    assert workshop.cache.list_steps() != []
    workshop.cache.forget(one.id for one in workshop.cache.list_steps())
    assert workshop.cache.list_steps() == []
    assert sorted(redone(workshop, context)) == ALL


def test_the_cache_names_the_blobs_it_needs(workshop: Workshop, context: Path) -> None:
    image = workshop.build(context).image
    assert image.layers[-1].descriptor.digest in workshop.cache.list_digests()
