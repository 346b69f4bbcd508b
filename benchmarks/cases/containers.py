"""Containers: a command that does nothing, a commit of many files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from case import Case
from engines import Engine, Podman, all_engines, capas_drivers, dockers
from measure import Command, Contender, run
from peers import Lab, make

from cases.pulling import fetch

WRITE = "i=0; mkdir /work; while [ $i -lt 10000 ]; do echo file $i >/work/f$i; i=$((i+1)); done"


def true(lab: Lab) -> Sequence[Contender]:
    """`busybox true` in a container that is removed, and what the runtimes alone take."""
    name = f"{lab.address}/library/busybox"
    found = [
        Contender(engine.name, [engine.run(name, "true")], once=partial(fetch, engine, name), daemon=engine.daemon)
        for engine in all_engines(lab, "run")
    ]
    bridged = capas_drivers(lab, "run")[0].command("run", "--rm", name, "true")
    crun = lab.podman("run", "--runtime", "crun", "run", "--rm", "--network", "host", name, "true")
    bundle = lab.work / "bundle-run"
    alone = [Contender(f"{runtime} alone", [run_bundle(lab, runtime, bundle)], once=partial(make_bundle, lab, bundle))
             for runtime in ("crun", "runc")]  # fmt: skip
    return [*found, Contender("capas, bridge", [bridged]), Contender("podman with crun", [crun]), *alone]


def run_bundle(lab: Lab, runtime: str, bundle: Path) -> Command:
    """The runtime itself."""
    return lab.peer(runtime, "run", "-b", str(bundle), f"bench-{os.getpid()}")


def make_bundle(lab: Lab, bundle: Path) -> None:
    """A bundle of the busybox tree with the runtime's own default spec, without a terminal and without new limits."""
    if bundle.exists():
        return
    make(lab.umoci("unpack", "--image", f"{lab.inputs / 'busybox'}:latest", str(bundle)))
    (bundle / "config.json").unlink()
    make(lab.peer("runc", "spec", "-b", str(bundle)))
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"] |= {"args": ["true"], "terminal": False, "rlimits": []}
    (bundle / "config.json").write_text(json.dumps(spec))


def commit(lab: Lab) -> Sequence[Contender]:
    """A container that wrote 10,000 files becomes an image."""
    engines = [capas_drivers(lab, "commit")[0], *dockers(lab), Podman(lab, "commit")]
    return [
        Contender(
            engine.name,
            [engine.command("commit", "writer", "localhost/written:v1")],
            once=partial(write, lab, engine),
            daemon=engine.daemon,
        )
        for engine in engines
    ]


def write(lab: Lab, engine: Engine) -> None:
    """The container that wrote."""
    name = f"{lab.address}/library/busybox"
    fetch(engine, name)
    run(engine.command("run", "--name", "writer", "--network", "host", name, "sh", "-c", WRITE))


CASES = (
    Case("run-true", "run --rm busybox true", true, "≤ 0.6 of podman's"),
    Case("commit-10000", "commit of 10,000 new files", commit, "≤ 0.3 of the fastest"),
)
