"""--security-opt: no-new-privileges, seccomp, and the words that mean nothing here but must not be passed over."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from capas.errors import Invalid, Unsupported
from capas.run.capabilities import choose_capabilities

if TYPE_CHECKING:
    from capas.run.spec import ContainerSpec

_PROFILE_LIMIT = 4 * 1024 * 1024


class Security(NamedTuple):
    """What a container may do."""

    capabilities: tuple[str, ...]
    no_new_privileges: bool = False
    seccomp: Literal["default", "unconfined"] | dict[str, Any] = "default"
    system_paths: bool = True


def parse_security(spec: ContainerSpec) -> Security:
    """What the options of a spec come to. Raises: Invalid for an unknown one; Unsupported for a known, undone one."""
    found = Security(choose_capabilities(spec.cap_add, spec.cap_drop, privileged=spec.privileged))
    for option in spec.security_opt:
        key, separator, value = option.replace("=", ":", 1).partition(":")
        if key == "no-new-privileges" and (not separator or value in ("true", "false")):
            found = found._replace(no_new_privileges=value != "false")
        elif key == "seccomp" and value:
            found = found._replace(seccomp=_seccomp(value))
        elif (key, value) == ("systempaths", "unconfined"):
            found = found._replace(system_paths=False)
        elif key in ("apparmor", "label") and value in ("unconfined", "disable"):
            continue  # neither is ever applied
        elif key in ("apparmor", "label"):
            raise Unsupported("security option {option!r} is not supported", option=option[:200])
        else:
            raise Invalid("unknown security option {option!r}", option=option[:200])
    return found


def _seccomp(value: str) -> Literal["default", "unconfined"] | dict[str, Any]:
    if value == "unconfined":
        return "unconfined"
    if value in ("default", "builtin"):
        return "default"
    try:
        with open(os.path.expanduser(value), encoding="utf-8") as file:
            profile = json.loads(file.read(_PROFILE_LIMIT))
    except (OSError, ValueError) as error:
        raise Invalid("cannot read the seccomp profile {path}: {error}", path=value[:300], error=str(error)) from None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise Invalid("{path} is not a seccomp profile", path=value[:300])
    if "archMap" in profile or any("includes" in rule or "excludes" in rule for rule in profile.get("syscalls", [])):
        raise Unsupported("the seccomp profile {path} has docker's conditions (archMap, includes): only the "
                          "runtime's own form is supported", path=value[:300])  # fmt: skip
    return profile
