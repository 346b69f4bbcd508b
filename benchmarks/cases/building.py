"""Builds: cold, unchanged, with one file changed; many files, large ones, RUN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from case import Case
from engines import Engine, builders
from inputs import MANY, write_files
from measure import Command, Contender, nothing
from peers import Lab, make

from cases.pulling import fetch

Context = Callable[[Lab, Path], None]


def app(lab: Lab, path: Path) -> None:
    """An application of 2,000 files, its dependencies and its settings in layers of their own."""
    write_files(path / "deps", 1_700, 3)
    write_files(path / "src", 300, 4)
    (path / "settings").write_text("mode = fast\n")
    dockerfile(
        lab, path, "ENV A=1", "WORKDIR /app", "COPY deps/ deps/", "COPY settings .", "COPY src/ src/", 'CMD ["true"]'
    )


def steps(lab: Lab, path: Path) -> None:
    """Three commands and a file."""
    (path / "src").mkdir(parents=True)
    (path / "src" / "file").write_text("file\n")
    dockerfile(lab, path, "RUN echo one >/one", "RUN mkdir /two", "COPY src/ /src/", "RUN cat /src/file >/three")


def crowd(lab: Lab, path: Path) -> None:
    """20,000 files in one COPY."""
    write_files(path / "files", 20_000, 5)
    dockerfile(lab, path, "COPY files/ /files/")


def twenty(lab: Lab, path: Path) -> None:
    """Twenty steps on debian, as services are built, with a context of 10,000 files."""
    for place, (name, count) in enumerate({"vendor": 6_000, "assets": 2_500, "lib": 1_200, "src": 300}.items()):
        write_files(path / name, count, 10 + place)
    for name in ("requirements", "settings", "start"):
        (path / name).write_text(f"{name}\n")
    dockerfile(
        lab, path, "ARG VERSION=1", "ENV LANG=C.UTF-8 APP=/srv/app", "LABEL team=bench", "RUN useradd --system app",
        "RUN mkdir -p /srv/app /var/lib/app", "WORKDIR /srv/app", "COPY requirements .", "RUN sort requirements >sorted",
        "COPY vendor/ vendor/", "RUN ls vendor >vendored", "COPY assets/ assets/", "RUN cat assets/*/* | sha256sum >assets.sum",
        "COPY settings start ./", "RUN chmod +x start", "COPY lib/ lib/", "COPY --chown=app src/ src/",
        "RUN cat src/*/* >bundle", "EXPOSE 8080", "USER app", 'CMD ["./start"]', base="debian",
    )  # fmt: skip


def synthetic(lab: Lab, path: Path) -> None:
    """The synthetic image: 300 MB, 60,000 files, and a file written over again and again."""
    path.mkdir(parents=True)
    make(Command(("sh", "-c", f"head -c 300000000 /dev/urandom >{path}/noise")))
    write_files(path / "many", MANY, 2)
    copies = []
    for number in range(17):
        (path / f"v{number}").write_text(f"version {number}\n" * 500)
        copies.append(f"COPY v{number} /srv/same")
    dockerfile(lab, path, "COPY noise /big/", "COPY many/ /many/", *copies)


def dockerfile(lab: Lab, path: Path, *lines: str, base: str = "busybox") -> None:
    """FROM the base and these lines."""
    (path / "Dockerfile").write_text("\n".join((f"FROM {lab.address}/library/{base}", *lines, "")))


def building(lab: Lab, context: Context, kind: str) -> Sequence[Contender]:
    """Every engine with a context and a store of its own, in which only the base image is."""
    return [build(lab, engine, context, kind) for engine in builders(lab, context.__name__)]


def build(lab: Lab, engine: Engine, context: Context, kind: str) -> Contender:
    """One engine's build of this kind: cold, unchanged, changed, pushed (changed, with a push after)."""
    path = lab.work / "context" / f"{context.__name__}-{engine.name.replace(', ', '-')}"
    tag = f"{lab.address}/bench/{path.name}:v1"
    work = engine.publish(path, tag) if kind == "pushed" else [engine.build(path, tag, fresh=kind == "cold")]

    def once() -> None:
        if not path.exists():
            context(lab, path)
        fetch(engine, path.joinpath("Dockerfile").read_text().split()[1])
        if kind != "cold":
            make(*work)

    before = {"cold": engine.forget, "unchanged": nothing}.get(kind) or partial(touch, path / "src", itertools.count())
    return Contender(engine.name, work, before, once, engine.daemon)


def touch(source: Path, counter: itertools.count[int]) -> None:
    """Other contents in one file."""
    (source / "changing").write_text(f"version {next(counter)}\n")


def case(name: str, about: str, context: Context, kind: str, goal: str = "", most_rounds: int = 99) -> Case:
    """A build of one kind."""
    return Case(name, about, lambda lab: building(lab, context, kind), goal, most_rounds)


CASES = (
    case("build-cold", "build, three COPYs of 2,000 files, no cache", app, "cold", "≤ 0.3 of the fastest"),
    case("build-unchanged", "the same, nothing changed", app, "unchanged", "≤ 0.5 of docker's"),
    case("build-changed", "the same, one file of 300 changed", app, "changed"),
    case("build-run-cold", "build with three RUNs, no cache", steps, "cold"),
    case("build-run-unchanged", "the same, nothing changed", steps, "unchanged", "≤ 0.5 of docker's"),
    case("build-run-changed", "the same, one file changed, one RUN to do again", steps, "changed"),
    case("build-20-cold", "20 steps on debian, 10,000 files, no cache", twenty, "cold", "≤ the fastest", 3),
    case("build-20-unchanged", "the same, nothing changed", twenty, "unchanged", "≤ 0.5 of docker's, 0.2 of buildah's"),
    case("build-20-push", "the same, one file changed, and pushed", twenty, "pushed", "≤ 0.5 of docker's", 3),
    case("copy-20000", "COPY of 20,000 files, no cache", crowd, "cold", "≤ 0.3 of docker's", 3),
    case("build-synthetic", "build of the synthetic image, no cache", synthetic, "cold", "≤ 0.3; < 150 MB", 3),
)
