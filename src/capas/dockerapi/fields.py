"""Fields of requests' bodies: those that Capas has, with the kinds of their values. Others are refused by name.

Spec: Docker Engine API, "ContainerCreate": ContainerConfig, HostConfig, Mount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capas.errors import Invalid, Unsupported

Kinds = Mapping[str, tuple[type, ...]]

_NAMES = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}


def _of(kind: type, *names: str) -> dict[str, tuple[type, ...]]:
    return dict.fromkeys(names, (kind,))


CONFIG: Kinds = {
    **_of(str, "Domainname", "Hostname", "Image", "MacAddress", "StopSignal", "User", "WorkingDir"),
    **_of(bool, "AttachStderr", "AttachStdin", "AttachStdout", "OpenStdin", "StdinOnce", "Tty"),
    **_of(list, "Env", "OnBuild"),
    **_of(dict, "ExposedPorts", "Healthcheck", "HostConfig", "Labels", "NetworkingConfig", "Volumes"),
    **_of(str, "name", "platform"),  # dockerode says what is in the query here too
    **dict.fromkeys(("Cmd", "Entrypoint"), (list, str)),
    "StopTimeout": (int,),
}
LIMITS: Kinds = {
    **_of(int, "CpuPeriod", "CpuQuota", "CpuShares", "Memory", "MemoryReservation", "MemorySwap", "NanoCpus",
          "PidsLimit"),
    "CpusetCpus": (str,),
    "RestartPolicy": (dict,),
}  # fmt: skip
HOST: Kinds = {
    **LIMITS,
    **_of(str, "CgroupnsMode", "ContainerIDFile", "IpcMode", "Isolation", "NetworkMode", "PidMode", "UTSMode",
          "UsernsMode"),
    **_of(bool, "AutoRemove", "Init", "Privileged", "PublishAllPorts", "ReadonlyRootfs"),
    **_of(int, "MemorySwappiness", "OomScoreAdj", "ShmSize"),
    **_of(list, "Binds", "CapAdd", "CapDrop", "ConsoleSize", "Devices", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts",
          "GroupAdd", "Links", "MaskedPaths", "Mounts", "ReadonlyPaths", "SecurityOpt", "Ulimits",
          "VolumesFrom"),
    **_of(dict, "Annotations", "LogConfig", "PortBindings", "Sysctls", "Tmpfs"),
}  # fmt: skip
MOUNT: Kinds = {
    **_of(str, "Consistency", "Source", "Target", "Type"),  # the first says nothing on Linux
    **_of(dict, "BindOptions", "TmpfsOptions", "VolumeOptions"),
    "ReadOnly": (bool,),
}
MOUNT_OPTIONS: Mapping[str, Kinds] = {
    "BindOptions": {"CreateMountpoint": (bool,), "Propagation": (str,)},
    "TmpfsOptions": {"Mode": (int,), "SizeBytes": (int,)},
    "VolumeOptions": {"NoCopy": (bool,)},
}


def check_fields(where: str, given: Mapping[str, Any], known: Kinds) -> None:
    """Raises: Unsupported for a field that says something and would be passed over; Invalid for one of another kind."""
    for name, value in given.items():
        kinds = known.get(name)
        if kinds is None:
            if not _says_nothing(value):
                raise Unsupported("{field} is not supported by Capas (it was {value})", field=where + name,
                                  value=str(value)[:100])  # fmt: skip
        elif value is not None and type(value) not in kinds:
            raise Invalid("invalid JSON: {field} has to be of type {kind}, not {value}", field=where + name,
                          kind=_NAMES[kinds[0]], value=str(value)[:100])  # fmt: skip


def _says_nothing(value: object) -> bool:
    if isinstance(value, dict):
        return all(_says_nothing(each) for each in value.values())
    return not value or value == -1 or value == ["NONE"]
