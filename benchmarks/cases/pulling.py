"""Pull and unpack."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial

from case import Case
from measure import Contender
from peers import Lab, make

INSECURE = "--tls-verify=false"


def cold(image: str) -> Callable[[Lab], Sequence[Contender]]:
    """Into empty stores, from the same registry."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        layout, bundle = lab.work / f"pulled-{image}", lab.work / f"bundle-{image}"

        def clear() -> None:
            for path in (layout, bundle):
                shutil.rmtree(path, ignore_errors=True)

        fetch = lab.skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{layout}:latest")
        return [
            Contender("capas", [lab.capas("pull", "pull", "-q", name)], partial(lab.reset_capas, "pull")),
            Contender(
                "capas, copy driver",
                [lab.capas("pull-copy", "pull", "-q", name, snapshotter="copy")],
                partial(lab.reset_capas, "pull-copy"),
            ),
            Contender("podman", [lab.podman("pull", "pull", "-q", INSECURE, name)], partial(lab.reset_podman, "pull")),
            Contender(
                "skopeo + umoci", [fetch, lab.umoci("unpack", "--image", f"{layout}:latest", str(bundle))], clear
            ),
        ]

    return prepare


def again(lab: Lab) -> Sequence[Contender]:
    """All of it is here."""
    name = f"{lab.address}/library/debian"
    capas, podman = lab.capas("again", "pull", "-q", name), lab.podman("again", "pull", "-q", INSECURE, name)
    make(capas, podman)
    return [Contender("capas", [capas]), Contender("podman", [podman])]


CASES = (
    Case("pull-debian", "pull and unpack debian (one layer, 58 MB)", cold("debian"), "≤ 0.5 of the fastest"),
    Case(
        "pull-synthetic", "pull and unpack the synthetic image", cold("synthetic"), "≤ 0.5 of the fastest; < 150 MB", 3
    ),
    Case("pull-nothing", "pull with nothing to do", again, "≤ podman's"),
)
