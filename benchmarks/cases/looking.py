"""Looking at images that are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from case import Case
from engines import Engine, Podman, capas_drivers, dockers
from measure import Contender, run
from peers import Lab

from cases.pulling import fetch


def engines(lab: Lab, case: str) -> Sequence[Engine]:
    """Capas with the driver of its choice, and the others."""
    return [capas_drivers(lab, case)[0], *dockers(lab), Podman(lab, case)]


def look(*words: str) -> Callable[[Lab], Sequence[Contender]]:
    """A question about the debian image."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/debian"
        asked = [word.format(name=name) for word in words]
        return [
            Contender(engine.name, [engine.command(*asked)], once=partial(fetch, engine, name), daemon=engine.daemon)
            for engine in engines(lab, "look")
        ]

    return prepare


def crowd(lab: Lab) -> Sequence[Contender]:
    """Among 500 images."""

    def load(engine: Engine) -> None:
        engine.reset()
        run(engine.command("load", "-q", "-i", str(lab.inputs / "crowd.tar")))

    return [
        Contender(engine.name, [engine.command("image", "ls")], once=partial(load, engine), daemon=engine.daemon)
        for engine in engines(lab, "crowd")
    ]


CASES = (
    Case("ls", "image ls, one image", look("image", "ls"), "≤ podman's"),
    Case("ls-500", "image ls, 500 images", crowd, "≤ podman's"),
    Case("inspect", "image inspect", look("image", "inspect", "{name}"), "≤ podman's"),
    Case("history", "history", look("history", "{name}"), "≤ podman's"),
)
