"""Capabilities: docker's default fourteen, and what --cap-add, --cap-drop and --privileged make of them."""

from __future__ import annotations

from collections.abc import Sequence

from capas.errors import Invalid

DEFAULT = (
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
)  # fmt: skip
ALL = (  # in the kernel's order: the index is the number
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip


def choose_capabilities(add: Sequence[str], drop: Sequence[str], *, privileged: bool = False) -> tuple[str, ...]:
    """The capabilities of a container, as docker's rules give them: ALL first, then single names.

    Raises: Invalid for a name that is no capability.
    """
    added, dropped = [parse_capability(name) for name in add], [parse_capability(name) for name in drop]
    chosen = set(ALL if privileged or "ALL" in added else DEFAULT)
    if "ALL" in dropped:
        chosen = set()
    chosen = (chosen - set(dropped)) | (set(added) - {"ALL"})
    return tuple(name for name in ALL if name in chosen)


def parse_capability(text: str) -> str:
    """`net_admin`, `CAP_NET_ADMIN` or `ALL`, in normal form. Raises: Invalid."""
    name = text.upper()
    if name == "ALL":
        return name
    name = name if name.startswith("CAP_") else f"CAP_{name}"
    if name not in ALL:
        raise Invalid("no such capability: {name}", name=text[:100])
    return name


def grantable(wanted: Sequence[str], bounding: int) -> tuple[str, ...]:
    """Those of `wanted` that this process may hand on; `bounding` is CapBnd of /proc/self/status."""
    return tuple(name for name in wanted if bounding >> ALL.index(name) & 1)


def read_bounding() -> int:
    """The bounding set of this thread."""
    with open("/proc/thread-self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("CapBnd:"):
                return int(line.split()[1], 16)
    return 0
