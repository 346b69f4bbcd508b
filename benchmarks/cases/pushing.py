"""Push, to a registry that has nothing of it and to one that has all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from case import Case
from measure import Command, Contender
from peers import Lab, make

INSECURE = "--tls-verify=false"


def commands(lab: Lab, image: str, target: str) -> dict[str, Command]:
    """The image in everybody's hands, and the command that sends it there."""
    source = f"{lab.address}/library/{image}"
    name = f"{target}/library/{image}"
    make(
        lab.capas("push", "pull", "-q", source),
        lab.capas("push", "tag", source, name),
        lab.podman("push", "pull", "-q", INSECURE, source),
        lab.podman("push", "tag", source, name),
    )
    skopeo = ("copy", "-q", "--dest-tls-verify=false", f"oci:{lab.inputs / image}:latest", f"docker://{name}")
    return {
        "capas": lab.capas("push", "push", "-q", name),
        "skopeo": lab.skopeo(*skopeo),
        "podman": lab.podman("push", "push", "-q", INSECURE, name),
    }


def cold(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """The registry is emptied before each."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        target = lab.registry(f"target-{image}")
        found = commands(lab, image, target.address)
        return [Contender(name, [command], target.empty) for name, command in found.items()]

    return prepare


def warm(lab: Lab) -> Sequence[Contender]:
    """The registry has it from each of them."""
    found = commands(lab, "debian", lab.registry("target-warm").address)
    make(*found.values())
    return [Contender(name, [command]) for name, command in found.items()]


CASES = (
    Case("push-debian", "push debian to an empty registry", cold("debian"), "≤ skopeo's"),
    Case("push-synthetic", "push the synthetic image to an empty registry", cold("synthetic"), "< 150 MB", 3),
    Case("push-nothing", "push with all layers there", warm, "≤ podman's"),
)
