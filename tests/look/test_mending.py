"""The lines that would have saved what an image wastes, made of its own instructions."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.engine.engine import Engine
from capas.look.mending import Mend, list_mends
from support.changesets import Member, file
from support.looking import make_engine, put_image


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def mends(engine: Engine, *layers: tuple[str, list[Member]]) -> list[tuple[str, str]]:
    put_image(engine, "app", *(members for _, members in layers), steps=[words for words, _ in layers])
    return [(mend.how, mend.line) for mend in list_mends(engine.look.waste("app"))]


BIG = file("opt/app", b"x" * 1000)


@pytest.mark.parametrize(
    ("command", "path", "mended"),
    [
        (
            "apt-get update && apt-get install -y curl",
            "var/lib/apt/lists/x",
            "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
        ),
        ("pip install flask", "root/.cache/pip/x", "pip install --no-cache-dir flask"),
        ("python -m pip install flask", "root/.cache/pip/x", "python -m pip install --no-cache-dir flask"),
        ("apk add curl", "var/cache/apk/x", "apk add --no-cache curl"),
        ("npm ci", "root/.npm/_cacache/x", "npm ci && rm -rf ~/.npm"),
        ("set -e\nnpm ci", "root/.npm/_cacache/x", "set -e\nnpm ci\nrm -rf ~/.npm"),
    ],
)
def test_what_a_tool_leaves_is_removed_in_its_own_run(engine: Engine, command: str, path: str, mended: str) -> None:
    assert mends(engine, (f"RUN /bin/sh -c {command} # buildkit", [file(path, b"1" * 9)])) == [
        ("clean", f"RUN {mended}")
    ]


def test_all_that_one_step_leaves_is_mended_in_one_line(engine: Engine) -> None:
    left = [file("root/.cache/pip/x", b"1"), file("usr/lib/__pycache__/a.pyc", b"2"), file("tmp/x", b"333")]
    ((how, line),) = mends(engine, ("RUN /bin/sh -c pip install flask", left))
    assert how == "clean"
    assert line == "RUN pip install --no-compile --no-cache-dir flask && rm -rf /tmp/* /var/tmp/*"


def test_a_run_that_deletes_what_a_run_made_is_joined_with_it(engine: Engine) -> None:
    made = ("|1 V=2 /bin/sh -c make all", [BIG])
    assert mends(engine, made, ("/bin/sh -c rm -rf /opt", [file(".wh.opt")])) == [
        ("join", "RUN make all && rm -rf /opt")
    ]


def found(engine: Engine, *layers: tuple[str, list[Member]]) -> Mend:
    mends(engine, *layers)
    (mend,) = list_mends(engine.look.waste("app"))
    return mend


MADE = ("RUN /bin/sh -c make all # buildkit", [BIG])
GONE = ("RUN /bin/sh -c rm -rf /opt # buildkit", [file(".wh.opt")])


def test_runs_between_are_joined_too_since_they_may_use_what_goes(engine: Engine) -> None:
    mend = found(engine, MADE, ("RUN /bin/sh -c wc -c /opt/app > /size # buildkit", [file("size", b"1")]), GONE)
    assert (mend.how, mend.line) == ("join", "RUN make all && wc -c /opt/app > /size && rm -rf /opt")
    assert mend.check == ()


@pytest.mark.parametrize("between", ["COPY conf /etc/conf # buildkit", "WORKDIR /srv", "ADD x.tar /"])
def test_what_is_no_run_between_two_that_would_be_joined_is_to_be_checked(engine: Engine, between: str) -> None:
    mend = found(engine, MADE, (between, [file("etc/conf", b"1")]), GONE)
    assert (mend.how, mend.line) == ("join", "RUN make all && rm -rf /opt")
    assert mend.check == (between.removesuffix(" # buildkit"),)


def test_a_command_between_that_may_use_a_file_is_to_be_checked_before_the_file_goes(engine: Engine) -> None:
    copied = ("COPY app.tgz /opt/ # buildkit", [file("opt/app.tgz", b"x" * 1000)])
    used = ("RUN /bin/sh -c tar xf /opt/app.tgz # buildkit", [file("bin/app", b"1")])
    gone = ("RUN /bin/sh -c rm /opt/app.tgz # buildkit", [file("opt/.wh.app.tgz")])
    mend = found(engine, copied, used, gone)
    assert (mend.how, mend.line, mend.check) == ("drop", "/opt/app.tgz", ("RUN tar xf /opt/app.tgz",))


def test_a_command_that_replaces_a_file_may_have_read_it(engine: Engine) -> None:
    copied = ("COPY conf /etc/conf # buildkit", [file("etc/conf", b"x" * 100)])
    mend = found(engine, copied, ("RUN /bin/sh -c sed -i s/x/y/ /etc/conf", [file("etc/conf", b"y" * 100)]))
    assert (mend.how, mend.check) == ("drop", ("RUN sed -i s/x/y/ /etc/conf",))


def test_copies_between_do_not_read_what_goes(engine: Engine) -> None:
    copied = ("COPY app /opt/app # buildkit", [BIG])
    mend = found(
        engine, copied, ("COPY b /b", [file("b", b"1")]), ("RUN /bin/sh -c rm /opt/app", [file("opt/.wh.app")])
    )
    assert (mend.how, mend.check) == ("drop", ())


def test_a_change_of_mode_or_owner_becomes_a_flag_of_copy(engine: Engine) -> None:
    again = file("opt/app", b"x" * 1000, mode=0o755)
    copied = ("COPY app /opt/app # buildkit", [BIG])
    assert mends(engine, copied, ("RUN /bin/sh -c chown -R 5:5 /opt && chmod 755 /opt/app", [again])) == [
        ("flag", "COPY --chown=5:5 --chmod=755 app /opt/app")
    ]


def test_a_file_that_is_copied_to_be_used_once_is_bound(engine: Engine) -> None:
    copied = ("COPY app.tgz /opt/ # buildkit", [file("opt/app.tgz", b"x" * 1000)])
    used = ("RUN /bin/sh -c tar xf /opt/app.tgz && rm /opt/app.tgz # buildkit", [file("opt/.wh.app.tgz")])
    assert mends(engine, copied, used) == [
        ("bind", "RUN --mount=type=bind,source=app.tgz,target=/opt/app.tgz tar xf /opt/app.tgz")
    ]


def test_what_has_no_better_line_names_the_path(engine: Engine) -> None:
    copied = ("/bin/sh -c #(nop) COPY file:123abc in /opt/app ", [BIG])
    assert mends(engine, copied, ("RUN /bin/sh -c rm /opt/app", [file("opt/.wh.app")])) == [("drop", "/opt/app")]
    assert mends(engine, ("COPY a /opt/app", [BIG]), ("COPY b /opt/app", [file("opt/app", b"y")])) == [
        ("drop", "/opt/app")
    ]


def test_a_base_that_came_as_a_whole_gets_no_advice(engine: Engine) -> None:
    assert mends(engine, ("", [BIG]), ("RUN /bin/sh -c rm /opt/app", [file("opt/.wh.app")])) == []


def test_copied_bytecode_belongs_into_the_ignore_file(engine: Engine) -> None:
    base, copied = ("ADD rootfs.tar /", [file("a")]), ("COPY . /app", [file("app/__pycache__/a.pyc", b"1")])
    assert mends(engine, base, copied) == [("ignore", "**/__pycache__")]


def test_what_saves_most_comes_first(engine: Engine) -> None:
    put_image(
        engine, "app", [file("tmp/a", b"1")], [file("b", b"2" * 10)], [file(".wh.b")], steps=["RUN a", "RUN b", "RUN c"]
    )
    assert [mend.saves for mend in list_mends(engine.look.waste("app"))] == [10, 1]
    assert isinstance(list_mends(engine.look.waste("app"))[0], Mend)
