"""Every field of docker's create (API 1.51) is understood or refused by its name; none is passed over.

Spec: Docker Engine API 1.51, "ContainerCreate": ContainerConfig, HostConfig with Resources, NetworkingConfig, Mount.
"""

from __future__ import annotations

from typing import Any

import pytest

from capas.dockerapi.container_body import spec_of
from capas.errors import CapasError, Invalid, Unsupported

# what each field may say that is not what it says by itself
CONFIG: dict[str, Any] = {
    "ArgsEscaped": True, "Cmd": ["other"], "Domainname": "lan", "Entrypoint": ["sh"], "Env": ["A=1"],
    "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["CMD", "true"]}, "Hostname": "box", "Image": "other",
    "Labels": {"a": "b"}, "MacAddress": "02:42:ac:11:00:02", "NetworkDisabled": True, "OpenStdin": True,
    "Shell": ["bash"], "StdinOnce": True, "StopSignal": "SIGINT", "StopTimeout": 3, "Tty": True, "User": "1",
    "Volumes": {"/data": {}}, "WorkingDir": "/tmp",
}  # fmt: skip
_DEVICE = [{"Path": "/dev/null", "Rate": 1}]
RESOURCES: dict[str, Any] = {
    "BlkioDeviceReadBps": _DEVICE, "BlkioDeviceReadIOps": _DEVICE, "BlkioDeviceWriteBps": _DEVICE,
    "BlkioDeviceWriteIOps": _DEVICE, "BlkioWeight": 300, "BlkioWeightDevice": [{"Path": "/dev/null", "Weight": 9}],
    "CgroupParent": "/other", "CpuCount": 2, "CpuPercent": 50, "CpuPeriod": 50_000, "CpuQuota": 50_000,
    "CpuRealtimePeriod": 1000, "CpuRealtimeRuntime": 1000, "CpuShares": 512, "CpusetCpus": "0", "CpusetMems": "0",
    "DeviceCgroupRules": ["c 1:3 mr"], "DeviceRequests": [{"Driver": "nvidia", "Count": -1}],
    "Devices": [{"PathOnHost": "/dev/null"}], "IOMaximumBandwidth": 1, "IOMaximumIOps": 1, "Init": True,
    "KernelMemoryTCP": 1 << 26, "Memory": 1 << 26, "MemoryReservation": 1 << 26, "MemorySwap": 1 << 27,
    "MemorySwappiness": 10, "NanoCpus": 10**9, "OomKillDisable": True, "PidsLimit": 9,
    "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
}  # fmt: skip
HOST: dict[str, Any] = {
    "Annotations": {"a": "b"}, "AutoRemove": True, "Binds": ["/tmp:/mnt"], "CapAdd": ["NET_ADMIN"],
    "CapDrop": ["ALL"], "Cgroup": "other", "CgroupnsMode": "host", "Dns": ["1.1.1.1"], "DnsOptions": ["ndots:1"],
    "DnsSearch": ["lan"], "ExtraHosts": ["db:10.0.0.1"], "GroupAdd": ["9"], "IpcMode": "host", "Isolation": "hyperv",
    "Links": ["db:db"], "LogConfig": {"Type": "syslog"}, "MaskedPaths": ["/proc/kcore"],
    "Mounts": [{"Type": "tmpfs", "Target": "/t"}], "NetworkMode": "host", "OomScoreAdj": 100, "PidMode": "host",
    "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}, "Privileged": True, "PublishAllPorts": True,
    "ReadonlyPaths": ["/proc/bus"], "ReadonlyRootfs": True, "RestartPolicy": {"Name": "always"}, "Runtime": "runsc",
    "SecurityOpt": ["no-new-privileges"], "ShmSize": 1 << 20, "StorageOpt": {"size": "1G"},
    "Sysctls": {"net.ipv4.ip_forward": "1"}, "Tmpfs": {"/t": ""}, "UTSMode": "host", "UsernsMode": "private",
    "VolumeDriver": "nfs", "VolumesFrom": ["other"], **RESOURCES,
}  # fmt: skip
ENDPOINT: dict[str, Any] = {
    "Aliases": ["db"], "DriverOpts": {"a": "b"}, "GwPriority": 3, "IPAMConfig": {"IPv4Address": "172.18.0.9"},
    "Links": ["db:db"], "MacAddress": "02:42:ac:11:00:02",
}  # fmt: skip
# they say what the client does with the answer, or of what a commit is to be made
OF_THE_CLIENT: dict[str, Any] = {
    "AttachStderr": True, "AttachStdin": True, "AttachStdout": True, "OnBuild": ["RUN true"],
    "HostConfig.ConsoleSize": [24, 80], "HostConfig.ContainerIDFile": "/id",
}  # fmt: skip
DEEPER: dict[str, dict[str, Any]] = {
    "LogConfig.Config.max-size": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}}},
    **{
        f"Mounts.{kind.capitalize()}Options.{name}": {
            "Mounts": [{"Type": kind, "Target": "/t", "Source": source, f"{kind.capitalize()}Options": {name: value}}]
        }
        for kind, source, name, value in [
            ("bind", "/tmp", "Propagation", "rshared"), ("bind", "/tmp", "CreateMountpoint", True),
            ("bind", "/tmp", "NonRecursive", True), ("bind", "/tmp", "ReadOnlyNonRecursive", True),
            ("bind", "/tmp", "ReadOnlyForceRecursive", True), ("volume", "data", "NoCopy", True),
            ("volume", "data", "Labels", {"a": "b"}), ("volume", "data", "DriverConfig", {"Name": "nfs"}),
            ("volume", "data", "Subpath", "a"), ("tmpfs", "", "SizeBytes", 1 << 20), ("tmpfs", "", "Mode", 0o700),
            ("tmpfs", "", "Options", [["noexec"]]),
        ]
    },
    "Mounts.ImageOptions": {"Mounts": [{"Type": "image", "Target": "/t", "ImageOptions": {"Subpath": "a"}}]},
}  # fmt: skip

