"""One step of a build: a process on a tree, its output as events, its exit code, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple

from capas.errors import CapasError, Interrupted, NotFound
from capas.events import Report, Said, ignore
from capas.run.bundle import BundleSpec, InnerMount, ProcessSpec, make_config
from capas.run.capabilities import choose_capabilities
from capas.run.claims import Claim, claim, claim_dead
from capas.run.concealed import Concealed
from capas.run.defaults import DEFAULT_PATH, DEFAULT_SHM_SIZE
from capas.run.ground import Ground, bind, mounted_ground
from capas.run.launch import Launch, ended
from capas.run.lines import iter_lines
from capas.run.machine import read_machine
from capas.run.naming import hosts, resolv_conf, write_files
from capas.run.runtime import Runtime
from capas.run.step_mounts import StepMount, mounted_sources
from capas.run.step_terminal import StepTerminal
from capas.run.user import find_user
from capas.snapshot.contract import Mount
from capas.snapshot.mounting import mount_memory
from capas.snapshot.namespaces import in_private_mounts

DEFAULT_PARENT = "/capas"
DEFAULT_HOSTNAME = "buildkitsandbox"
CA_BUNDLE = "/run/capas/ca-certificates.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class StepSpec(NamedTuple):
    """What a step runs, and on what. `id` is fresh, of letters, digits and '-'; `mounts` is the writable snapshot."""

    id: str
    args: Sequence[str]
    mounts: Sequence[Mount]
    env: Mapping[str, str] = {}
    cwd: str = "/"
    user: str = ""  # as in USER: "name[:group]", names resolved inside the tree
    network: Literal["host", "none"] = "host"
    hostname: str = DEFAULT_HOSTNAME
    add_hosts: Sequence[tuple[str, str]] = ()  # (name, address); "host-gateway" is the host's
    shown: Sequence[StepMount] = ()  # what is mounted beside the tree
    secret_env: Mapping[str, Concealed] = {}  # over `env`, and written to no disk
    shm_size: int = DEFAULT_SHM_SIZE
    ulimits: Sequence[tuple[str, int, int]] = ()  # (name, soft, hard)
    privileged: bool = False
    cgroup_parent: str = DEFAULT_PARENT
    ca_bundle: Path | None = None  # shown to the step with the variables that make tools use it
    stdin: bytes = b""  # what the process reads: a heredoc's text
    terminal: tuple[int, int] | None = None  # it runs at one of so many rows and columns


class _Listener(NamedTuple):
    cancelled: threading.Event
    report: Report


def run_step(
    spec: StepSpec,
    runtime: Runtime,
    *,
    run_root: Path,
    cancelled: threading.Event | None = None,
    report: Report = ignore,
) -> int:
    """Run it to its end; its exit code. Lines of output are `Said(text, id=spec.id, stream="out" or "err")`.

    The tree is seen only by the step, in a private mount namespace. Files and directories made to mount on are taken
    away again. Once `cancelled` is set (a nursery's) the process is killed.

    Raises: Invalid for a user or a working directory that cannot be; NotFound for a command that is not in the tree;
    Denied for one that cannot be run; Unsupported where the runtime cannot; Interrupted when cancelled.
    """
    clear_steps(runtime, run_root)
    listen = _Listener(cancelled or threading.Event(), report)
    with claim(run_root / "steps", spec.id) as held:
        code = in_private_mounts(lambda: _run(spec, runtime, held, run_root, partial(_watch, spec, listen)))
    if listen.cancelled.is_set():
        raise Interrupted("the step was cancelled")
    return code


def attend_step(spec: StepSpec, runtime: Runtime, *, run_root: Path) -> int:
    """Run it at our own terminal, for a person; its exit code. Raises: as `run_step`."""
    clear_steps(runtime, run_root)
    with StepTerminal() as terminal, claim(run_root / "steps", spec.id) as held:
        at_terminal = spec._replace(terminal=terminal.size)
        return in_private_mounts(lambda: _run(at_terminal, runtime, held, run_root, terminal.attend))


def clear_steps(runtime: Runtime, run_root: Path) -> None:
    """End the steps of builds that were killed."""
    for dead in claim_dead(run_root / "steps"):
        with dead:
            name, group = dead.folder.name, dead.folder / "group"
            launch = Launch(
                runtime,
                dead.folder,
                name,
                state=run_root / "runtime",
                group=group.read_text() if group.exists() else "",
            )
            in_private_mounts(launch.end)


def _run(spec: StepSpec, runtime: Runtime, held: Claim, run_root: Path, attend: Callable[[Launch], int]) -> int:
    group = f"{spec.cgroup_parent.rstrip('/')}/{spec.id}"
    (held.folder / "group").write_text(group)  # for whoever clears up after us
    folder = _conceal(held.folder, run_root) if spec.secret_env else held.folder
    launch = Launch(runtime, folder, spec.id, state=run_root / "runtime", group=group)
    with (
        mounted_sources(spec.shown, folder) as sources,
        mounted_ground(spec.mounts, folder, runtime) as ground,
    ):
        try:
            mounts = [*_files(spec, folder), *sources]
            config = make_config(_bundle(spec, ground, mounts, group), read_machine(),
                                 with_cgroups=runtime.cgroups.writable)  # fmt: skip
            launch.write_config(config)
            with launch.guarded():
                return attend(launch)
        finally:
            launch.end()


def _conceal(folder: Path, run_root: Path) -> Path:
    """Where the config goes that tells the environment: memory, as all that the runtime writes down of it."""
    state, inner = run_root / "runtime", folder / "concealed"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    inner.mkdir()
    mount_memory(state)
    mount_memory(inner)
    return inner


def _bundle(spec: StepSpec, ground: Ground, mounts: Sequence[InnerMount], group: str) -> BundleSpec:
    user = find_user(ground.tree, spec.user)
    placed = ground.place(mounts)
    cwd = ground.enter(spec.cwd)
    env = {"PATH": DEFAULT_PATH, "HOME": user.home} | _ca_variables(spec) | dict(spec.env)
    env |= {name: os.fsdecode(value.reveal()) for name, value in spec.secret_env.items()}
    process = ProcessSpec(
        spec.args, env, cwd, user, ulimits=spec.ulimits, tty=spec.terminal is not None, console_size=spec.terminal,
        capabilities=choose_capabilities((), (), privileged=spec.privileged),
    )  # fmt: skip
    return BundleSpec(
        process, ground.tree, spec.hostname, spec.network, group, placed,
        privileged=spec.privileged, shm_size=spec.shm_size,
    )  # fmt: skip


def _files(spec: StepSpec, folder: Path) -> list[InnerMount]:
    own_network = spec.network != "host"
    names = [(name, "127.0.0.1" if at == "host-gateway" else at) for name, at in spec.add_hosts]
    write_files(folder, {
        "resolv.conf": resolv_conf(own_network=own_network),
        "hosts": hosts(names, hostname=spec.hostname),
    })  # fmt: skip
    mounts = [bind(folder / name, f"/etc/{name}", read_only=True) for name in ("resolv.conf", "hosts")]
    if spec.ca_bundle is not None:
        if not spec.ca_bundle.exists():
            raise NotFound("{path} is not there to be mounted", path=str(spec.ca_bundle))
        mounts.append(bind(spec.ca_bundle.resolve(), CA_BUNDLE, read_only=True))
    return mounts


def _ca_variables(spec: StepSpec) -> dict[str, str]:
    return {} if spec.ca_bundle is None else dict.fromkeys(CA_VARIABLES, CA_BUNDLE)


def _watch(spec: StepSpec, listen: _Listener, launch: Launch) -> int:
    stdin = _stdin(spec.stdin)
    try:
        process = launch.start(stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        os.close(stdin)
    readers = [
        threading.Thread(target=_speak, args=(stream, spec.id, name, listen.report), daemon=True)
        for stream, name in ((process.stdout, "out"), (process.stderr, "err"))
    ]
    for reader in readers:
        reader.start()
    if not ended(process, listen.cancelled):
        launch.end()
    for reader in readers:
        reader.join()
    try:
        return launch.wait()
    except CapasError:
        if listen.cancelled.is_set():
            return -1
        raise


def _stdin(data: bytes) -> int:
    if not data:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    fd = os.memfd_create("stdin")
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _speak(stream: IO[bytes], name: str, which: str, report: Report) -> None:
    for line in iter_lines(stream):
        report(Said(line, id=name, stream=which))
