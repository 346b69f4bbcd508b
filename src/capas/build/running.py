"""RUN as planned: the command, what it is granted, and its mounts."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import NamedTuple, cast

from capas.build.cache_mounts import Sharing
from capas.build.copying import absolute
from capas.build.ops.mounts import (
    CacheDirectory,
    FilesMount,
    MemoryMount,
    RunMount,
    SecretMount,
    SshMount,
    StageMount,
)
from capas.build.ops.run import RunOp
from capas.build.predefined import CACHE_NAMESPACE, chosen_hostname
from capas.build.request import BuildRequest
from capas.build.stage import StageState
from capas.build.vertex import Vertex
from capas.dockerfile import instructions as df
from capas.dockerfile.scope import proxy_args
from capas.errors import CapasError, Denied, Invalid
from capas.image.editing import shell_of

HOST_NETWORK, INSECURE = "network.host", "security.insecure"
ENTITLEMENTS = (HOST_NETWORK, INSECURE)
_SECRETS = "/run/secrets"


class Sources(NamedTuple):
    """What `from=` of a mount may name: `files` a context of files ("": it is none), `vertex` all else."""

    files: Callable[[str], str]
    vertex: Callable[[str], tuple[Vertex, str]]


class PlannedRun(NamedTuple):
    """The op, its inputs, and what the history says."""

    op: RunOp
    inputs: tuple[Vertex, ...]
    text: str


def plan_run(
    run: df.Run, state: StageState, request: BuildRequest, sources: Sources, locate: Callable[[CapasError], CapasError]
) -> PlannedRun:
    """The op of a RUN (expanded). Raises: Denied for what was not granted; Invalid; what finding a source raises."""
    _check_parent(request.cgroup_parent)
    script = run.executable
    shell = shell_of(state.execution)
    args = (f"/dev/pipes/{script.name}",) if script else run.full_command.argv(shell)
    mounting = _Mounting(state, sources, request.build_args.get(CACHE_NAMESPACE) or "")
    op = RunOp(
        title=run.original,
        locate=locate,
        args=args,
        env=dict(state.scope.variables),
        cwd=state.workdir,
        user=state.execution.user,
        network="none" if _network(run, request) == "none" else "host",
        add_hosts=request.add_hosts,
        mounts=tuple(map(mounting.plan, run.mounts)),
        script=(script.name, script.data) if script else None,
        shm_size=request.shm_size,
        ulimits=request.ulimits,
        privileged=_is_insecure(run, request),
        hostname=chosen_hostname(request),
        hidden=_proxies(request),
        time_ns=state.time_ns,
        use_cache=not request.no_cache,
        platform=state.platform,
    )
    return PlannedRun(op, tuple(mounting.inputs), _history_text(state, (*shell, *args) if script else args))


class _Mounting:
    """The mounts of one RUN, and the inputs that they read."""

    def __init__(self, state: StageState, sources: Sources, namespace: str) -> None:
        self._state = state
        self._sources = sources
        self._namespace = namespace
        self._agents = 0
        self.inputs: list[Vertex] = [state.vertex]

    def plan(self, mount: df.RunMount) -> RunMount:
        """One of them. Raises: Invalid."""
        if mount.type == "bind":
            return self._bind(mount)
        if mount.type == "cache":
            return self._cache(mount)
        if mount.type == "secret":
            return self._secret(mount)
        if mount.type == "ssh":
            return self._ssh(mount)
        return MemoryMount(self._target(mount.target), mount.size or 0, mount.read_only)

    def _bind(self, mount: df.RunMount) -> RunMount:
        target = self._target(mount.target)
        context = self._sources.files(mount.origin) if mount.origin else ""
        if context or not mount.origin:
            return FilesMount(target, _source(mount), context, mount.read_only)
        index, label = self._input(mount.origin)
        return StageMount(index, label, target, _source(mount), mount.read_only)

    def _cache_id(self, mount: df.RunMount) -> str:
        """The same id in another namespace is another cache."""
        name = mount.id or posixpath.normpath(mount.target)
        return f"{self._namespace}/{name.lstrip('/')}" if self._namespace else name

    def _cache(self, mount: df.RunMount) -> RunMount:
        target = self._target(mount.target)
        index, label = self._input(mount.origin) if mount.origin else (0, "")
        source = _source(mount)
        return CacheDirectory(
            self._cache_id(mount),
            target,
            source if index or source != "/" else "",
            cast(Sharing, mount.sharing),
            mount.uid or 0,
            mount.gid or 0,
            0o755 if mount.mode is None else mount.mode,
            mount.read_only,
            index,
            label,
        )

    def _secret(self, mount: df.RunMount) -> RunMount:
        name = mount.source or mount.id or posixpath.basename(mount.target)
        target = mount.target if mount.target or mount.env else f"{_SECRETS}/{posixpath.basename(name)}"
        mode = 0o400 if mount.mode is None else mount.mode
        return SecretMount(
            name,
            self._target(target) if target else "",
            mount.env,
            mount.uid or 0,
            mount.gid or 0,
            mode,
            mount.required,
        )

    def _ssh(self, mount: df.RunMount) -> RunMount:
        target = self._target(mount.target) if mount.target else f"/run/buildkit/ssh_agent.{self._agents}"
        self._agents += 1
        mode = 0o600 if mount.mode is None else mount.mode
        return SshMount(mount.id or "default", target, mount.uid or 0, mount.gid or 0, mode, mount.required)

    def _input(self, word: str) -> tuple[int, str]:
        vertex, label = self._sources.vertex(word)
        self.inputs.append(vertex)
        return len(self.inputs) - 1, label

    def _target(self, text: str) -> str:
        target = absolute(text, self._state.workdir).rstrip("/")
        if not target:
            raise Invalid("a mount cannot cover the whole tree: its target is {target}", target=text)
        return target


def _source(mount: df.RunMount) -> str:
    return posixpath.normpath("/" + mount.source.lstrip("/"))


def _network(run: df.Run, request: BuildRequest) -> str:
    if run.network == "default":
        return request.network
    if run.network == "host" and request.network != "host":
        _need(HOST_NETWORK, "RUN --network=host", request)
    return run.network


def _is_insecure(run: df.Run, request: BuildRequest) -> bool:
    if run.security != "insecure":
        return False
    _need(INSECURE, "RUN --security=insecure", request)
    return True


def _need(entitlement: str, what: str, request: BuildRequest) -> None:
    """A Dockerfile cannot give itself the host's rights: whoever builds it can."""
    if entitlement not in request.allow:
        raise Denied("{what} is not granted", what=what, entitlement=entitlement,
                     hint="if you trust this Dockerfile with it, build with --allow {entitlement}")  # fmt: skip


def _check_parent(path: str) -> None:
    if path and (not path.startswith("/") or ".." in path.split("/")):
        raise Invalid("--cgroup-parent {path} is not an absolute path", path=path[:200])


def _proxies(request: BuildRequest) -> dict[str, str]:
    given = {name: value for name, value in request.build_args.items() if value is not None}
    found = {**request.proxies, **proxy_args(given)}
    return {spelled: value for name, value in found.items() for spelled in (name.lower(), name.upper())}


def _history_text(state: StageState, args: tuple[str, ...]) -> str:
    visible = {name: state.scope.variables.get(name, value) for name, value in state.scope.args.items()}
    prefix = [f"|{len(visible)}", *(f"{name}={value}" for name, value in visible.items())] if visible else []
    return "RUN " + " ".join([*prefix, *args]) + " # buildkit"