_BARE = {
    "Mounts.BindOptions": ("bind", "/tmp"),
    "Mounts.VolumeOptions": ("volume", "data"),
    "Mounts.TmpfsOptions": ("tmpfs", ""),
}


def _body(**more: Any) -> dict[str, Any]:
    return {"Image": "busybox", "Cmd": ["true"], **more}


def _is_understood_or_refused(name: str, given: dict[str, Any], without: dict[str, Any]) -> bool:
    try:
        return spec_of(given) != spec_of(without)
    except Unsupported as error:
        return name in str(error)


@pytest.mark.parametrize(("name", "value"), CONFIG.items())
def test_a_field_of_the_config_counts_or_is_refused_by_name(name: str, value: object) -> None:
    assert _is_understood_or_refused(name, _body() | {name: value}, _body())


@pytest.mark.parametrize(("name", "value"), HOST.items())
def test_a_field_of_the_host_config_counts_or_is_refused_by_name(name: str, value: object) -> None:
    assert _is_understood_or_refused(f"HostConfig.{name}", _body(HostConfig={name: value}), _body(HostConfig={}))


@pytest.mark.parametrize(("name", "value"), ENDPOINT.items())
def test_a_field_of_an_endpoint_counts_or_is_refused_by_name(name: str, value: object) -> None:
    def given(endpoint: dict[str, Any]) -> dict[str, Any]:
        return _body(HostConfig={"NetworkMode": "net"}, NetworkingConfig={"EndpointsConfig": {"net": endpoint}})

    assert _is_understood_or_refused(name, given({name: value}), given({}))


@pytest.mark.parametrize(("name", "host"), DEEPER.items())
def test_a_field_further_down_counts_or_is_refused_by_name(name: str, host: dict[str, Any]) -> None:
    bare = _BARE.get(name.rpartition(".")[0])
    without = {"Mounts": [{"Type": bare[0], "Source": bare[1], "Target": "/t"}]} if bare else {}
    assert _is_understood_or_refused(f"HostConfig.{name}", _body(HostConfig=host), _body(HostConfig=without))


def test_a_mount_of_another_type_is_refused_in_dockers_words() -> None:
    mount = {"Type": "npipe", "Source": "x", "Target": "/t"}
    with pytest.raises(CapasError, match='invalid mount config for type "npipe"'):
        spec_of(_body(HostConfig={"Mounts": [mount]}))


@pytest.mark.parametrize(("name", "value"), OF_THE_CLIENT.items())
def test_what_is_the_clients_own_business_is_no_hindrance(name: str, value: object) -> None:
    where, _, field = name.rpartition(".")
    spec_of(_body(HostConfig={field: value}) if where else _body() | {field: value})


@pytest.mark.parametrize(
    "host",
    [{"Memory": "1g"}, {"Binds": "x"}, {"CapAdd": "ALL"}, {"Privileged": "yes"}, {"NetworkMode": 3}, {"Tmpfs": ["/t"]}],
)
def test_a_value_of_another_kind_is_refused_by_name(host: dict[str, Any]) -> None:
    (name,) = host
    with pytest.raises(Invalid, match=f"HostConfig.{name}"):
        spec_of(_body(HostConfig=host))
