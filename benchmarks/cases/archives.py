"""Archives: save and load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from case import Case
from measure import Contender
from peers import Lab, make


def save(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """To a file."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        make(lab.capas("save", "pull", "-q", name), lab.podman("save", "pull", "-q", "--tls-verify=false", name))
        out = {tool: lab.work / f"saved-{image}-{tool}.tar" for tool in ("capas", "podman", "skopeo")}
        layout = f"oci:{lab.inputs / image}:latest"
        return [
            contender("capas", out["capas"], lab.capas("save", "save", "-o", str(out["capas"]), name)),
            contender("podman", out["podman"], lab.podman("save", "save", "-q", "-o", str(out["podman"]), name)),
            contender(
                "skopeo", out["skopeo"], lab.skopeo("copy", "-q", layout, f"docker-archive:{out['skopeo']}:{name}")
            ),
        ]

    return prepare


def contender(name: str, out: Path, command: object) -> Contender:
    """One that writes a file which must not be there."""
    return Contender(name, [command], partial(out.unlink, missing_ok=True))  # type: ignore[list-item]


def load(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """From the same docker archive, into empty stores."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        archive = lab.work / f"load-{image}.tar"
        if not archive.exists():
            target = f"docker-archive:{archive}:localhost/{image}:v1"
            make(lab.skopeo("copy", "-q", f"oci:{lab.inputs / image}:latest", target))
        return [
            Contender("capas", [lab.capas("load", "load", "-q", "-i", str(archive))], partial(lab.reset_capas, "load")),
            Contender(
                "podman", [lab.podman("load", "load", "-q", "-i", str(archive))], partial(lab.reset_podman, "load")
            ),
        ]

    return prepare


CASES = (
    Case("save-debian", "save debian", save("debian")),
    Case("load-debian", "load debian from a docker archive", load("debian")),
    Case("save-synthetic", "save the synthetic image", save("synthetic"), "", 3),
    Case("load-synthetic", "load the synthetic image from a docker archive", load("synthetic"), "", 3),
)
