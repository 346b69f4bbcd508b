"""Containers: a command that does nothing, a commit of many files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from case import Case
from measure import Command, Contender
from peers import Lab, make, without_unified

TRUE = ("run", "--rm", "--network", "host")
WRITE = "i=0; mkdir /work; while [ $i -lt 10000 ]; do echo file $i >/work/f$i; i=$((i+1)); done"


def true(lab: Lab) -> Sequence[Contender]:
    """`busybox true` in a container that is removed, and what the runtimes alone take."""
    name = f"{lab.address}/library/busybox"
    make(lab.capas("run", "pull", "-q", name), lab.podman("run", "pull", "-q", "--tls-verify=false", name))
    bundle = make_bundle(lab)
    number = str(os.getpid())
    return [
        Contender("capas", [lab.capas("run", *TRUE, name, "true")]),
        Contender("capas, bridge", [lab.capas("run", "run", "--rm", name, "true")]),
        Contender("podman (crun)", [lab.podman_crun("run", *TRUE, name, "true")]),
        Contender("podman (runc)", [lab.podman("run", *TRUE, name, "true")]),
        Contender("crun alone", [Command(without_unified(("crun", "run", "-b", str(bundle), f"bench-{number}")))]),
        Contender("runc alone", [Command(("runc", "run", "-b", str(bundle), f"bench-{number}"))]),
    ]


def make_bundle(lab: Lab) -> Path:
    """A bundle of the busybox tree with the runtime's own default spec, without a terminal and without new limits."""
    bundle = lab.work / "bundle-run"
    if not bundle.exists():
        make(lab.umoci("unpack", "--image", f"{lab.inputs / 'busybox'}:latest", str(bundle)))
        (bundle / "config.json").unlink()
        subprocess.run(["runc", "spec", "-b", bundle], check=True)
        spec = json.loads((bundle / "config.json").read_text())
        spec["process"] |= {"args": ["true"], "terminal": False, "rlimits": []}
        (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def commit(lab: Lab) -> Sequence[Contender]:
    """A container that wrote 10,000 files becomes an image."""
    name = f"{lab.address}/library/busybox"
    options = ("run", "--name", "writer", "--network", "host", name, "sh", "-c", WRITE)
    make(
        lab.capas("commit", "pull", "-q", name),
        lab.podman("commit", "pull", "-q", "--tls-verify=false", name),
        lab.capas("commit", *options),
        lab.podman("commit", *options),
    )
    return [
        Contender("capas", [lab.capas("commit", "commit", "writer", "localhost/written:v1")]),
        Contender("podman", [lab.podman("commit", "commit", "-q", "writer", "localhost/written:v1")]),
    ]


CASES = (
    Case("run-true", "run --rm busybox true", true, "≤ 0.6 of podman's"),
    Case("commit-10000", "commit of 10,000 new files", commit, "≤ 0.3 of the fastest"),
)
