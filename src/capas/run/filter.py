"""The seccomp profile as the kernel's own program, compiled once by libseccomp and kept: crun takes 30 ms each time.

crun loads a ready program from an annotation. The profile stays in config.json beside it, for a crun that does not
know the annotation, so that no mistake here can leave a container without its filter.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

ANNOTATION = "run.oci.seccomp_bpf_data"
_ACTIONS = {"SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000}
_OPERATORS = {"SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4, "SCMP_CMP_GE": 5,
              "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}  # fmt: skip
_OPTIMIZE_ATTRIBUTE, _BINARY_TREE = 8, 2
_UNKNOWN = -1
_MAX_PROGRAM = 8 * 4096


class _Comparison(ctypes.Structure):
    _fields_ = [
        ("index", ctypes.c_uint), ("operator", ctypes.c_int), ("first", ctypes.c_uint64), ("second", ctypes.c_uint64),
    ]  # fmt: skip


def compiled(profile: dict[str, Any], cache: Path) -> str | None:
    """The program for crun's annotation, or None where it cannot be made (no libseccomp, an unusual profile).

    Atomic: many processes may fill the cache at once.
    """
    key = hashlib.sha256(json.dumps(profile, sort_keys=True).encode()).hexdigest()
    path = cache / f"{key}.bpf"
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError:
        pass
    program = _compile(profile)
    if program is None:
        return None
    temporary = cache / f".{key}.{threading.get_native_id()}"
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_bytes(program)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk: the next start compiles again
    return base64.b64encode(program).decode()


def _compile(profile: dict[str, Any]) -> bytes | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    default = _action(profile.get("defaultAction"), profile.get("defaultErrnoRet"))
    context = library.seccomp_init(ctypes.c_uint32(default)) if default is not None else None
    if not context:
        return None
    filter_ = ctypes.c_void_p(context)
    try:
        library.seccomp_attr_set(filter_, _OPTIMIZE_ATTRIBUTE, ctypes.c_uint32(_BINARY_TREE))
        if not _add_architectures(library, filter_, profile.get("architectures", [])):
            return None
        if not all(_add_rule(library, filter_, rule, default) for rule in profile.get("syscalls", [])):
            return None
        return _export(library, filter_)
    finally:
        library.seccomp_release(filter_)


def _action(name: object, errno: object) -> int | None:
    value = _ACTIONS.get(str(name))
    return value | int(str(errno or 1)) if name == "SCMP_ACT_ERRNO" and value else value


def _add_architectures(library: ctypes.CDLL, context: ctypes.c_void_p, names: list[str]) -> bool:
    for name in names:
        token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        if not token:
            return False
        library.seccomp_arch_add(context, ctypes.c_uint32(token & 0xFFFFFFFF))  # the native one is there already
    return True


def _add_rule(library: ctypes.CDLL, context: ctypes.c_void_p, rule: dict[str, Any], default: int | None) -> bool:
    action = _action(rule.get("action"), rule.get("errnoRet"))
    arguments = rule.get("args") or []
    if action is None or any(each.get("op") not in _OPERATORS for each in arguments):
        return False
    if action == default:
        return True
    compared = (_Comparison * len(arguments))(*(
        _Comparison(each["index"], _OPERATORS[each["op"]], each["value"], each.get("valueTwo", 0))
        for each in arguments
    ))  # fmt: skip
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN:
            continue  # newer than the library: refused, as everything the profile does not name
        code = library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(arguments), compared)
        if code != 0:
            return False
    return True


def _export(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes | None:
    fd = os.memfd_create("filter")
    with open(fd, "rb") as file:
        if library.seccomp_export_bpf(context, fd) != 0:
            return None
        file.seek(0)
        program = file.read()
    return program if 0 < len(program) <= _MAX_PROGRAM else None
