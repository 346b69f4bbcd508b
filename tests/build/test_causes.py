"""Why a step is done again: each kind of change is named for what it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from capas.build.causes import compare
from capas.build.facts import flatten
from capas.build.forecast import forecast
from capas.build.ops.run import RunOp
from capas.build.past import Past, PastStep, Run
from capas.build.request import BuildRequest
from capas.events import Cause, Explained
from capas.oci.config import Execution
from support.building import Workshop, write_files

TEXT = """\
FROM base
ARG VERSION=1
ENV MODE=fast
WORKDIR /app
COPY src /app/src
COPY conf/c.ini /app/
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context for two copies, and other files."""
    files = {"src/a.py": "a", "src/b.py": "b", "conf/c.ini": "c"}
    return write_files(tmp_path / "context", files)


def why(workshop: Workshop, context: Path, text: str = TEXT, **wishes: object) -> dict[str, tuple[Cause, ...]]:
    """The causes of each step that a build did again, by its step."""
    workshop.now_ns += 10**12
    workshop.build(context, dockerfile_text=text, **wishes)
    return {event.id: event.causes for event in workshop.events if isinstance(event, Explained)}


def test_a_first_build_has_nothing_to_compare_with(workshop: Workshop, context: Path) -> None:
    assert why(workshop, context) == dict.fromkeys(["2/4", "3/4", "4/4"], (Cause("first"),))


def test_a_build_from_the_cache_explains_nothing(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    assert why(workshop, context) == {}


def test_a_changed_file_is_named_with_its_old_and_new_digest_and_size(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "a.py").write_text("other")
    found = why(workshop, context)
    assert found["3/4"] == (Cause("file", "src/a.py", "1 bytes, sha256:ca978112ca1b", "5 bytes, sha256:d9298a10d1b0"),)
    assert found["4/4"] == (Cause("step", "3/4 COPY src /app/src"),)


def test_a_changed_mode_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "conf" / "c.ini").chmod(0o755)
    assert why(workshop, context) == {"4/4": (Cause("file", "conf/c.ini", "mode 644", "mode 755"),)}


def test_a_new_file_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "new").write_text("n")
    assert why(workshop, context)["3/4"] == (Cause("file", "src/new", None, "1 bytes, sha256:1b16b1df538b"),)


def test_a_deleted_file_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "b.py").unlink()
    (cause,) = why(workshop, context)["3/4"]
    assert (cause.kind, cause.name, cause.new) == ("file", "src/b.py", None)


def test_a_file_that_became_a_link_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "b.py").unlink()
    (context / "src" / "b.py").symlink_to("a.py")
    (cause,) = why(workshop, context)["3/4"]
    assert cause.name == "src/b.py"
    assert str(cause.new).startswith("link, target a.py")


def test_a_hard_link_that_became_a_file_of_its_own_is_named(workshop: Workshop, context: Path) -> None:
    (context / "src" / "b.py").unlink()
    (context / "src" / "b.py").hardlink_to(context / "src" / "a.py")
    why(workshop, context)
    (context / "src" / "b.py").unlink()
    (context / "src" / "b.py").write_text("a")
    assert why(workshop, context)["3/4"] == (Cause("file", "src/b.py", "hardlink src/a.py", ""),)


def test_another_base_is_named_with_its_digests(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    old = workshop.images
    before = next(iter(old.values())).digest
    after = workshop.make_image("base", {"etc/passwd": b"", "new": b""}).digest
    found = why(workshop, context)
    assert found["2/4"] == (Cause("base", "base", str(before), str(after)),)
    assert found["3/4"][0].kind == "step"


def test_another_text_of_the_instruction_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    found = why(workshop, context, TEXT.replace("COPY src /app/src", "COPY src /app/lib"))
    assert found["3/4"] == (Cause("instruction", "", "COPY src /app/src", "COPY src /app/lib"),)


def test_another_flag_is_named_alone(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    found = why(workshop, context, TEXT.replace("COPY src", "COPY --chmod=700 src"))
    assert [cause for cause in found["3/4"] if cause.kind != "file"] == [Cause("chmod", "", "", "700")]


def test_an_argument_in_the_instructions_words_is_named(workshop: Workshop, context: Path) -> None:
    text = TEXT.replace("COPY src /app/src", "COPY src /app/$VERSION")
    why(workshop, context, text)
    assert why(workshop, context, text, build_args={"VERSION": "2"})["3/4"] == (Cause("arg", "VERSION", "1", "2"),)


def test_a_variable_in_the_instructions_words_is_named(workshop: Workshop, context: Path) -> None:
    text = TEXT.replace("COPY src /app/src", "COPY src /app/${MODE}")
    why(workshop, context, text)
    found = why(workshop, context, text.replace("MODE=fast", "MODE=slow"))
    assert found["3/4"] == (Cause("env", "MODE", "fast", "slow"),)


def test_the_value_of_what_is_called_like_a_secret_is_not_kept(workshop: Workshop, context: Path) -> None:
    text = TEXT.replace("VERSION", "API_TOKEN").replace("COPY src /app/src", "COPY src /app/$API_TOKEN")
    why(workshop, context, text, build_args={"API_TOKEN": "hush-hush-1"})
    (cause,) = why(workshop, context, text, build_args={"API_TOKEN": "hush-hush-2"})["3/4"]
    assert (cause.kind, cause.name) == ("arg", "API_TOKEN")
    assert str(cause.old).startswith("hidden:")


def test_another_user_of_a_workdir_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    found = why(workshop, context, TEXT.replace("WORKDIR", "USER app\nWORKDIR"))
    assert found["2/4"] == (Cause("user", "", "", "app"),)


def test_a_new_instruction_is_called_new_and_the_one_above_it_stands_on_it(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    found = why(workshop, context, TEXT.replace("COPY src", "COPY conf /conf\nCOPY src"))
    assert found["3/5"] == (Cause("new"),)
    (cause,) = found["4/5"]
    assert cause == Cause("step", "3/5 COPY conf /conf", "2/4 WORKDIR /app")


def test_a_removed_instruction_is_told_by_what_the_next_stands_on(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    found = why(workshop, context, TEXT.replace("COPY src /app/src\n", ""))
    assert found["3/3"] == (Cause("step", "2/3 WORKDIR /app", "3/4 COPY src /app/src"),)


def test_another_compression_is_no_cause(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    assert why(workshop, context, compression="zstd") == {}


def test_another_epoch_is_named(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    assert why(workshop, context, source_date_epoch=5)["2/4"][0].kind == "epoch"


def test_no_cache_is_its_own_cause(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    assert set(why(workshop, context, no_cache=True).values()) == {(Cause("no-cache"),)}


def test_a_layer_that_has_gone_is_the_cause(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    built = workshop.build(context, dockerfile_text=TEXT)
    workshop.store.blobs.delete(built.image.layers[-1].descriptor.digest)
    assert why(workshop, context) == {"4/4": (Cause("gone"),)}


def test_a_pruned_step_says_so(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    workshop.cache.forget(one.id for one in workshop.cache.list_steps())
    assert why(workshop, context)["2/4"] == (Cause("pruned"),)


def test_a_file_of_another_stage_is_named_with_its_stage(workshop: Workshop, context: Path) -> None:
    text = "FROM base AS one\nCOPY src /made/\nFROM base\nCOPY --from=one /made /got\n"
    why(workshop, context, text)
    (context / "src" / "a.py").write_text("A")
    (cause,) = why(workshop, context, text)["stage-1 2/2"]
    assert (cause.kind, cause.name) == ("file", "made/a.py (stage one)")


def test_the_nearest_of_several_earlier_runs_is_compared_with(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "b.py").write_text("B")
    (context / "src" / "a.py").write_text("A")
    why(workshop, context)
    (context / "src" / "a.py").write_text("a")
    (context / "src" / "b.py").write_text("b2")
    (cause,) = why(workshop, context)["3/4"]
    assert (cause.name, cause.old) == ("src/b.py", "1 bytes, sha256:3e23e8160039")


def test_a_base_with_another_environment_alone_redoes_no_copy(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    workshop.make_image("base", execution=Execution(env=("PATH=/bin", "X=y")))
    assert why(workshop, context) == {}


def process(arguments: tuple[str, ...] = (), **changed: object) -> Run:
    """A RUN as its op tells it, with these fields of the op changed."""
    op = RunOp("RUN make", lambda error: error, ("/bin/sh", "-c", "make"), {"MODE": "fast", "VERSION": "1"})
    return Run("RUN make", flatten({**op._replace(**changed).parts, "base": "sha256:1"}), {}, arguments=arguments)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"env": {"MODE": "slow", "VERSION": "1"}}, Cause("env", "MODE", "fast", "slow")),
        ({"env": {"MODE": "fast", "VERSION": "1", "NEW": "x"}}, Cause("env", "NEW", None, "x")),
        ({"env": {"VERSION": "1"}}, Cause("env", "MODE", "fast", None)),
        ({"env": {"MODE": "fast", "VERSION": "2"}}, Cause("arg", "VERSION", "1", "2")),
        ({"cwd": "/srv"}, Cause("workdir", "", "/", "/srv")),
        ({"user": "ana"}, Cause("user", "", None, "ana")),
        ({"network": "none"}, Cause("network", "", "host", "none")),
        ({"add_hosts": (("db", "10.0.0.1"),)}, Cause("add-host", "", None, "db:10.0.0.1")),
        ({"args": ("/bin/bash", "-ec", "make")}, Cause("shell", "", "/bin/sh -c", "/bin/bash -ec")),
        ({"script": ("EOF", "make\n")}, Cause("script", "", None, "EOF make\n")),
        ({"ulimits": (("nofile", 5, 9),)}, Cause("ulimit", "nofile", None, "5:9")),
        ({"privileged": True}, Cause("security", "", None, "insecure")),
    ],
)  # fmt: skip
def test_whatever_a_process_can_see_is_named_when_it_changes(changed: Mapping[str, object], cause: Cause) -> None:
    assert compare(process(("VERSION",)), process(("VERSION",), **changed)) == (cause,)


def test_a_part_that_nobody_foresaw_is_named_by_itself() -> None:
    def run(id: str) -> Run:
        mounts = [{"type": "secret", "target": "/run/secrets/key", "id": id}, {"type": "cache", "target": "/cache"}]
        return Run("RUN x", flatten({"mount": mounts, "device": {"gpu": "none"}}), {})

    assert compare(run("one"), run("two")) == (Cause("mount", "/run/secrets/key id", "one", "two"),)


def run_of(number: int, size: int) -> Run:
    files = {f"f{i}": f"file digest={sha256(b'%d %d' % (number, i)).hexdigest()}" for i in range(size)}
    return Run(f"COPY {number}", {"target": "/"}, files)


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    past = Past(tmp_path / "steps.db", most_bytes=60_000)
    for number in range(30):
        past.put([f"key {number}"], run_of(number, 200))
    past.close()
    assert past.find("key 0") is None
    assert past.find("key 29") == run_of(29, 200)
    past.close()


def test_a_file_of_another_version_is_begun_again(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "steps.db")
    database.executescript("CREATE TABLE runs (other TEXT); PRAGMA user_version=77;")
    database.close()
    past = Past(tmp_path / "steps.db")
    past.put(["key"], run_of(1, 1))
    assert past.find("key") == run_of(1, 1)
    past.close()


def test_a_step_whose_earlier_run_was_forgotten_is_not_called_new(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    database = sqlite3.connect(workshop.root / "cache" / "steps.db")
    database.executescript("DELETE FROM runs")
    database.close()
    (context / "src" / "a.py").write_text("A")
    assert why(workshop, context)["3/4"] == (Cause("forgotten"),)


def test_one_step_of_very_many_files_does_not_push_out_the_others(tmp_path: Path) -> None:
    past = Past(tmp_path / "steps.db", most_bytes=60_000)
    past.put(["small"], run_of(1, 1))
    past.put(["large"], run_of(2, 30_000))
    past.close()
    assert past.find("small") is not None
    large = past.find("large")
    assert large is not None
    assert large.files is None
    past.close()


def test_a_damaged_file_explains_nothing_stops_nothing_and_is_begun_again(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    for path in (workshop.root / "cache").glob("steps.db*"):
        path.write_bytes(b"rubbish" * 1000)
    (context / "src" / "a.py").write_text("A")
    assert why(workshop, context)["3/4"] == (Cause("first"),)
    (context / "src" / "a.py").write_text("B")
    assert [cause.kind for cause in why(workshop, context)["3/4"]] == ["file"]


def test_an_unchanged_build_writes_nothing_down(tmp_path: Path) -> None:
    past = Past(tmp_path / "steps.db")
    past.put_build("stage", [PastStep("RUN a", "1")])
    past.put_build("stage", [PastStep("RUN a", "1")])
    assert past.list_builds("stage") == [[PastStep("RUN a", "1")]]
    past.close()


def forecast_of(workshop: Workshop, context: Path, text: str = TEXT, **wishes: object) -> dict[str, tuple[Cause, ...]]:
    request = BuildRequest(str(context), dockerfile_text=text)._replace(**wishes)  # type: ignore[arg-type]
    return {one.step: one.causes for one in forecast(request, workshop.ports())}


def test_a_forecast_says_what_would_be_done_and_does_nothing(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "src" / "a.py").write_text("other")
    before = sorted(workshop.store.blobs.iterate())
    found = forecast_of(workshop, context)
    assert list(found) == ["2/4", "3/4", "4/4"]
    assert found["2/4"] == ()
    assert [cause.name for cause in found["3/4"]] == ["src/a.py"]
    assert found["4/4"] == (Cause("step", "3/4 COPY src /app/src"),)
    assert sorted(workshop.store.blobs.iterate()) == before
    assert list(why(workshop, context)) == ["3/4", "4/4"]


def test_a_forecast_sees_changed_files_above_a_changed_step(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    (context / "conf" / "c.ini").write_text("C")
    found = forecast_of(workshop, context, TEXT.replace("COPY src /app/src", "COPY src /app/lib"))
    assert [cause.kind for cause in found["4/4"]] == ["step", "file"]


def test_a_forecast_of_a_stage_that_would_be_rebuilt_says_so(workshop: Workshop, context: Path) -> None:
    text = "FROM base AS one\nCOPY src /made/\nFROM base\nCOPY --from=one /made /got\n"
    why(workshop, context, text)
    (context / "src" / "a.py").write_text("A")
    found = forecast_of(workshop, context, text)
    assert found["stage-1 2/2"] == (Cause("from", "one 2/2 COPY src /made/"),)


def test_a_forecast_of_an_unchanged_build_finds_everything_cached(workshop: Workshop, context: Path) -> None:
    why(workshop, context)
    assert set(forecast_of(workshop, context).values()) == {()}
