"""Emulators: whether the kernel runs programs of another machine, so that a RUN of a foreign platform can be done.

Spec: Linux, Documentation/admin-guide/binfmt-misc.rst; System V ABI, "ELF Header".
"""

from __future__ import annotations

from pathlib import Path

from capas.errors import Unsupported
from capas.oci.platform import Platform

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
_ELF = {  # class (1: 32 bits, 2: 64 bits), byte order (1: little), machine
    "386": (1, 1, 3), "amd64": (2, 1, 62), "arm": (1, 1, 40), "arm64": (2, 1, 183), "loong64": (2, 1, 258),
    "mips64": (2, 2, 8), "mips64le": (2, 1, 8), "ppc64": (2, 2, 21), "ppc64le": (2, 1, 21), "riscv64": (2, 1, 243),
    "s390x": (2, 2, 22),
}  # fmt: skip


def check_emulator(platform: Platform, host: Platform, handlers: Path = HANDLERS) -> None:
    """Raises: Unsupported for a platform that this machine neither is nor emulates."""
    if host.runs(platform) or has_emulator(platform, handlers):
        return
    raise Unsupported(
        "this machine is {host} and cannot run a step for {platform}: no emulator is registered",
        host=host, platform=platform,
        hint="register one that stays open (binfmt_misc, flag F): Debian's qemu-user-static does. "
        "COPY and FROM --platform=$BUILDPLATFORM need none",
    )  # fmt: skip


def has_emulator(platform: Platform, handlers: Path = HANDLERS) -> bool:
    """Whether the kernel hands programs of this platform to an emulator that containers reach too."""
    wanted = _ELF.get(platform.architecture)
    try:
        if wanted is None or (handlers / "status").read_text().strip() != "enabled":
            return False
        texts = [path.read_text() for path in handlers.iterdir() if path.name not in ("register", "status")]
    except OSError:
        return False
    return any(_handles(text, wanted) for text in texts)


def list_runnable(host: Platform) -> list[Platform]:
    """Every platform whose steps can be run here: this machine's first, then what it runs too or emulates."""
    others = [Platform.of("linux", name) for name in _ELF]
    return [host, *(one for one in others if one != host and (host.runs(one) or has_emulator(one)))]


def _handles(text: str, wanted: tuple[int, int, int]) -> bool:
    lines = text.splitlines()
    said = dict(line.partition(" ")[::2] for line in lines)
    magic = bytes.fromhex(said.get("magic", ""))
    if not lines or lines[0] != "enabled" or "F" not in said.get("flags:", "") or said.get("offset", "0") != "0":
        return False
    if len(magic) < 20 or not magic.startswith(b"\x7fELF"):
        return False
    bits, order, machine = wanted
    found = int.from_bytes(magic[18:20], "little" if order == 1 else "big")
    return (magic[4], magic[5], found) == (bits, order, machine)
