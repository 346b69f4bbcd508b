"""The system calls a container may make: docker's default profile, kept as a short table in seccomp.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_AF_VSOCK, _ENOSYS, _EPERM = 40, 38, 1


def default_profile(capabilities: Iterable[str], architecture: str) -> dict[str, Any]:
    """The runtime-spec `linux.seccomp` of a container with these capabilities on this architecture.

    Spec: OCI runtime-spec, config-linux.md, "Seccomp"; moby's default profile for what is allowed.
    """
    table = json.loads(Path(__file__).with_name("seccomp.json").read_text("ascii"))
    held = set(capabilities)
    names = [" ".join(table["always"].values()), table["architectures"].get(architecture, "")]
    names += [allowed for capability, allowed in table["capabilities"].items() if capability in held]
    rules: list[dict[str, Any]] = [_allow(" ".join(names).split()), _socket_rule()]
    rules += [_allow(["personality"], 0, value, "SCMP_CMP_EQ") for value in table["personalities"]]
    if "CAP_SYS_ADMIN" not in held:
        place = 1 if architecture == "s390x" else 0  # s390 passes clone's arguments in another order
        rules.append(_allow(["clone"], place, _NAMESPACE_FLAGS, "SCMP_CMP_MASKED_EQ", masked=0))
        # ENOSYS rather than EPERM, so that libc falls back to clone, whose flags can be looked at
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    profile: dict[str, Any] = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": _EPERM, "syscalls": rules}
    families: Mapping[str, list[str]] = table["families"]
    if architecture in families:
        profile["architectures"] = families[architecture]
    return profile


def _allow(
    names: list[str], index: int | None = None, value: int = 0, op: str = "", *, masked: int | None = None
) -> dict[str, Any]:
    rule: dict[str, Any] = {"names": names, "action": "SCMP_ACT_ALLOW"}
    if index is not None:
        rule["args"] = [{"index": index, "value": value, "op": op}]
        if masked is not None:
            rule["args"][0]["valueTwo"] = masked
    return rule


def _socket_rule() -> dict[str, Any]:
    return _allow(["socket"], 0, _AF_VSOCK, "SCMP_CMP_NE")
