"""Pull until the image can be run, and removal."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial

from case import Case
from engines import Engine, all_engines
from measure import Contender, run
from peers import Lab

GOAL = "≤ 0.2 of the fastest that unpacks; ≤ 2.5 of skopeo, which does not"


def cold(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """Into empty stores, from the same registry."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        pulls = [
            Contender(engine.name, [engine.pull(name)], engine.reset, daemon=engine.daemon)
            for engine in all_engines(lab, "pull")
        ]
        return [*pulls, fetching(lab, name, unpack=False), fetching(lab, name, unpack=True)]

    return prepare


def fetching(lab: Lab, name: str, *, unpack: bool) -> Contender:
    """skopeo, which stores the blobs as they are; and umoci, which unpacks them."""
    layout, bundle = lab.work / "pulled", lab.work / "pulled-bundle"
    work = [lab.skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{layout}:latest")]
    if unpack:
        work.append(lab.umoci("unpack", "--image", f"{layout}:latest", str(bundle)))

    def clear() -> None:
        for path in (layout, bundle):
            shutil.rmtree(path, ignore_errors=True)

    return Contender("skopeo + umoci" if unpack else "skopeo (unpacks nothing)", work, clear)


def again(lab: Lab) -> Sequence[Contender]:
    """All of it is here."""
    name = f"{lab.address}/library/debian"
    return [
        Contender(engine.name, [engine.pull(name)], once=partial(fetch, engine, name), daemon=engine.daemon)
        for engine in all_engines(lab, "again")
    ]


def fetch(engine: Engine, name: str) -> None:
    """This image and nothing else in the engine's store."""
    engine.reset()
    run(engine.pull(name))


def removal(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """The only image; what was unpacked of it is written before."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        return [
            Contender(engine.name, [engine.remove(name)], partial(fetch, engine, name), daemon=engine.daemon)
            for engine in all_engines(lab, "remove")
        ]

    return prepare


CASES = (
    Case("pull-debian", "pull debian (one layer, 58 MB)", cold("debian"), GOAL),
    Case("pull-nginx", "pull nginx (debian and its packages)", cold("nginx"), GOAL, 3),
    Case("pull-python", "pull Python with pandas (7 layers, 16,000 files)", cold("python"), GOAL, 3),
    Case("pull-synthetic", "pull the synthetic image", cold("synthetic"), f"{GOAL}; < 150 MB", 3),
    Case("pull-nothing", "pull with nothing to do", again, "≤ podman's"),
    Case("remove-python", "rmi of Python with pandas", removal("python"), "≤ 0.05 of docker's", 3),
    Case("remove-synthetic", "rmi of the synthetic image", removal("synthetic"), "≤ 0.05 of docker's", 3),
)
