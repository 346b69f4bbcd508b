"""Archives: save and load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from case import Case
from measure import Contender
from peers import Lab, make

from cases.looking import engines
from cases.pulling import fetch


def save(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """To a file."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        out = lab.work / f"saved-{image}.tar"
        clear = partial(out.unlink, missing_ok=True)
        saves = [
            Contender(engine.name, [engine.save(name, out)], clear, partial(fetch, engine, name), engine.daemon)
            for engine in engines(lab, "save")
        ]
        copy = lab.skopeo("copy", "-q", f"oci:{lab.inputs / image}", f"docker-archive:{out}:{name}")
        return [*saves, Contender("skopeo", [copy], clear)]

    return prepare


def load(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """From the same docker archive, into empty stores."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        archive = lab.work / f"load-{image}.tar"
        if not archive.exists():
            target = f"docker-archive:{archive}:localhost/{image}:v1"
            make(lab.skopeo("copy", "-q", f"oci:{lab.inputs / image}", target))
        return [
            Contender(
                engine.name, [engine.command("load", "-q", "-i", str(archive))], engine.reset, daemon=engine.daemon
            )
            for engine in engines(lab, "load")
        ]

    return prepare


CASES = (
    Case("save-debian", "save debian", save("debian")),
    Case("load-debian", "load debian from a docker archive", load("debian")),
    Case("save-synthetic", "save the synthetic image", save("synthetic"), "", 3),
    Case("load-synthetic", "load the synthetic image from a docker archive", load("synthetic"), "", 3),
)
