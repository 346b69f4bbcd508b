"""Push, to a registry that has nothing of it and to one that has all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from case import Case
from engines import Engine
from measure import Contender, run
from peers import Lab, Registry

from cases.looking import engines
from cases.pulling import fetch


def pushing(lab: Lab, image: str, target: Registry) -> Sequence[Contender]:
    """The image in everybody's hands, and the command that sends it there."""
    source, name = f"{lab.address}/library/{image}", f"{target.address}/library/{image}"

    def prepare(engine: Engine) -> None:
        fetch(engine, source)
        run(engine.command("tag", source, name))

    sends = [
        Contender(engine.name, [engine.push(name)], once=partial(prepare, engine), daemon=engine.daemon)
        for engine in engines(lab, "push")
    ]
    layout = f"oci:{lab.inputs / image}"
    copy = lab.skopeo("copy", "-q", "--dest-tls-verify=false", layout, f"docker://{name}")
    return [*sends, Contender("skopeo", [copy])]


def cold(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """The registry is emptied before each."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        target = lab.registry(f"target-{image}")
        return [contender._replace(before=target.empty) for contender in pushing(lab, image, target)]

    return prepare


def warm(lab: Lab) -> Sequence[Contender]:
    """The registry has it from each of them."""

    def prepared(contender: Contender) -> Contender:
        def once() -> None:
            contender.once()
            run(contender.work[0])

        return contender._replace(once=once)

    return [prepared(contender) for contender in pushing(lab, "debian", lab.registry("target-warm"))]


CASES = (
    Case("push-debian", "push debian to an empty registry", cold("debian"), "≤ skopeo's"),
    Case("push-synthetic", "push the synthetic image to an empty registry", cold("synthetic"), "< 150 MB", 3),
    Case("push-nothing", "push with all layers there", warm, "≤ podman's"),
)
