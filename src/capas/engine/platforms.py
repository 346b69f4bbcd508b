"""The platform of this machine."""

from __future__ import annotations

import os

from capas.oci.platform import Platform


def host_platform() -> Platform:
    """This machine's platform, in normal form."""
    machine = os.uname().machine
    variants = {"armv6l": ("arm", "v6"), "armv7l": ("arm", "v7"), "armv8l": ("arm", "v7")}
    architecture, variant = variants.get(machine, (machine, ""))
    return Platform.of("linux", architecture, variant)
