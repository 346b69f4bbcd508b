"""`bake --print` beside docker's own: the same targets, field by field, for the same files and flags."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.building import write_files
from support.buildx import find_buildx

SAMPLES = Path(__file__).with_name("bake")
CASES = [
    ("hcl", []),
    ("hcl", ["db"]),
    ("hcl", ["more", "matrix"]),
    ("hcl", ["app", "app"]),
    ("hcl", ["_common"]),
    ("hcl", ["m-a-1-0", "m-b-2-0"]),
    ("hcl", ["app", "--set", "app.tags=q", "--set", "app.tags=r"]),
    ("hcl", ["app", "--set", "*.args.X=1", "--set", "app.output=type=docker"]),
    ("hcl", ["app", "db", "--set", "*.platform=linux/arm64", "--push"]),
    ("hcl", ["db", "--load"]),
    ("hcl", ["app", "--no-cache", "--pull"]),
    ("hcl", ["app", "--set", "app.cache-from+=type=local,src=q"]),
    ("hcl", ["app", "--set", "app.labels.x=1", "--set", "app.contexts.y=./z", "--set", "a*.target=T"]),
    ("hcl", ["matrix", "--set", "m-a-*.dockerfile=D"]),
    ("hcl", ["app", "--set", "app.secrets=id=q,src=x"]),
    ("hcl", ["app", "--set", "app.ssh=default"]),
    ("hcl", ["app", "--set", "app.output=out", "--push"]),
    ("hcl", ["app", "--set", "app.output=type=docker", "--push"]),
    ("hcl", ["app", "--set", "app.output=type=oci,dest=x", "--push"]),
    ("hcl", ["app", "--set", "app.output=type=registry", "--push"]),
    ("hcl", ["app", "--set", "app.attest=type=provenance,mode=min", "--set", "app.extra-hosts.q=1.1.1.1"]),
    ("hcl", ["app", "--set", "app.annotations=a=b", "--set", "app.shm-size=1g", "--set", "app.no-cache=false"]),
    ("hcl", ["app", "--set", "app.entitlements=network.host", "--set", "app.call=check"]),
    ("json", []),
    ("json", ["api"]),
    ("compose", []),
    ("compose", ["my_app", "web"]),
    ("compose", ["web", "--set", "web.args.C=4"]),
]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """docker asks whether there is an ssh agent, even to print."""
    path = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp") / f"capas-agent-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield str(path)
    path.unlink()


def printed(words: list[str], folder: Path, agent: str) -> dict[str, Any]:
    environ = {**os.environ, "SSH_AUTH_SOCK": agent, "TAG": "v2", "LIST": "x,y"}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    document: dict[str, Any] = json.loads(done.stdout)
    for group in document["group"].values():
        group["targets"].sort()  # docker's come in any order
    for target in document["target"].values():
        if "attest" in target:
            target["attest"].sort(key=json.dumps)
    return document


@pytest.mark.parametrize(("sample", "words"), CASES, ids=[f"{sample} {' '.join(words)}" for sample, words in CASES])
def test_the_same_targets_are_printed(sample: str, words: list[str], tmp_path: Path, agent: str) -> None:
    buildx = find_buildx()
    texts = {path.name: path.read_bytes() for path in (SAMPLES / sample).iterdir()}
    folder = write_files(tmp_path / "project", {**texts, "x": "", "tok.txt": ""})
    ours = [sys.executable, "-m", "capas", "bake", "--print", *words]
    assert printed(ours, folder, agent) == printed([buildx, "bake", "--print", *words], folder, agent)
