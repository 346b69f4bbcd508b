"""Several platforms in one build: a request for each, and which of them this machine can run.

Spec: Linux, Documentation/admin-guide/binfmt-misc.rst; System V ABI, "ELF Header".
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from capas.build.cache import BuildCache
from capas.build.ops.run import RunOp
from capas.build.request import BuildRequest
from capas.build.vertex import Vertex, iter_vertices
from capas.errors import Invalid, Unsupported
from capas.oci.platform import Platform

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
_ELF = {  # class (1: 32 bits, 2: 64 bits), byte order (1: little), machine
    "386": (1, 1, 3), "amd64": (2, 1, 62), "arm": (1, 1, 40), "arm64": (2, 1, 183), "loong64": (2, 1, 258),
    "mips64": (2, 2, 8), "mips64le": (2, 1, 8), "ppc64": (2, 2, 21), "ppc64le": (2, 1, 21), "riscv64": (2, 1, 243),
    "s390x": (2, 2, 22),
}  # fmt: skip


def each_platform(request: BuildRequest) -> list[BuildRequest]:
    """The request once for each of its platforms, in order. Raises: Invalid for one platform twice."""
    platforms = request.platforms or (request.platform or request.host_platform,)
    if len(set(platforms)) < len(platforms):
        raise Invalid("one platform is asked for twice: {platforms}", platforms=", ".join(map(str, platforms)))
    return [request._replace(platform=platform, platforms=platforms) for platform in platforms]


def check_runnable(targets: Iterable[Vertex], host: Platform, cache: BuildCache, handlers: Path = HANDLERS) -> None:
    """See that every RUN can be run here, before any work. One that was run before may come from the cache.

    Raises: Unsupported, at the instruction, for a foreign platform that no emulator is registered for.
    """
    for vertex in iter_vertices(list(targets)):
        op = vertex.op
        if not isinstance(op, RunOp) or host.runs(op.platform) or cache.knows(op.family):
            continue
        if not has_emulator(op.platform, handlers):
            raise op.locate(
                Unsupported(
                    "this machine is {host} and cannot run a step for {platform}: no emulator is registered",
                    host=host, platform=op.platform,
                    hint="register one that stays open (binfmt_misc, flag F): Debian's qemu-user-static does. "
                    "COPY and FROM --platform=$BUILDPLATFORM need none",
                )
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
