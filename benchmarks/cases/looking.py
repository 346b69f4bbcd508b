"""Looking at images that are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from case import Case
from measure import Contender
from peers import Lab, make


def look(*words: str) -> Callable[[Lab], Sequence[Contender]]:
    """A question about the debian image."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/debian"
        make(
            lab.capas("look", "pull", "-q", name),
            lab.podman("look", "pull", "-q", "--tls-verify=false", name),
        )
        asked = [word.format(name=name) for word in words]
        return [
            Contender("capas", [lab.capas("look", *asked)]),
            Contender("podman", [lab.podman("look", *asked)]),
        ]

    return prepare


def crowd(lab: Lab) -> Sequence[Contender]:
    """Among 500 images."""
    archive = str(lab.inputs / "crowd.tar")
    make(lab.capas("crowd", "load", "-q", "-i", archive), lab.podman("crowd", "load", "-q", "-i", archive))
    return [
        Contender("capas", [lab.capas("crowd", "image", "ls")]),
        Contender("podman", [lab.podman("crowd", "image", "ls")]),
    ]


CASES = (
    Case("ls", "image ls, one image", look("image", "ls"), "≤ podman's"),
    Case("ls-500", "image ls, 500 images", crowd, "≤ podman's"),
    Case("inspect", "image inspect", look("image", "inspect", "{name}"), "≤ podman's"),
    Case("history", "history", look("history", "{name}"), "≤ podman's"),
)
