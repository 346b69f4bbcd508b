"""Builds: cold, unchanged, with one file changed; many files, large ones, RUN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from case import Case
from inputs import MANY, write_files
from measure import Command, Contender
from peers import Lab, make

Context = Callable[[Lab, Path], None]
ENGINES = ("capas", "podman", "buildah")


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


def dockerfile(lab: Lab, path: Path, *lines: str) -> None:
    """FROM busybox and these lines."""
    (path / "Dockerfile").write_text("\n".join((f"FROM {lab.address}/library/busybox", *lines, "")))


def contenders(lab: Lab, context: Context, kind: str) -> Sequence[Contender]:
    """Every engine with a context and a store of its own."""
    found = []
    counter = itertools.count()
    for engine in ENGINES:
        path = lab.work / "context" / f"{context.__name__}-{engine}"
        if not path.exists():
            context(lab, path)
        command = building(lab, engine, path, context.__name__, fresh=kind == "cold")
        if kind != "cold":
            make(command)
        change = partial(touch, path / "src", counter) if kind == "changed" else (lambda: None)
        found.append(Contender(engine, [command], change))
    return found


def touch(source: Path, counter: itertools.count[int]) -> None:
    """Other contents in one file."""
    (source / "changing").write_text(f"version {next(counter)}\n")


def building(lab: Lab, engine: str, path: Path, tag: str, *, fresh: bool) -> Command:
    """The engine's build; its base is here already."""
    base = f"{lab.address}/library/busybox"
    words = ("-t", f"localhost/{tag}:v1", str(path))
    if engine == "capas":
        make(lab.capas("build", "pull", "-q", base))
        return lab.capas("build", "build", "-q", *(("--no-cache",) if fresh else ()), *words)
    make(lab.podman(engine, "pull", "-q", "--tls-verify=false", base))
    verb = ("build",) if engine == "podman" else ("bud",)
    command = lab.podman if engine == "podman" else lab.buildah
    return command(engine, *verb, "-q", "--layers", *(("--no-cache",) if fresh else ()), *words)


def case(name: str, about: str, context: Context, kind: str, goal: str = "", most_rounds: int = 99) -> Case:
    """A build of one kind."""
    return Case(name, about, lambda lab: contenders(lab, context, kind), goal, most_rounds)


CASES = (
    case("build-cold", "build, three COPYs of 2,000 files, no cache", app, "cold", "≤ 0.3 of the fastest"),
    case("build-unchanged", "the same, nothing changed", app, "unchanged", "≤ 0.5 of docker's 0.3 to 0.4 s"),
    case("build-changed", "the same, one file of 300 changed", app, "changed"),
    case("build-run-cold", "build with three RUNs, no cache", steps, "cold"),
    case("build-run-unchanged", "the same, nothing changed", steps, "unchanged", "≤ 0.5 of docker's 0.3 to 0.4 s"),
    case("build-run-changed", "the same, one file changed, one RUN to do again", steps, "changed"),
    case("copy-20000", "COPY of 20,000 files, no cache", crowd, "cold", "≤ 0.3 of the fastest"),
    case("build-synthetic", "build of the synthetic image, no cache", synthetic, "cold", "≤ 0.3; < 150 MB", 3),
)
