"""The machine as docker's client sees it: ping, version, info, disk usage."""

from __future__ import annotations

import os
import platform
import socket
from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, host_of
from capas.dockerapi.versions import API_VERSION, MIN_API_VERSION
from capas.engine.platforms import host_platform
from capas.release import capas_version


async def ping(request: web.Request) -> web.Response:
    """GET and HEAD /_ping."""
    headers = {"Api-Version": API_VERSION, "Builder-Version": "2", "Docker-Experimental": "false",
               "Ostype": "linux", "Swarm": "inactive", "Cache-Control": "no-cache, no-store, must-revalidate",
               "Pragma": "no-cache"}  # fmt: skip
    return web.Response(text="" if request.method == "HEAD" else "OK", headers=headers)


async def version(request: web.Request) -> web.Response:
    """GET /version."""
    host = host_of(request)
    return json_answer(await host.hop(_version, host))


def _version(host: Host) -> dict[str, Any]:
    machine = host_platform()
    known = host.engine.system.versions()
    facts = {
        "ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION, "Os": machine.os, "Arch": machine.architecture,
        "KernelVersion": os.uname().release, "GitCommit": "", "GoVersion": f"Python {platform.python_version()}",
        "BuildTime": "",
    }  # fmt: skip
    runtime = str(known.get("Runtime", ""))
    return {
        "Platform": {"Name": "Capas"}, "Version": capas_version(), **facts,
        "Components": [
            {"Name": "Engine", "Version": capas_version(), "Details": {**facts, "Experimental": "false"}},
            {"Name": runtime, "Version": "", "Details": {"Why": str(known.get("Runtime Reason", ""))}},
        ],
    }  # fmt: skip


async def info(request: web.Request) -> web.Response:
    """GET /info."""
    host = host_of(request)
    return json_answer(await host.hop(_info, host))


def _info(host: Host) -> dict[str, Any]:
    engine, machine = host.engine, host_platform()
    containers = engine.containers.list(every=True)
    running = sum(one.running for one in containers)
    known = engine.system.info()
    return {
        "ID": socket.gethostname(), "Name": socket.gethostname(), "ServerVersion": capas_version(),
        "Containers": len(containers), "ContainersRunning": running, "ContainersPaused": 0,
        "ContainersStopped": len(containers) - running, "Images": known["Images"],
        "Driver": engine.driver_name, "DriverStatus": [["Why", engine.snapshotter_reason]],
        "DockerRootDir": str(engine.settings.root), "OSType": machine.os, "Architecture": platform.machine(),
        "OperatingSystem": _os_name(), "KernelVersion": os.uname().release, "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "1",
        "DefaultRuntime": known["Runtime"], "Runtimes": {str(known["Runtime"]): {"path": str(known["Runtime"])}},
        "LoggingDriver": "json-file", "IndexServerAddress": "https://index.docker.io/v1/", "Labels": [],
        "Plugins": {"Volume": ["local"], "Network": ["bridge", "host", "null"], "Authorization": None,
                    "Log": ["json-file"]},
        "RegistryConfig": {"Mirrors": known["Mirrors"], "InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"],
                           "IndexConfigs": {}},
        "Swarm": {"LocalNodeState": "inactive"}, "SecurityOptions": ["name=seccomp,profile=builtin"],
        "MemoryLimit": True, "SwapLimit": True, "CpuCfsPeriod": True, "CpuCfsQuota": True, "CPUShares": True,
        "CPUSet": True, "PidsLimit": True, "IPv4Forwarding": True, "Debug": False, "ExperimentalBuild": False,
        "LiveRestoreEnabled": True, "Warnings": None,
    }  # fmt: skip


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


async def usage(request: web.Request) -> web.Response:
    """GET /system/df."""
    host = host_of(request)
    return json_answer(await host.hop(_usage, host))


def _usage(host: Host) -> dict[str, Any]:
    from capas.dockerapi.containers import describe_all
    from capas.dockerapi.images import describe_images
    from capas.dockerapi.volumes import describe_volumes

    sizes = {one.kind: one for one in host.engine.system.df()}
    return {
        "LayersSize": sizes["Images"].size,
        "Images": describe_images(host, [], with_shared=True),
        "Containers": describe_all(host, every=True, limit=None, filters=[], with_size=True),
        "Volumes": describe_volumes(host, [], with_size=True),
        "BuildCache": [
            {
                "ID": entry.id, "Type": entry.type, "Description": entry.title, "InUse": entry.in_use,
                "Shared": entry.shared, "Size": entry.size, "UsageCount": entry.uses,
            }
            for entry in host.engine.builder.list()
        ],
    }  # fmt: skip


ROUTES: list[Route] = [
    ("GET", "/_ping", ping),
    ("HEAD", "/_ping", ping),
    ("GET", "/version", version),
    ("GET", "/info", info),
    ("GET", "/system/df", usage),
]
