"""One step of a build: a process on a tree, its output as events, its exit code, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, NamedTuple

from capas.errors import CapasError, Interrupted, NotFound
from capas.events import Report, Said, ignore
from capas.run.bundle import DEFAULT_PATH, BundleSpec, InnerMount, ProcessSpec, make_config
from capas.run.claims import Claim, claim, claim_dead
from capas.run.ground import Ground, bind, mounted_ground, tmpfs
from capas.run.launch import Launch, ended
from capas.run.lines import iter_lines
from capas.run.machine import Machine, read_machine
from capas.run.naming import hosts, resolv_conf, write_files
from capas.run.runtime import Runtime
from capas.run.user import find_user
from capas.snapshot.contract import Mount
from capas.snapshot.namespaces import in_private_mounts

CA_BUNDLE = "/run/capas/ca-certificates.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class Bind(NamedTuple):
    """A path of the host shown inside. `source` must exist; `target` is resolved inside the tree."""

    source: Path
    target: str
    read_only: bool = True


class StepSpec(NamedTuple):
    """What a step runs, and on what. `id` is fresh, of letters, digits and '-'; `mounts` is the writable snapshot."""

    id: str
    args: Sequence[str]
    mounts: Sequence[Mount]
    env: Mapping[str, str] = {}
    cwd: str = "/"
    user: str = ""  # as in USER: "name[:group]", names resolved inside the tree
    network: Literal["host", "none"] = "host"
    hostname: str = "buildkitsandbox"
    add_hosts: Sequence[tuple[str, str]] = ()  # (name, address)
    binds: Sequence[Bind] = ()
    tmpfs: Sequence[str] = ()
    ca_bundle: Path | None = None  # shown to the step with the variables that make tools use it
    stdin: bytes = b""  # what the process reads: a heredoc's text


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
        return in_private_mounts(lambda: _run(spec, runtime, held, run_root, listen))


def clear_steps(runtime: Runtime, run_root: Path) -> None:
    """End the steps of builds that were killed."""
    for dead in claim_dead(run_root / "steps"):
        with dead:
            in_private_mounts(_launch(runtime, dead, run_root).end)


def _launch(runtime: Runtime, held: Claim, run_root: Path) -> Launch:
    name = held.folder.name
    return Launch(runtime, held.folder, name, state=run_root / "runtime", group=f"/capas/{name}")


def _run(spec: StepSpec, runtime: Runtime, held: Claim, run_root: Path, listen: _Listener) -> int:
    launch = _launch(runtime, held, run_root)
    with mounted_ground(spec.mounts, held.folder, runtime) as ground:
        try:
            config = _config(spec, ground, held.folder, read_machine(), with_cgroups=runtime.cgroups.writable)
            launch.write_config(config)
            code = _watch(spec, launch, listen)
        finally:
            launch.end()
    if listen.cancelled.is_set():
        raise Interrupted("the step was cancelled")
    return code


def _config(spec: StepSpec, ground: Ground, folder: Path, machine: Machine, *, with_cgroups: bool) -> dict[str, object]:
    user = find_user(ground.tree, spec.user)
    mounts = ground.place(_mounts(spec, folder))
    cwd = ground.enter(spec.cwd)
    env = {"PATH": DEFAULT_PATH, "HOME": user.home} | _ca_variables(spec) | dict(spec.env)
    process = ProcessSpec(spec.args, env, cwd, user)
    bundle = BundleSpec(process, ground.tree, spec.hostname, spec.network, f"/capas/{spec.id}", mounts)
    return make_config(bundle, machine, with_cgroups=with_cgroups)


def _mounts(spec: StepSpec, folder: Path) -> list[InnerMount]:
    own_network = spec.network != "host"
    write_files(folder, {
        "resolv.conf": resolv_conf(own_network=own_network),
        "hosts": hosts(spec.add_hosts, hostname=spec.hostname),
    })  # fmt: skip
    mounts = [bind(folder / name, f"/etc/{name}", read_only=True) for name in ("resolv.conf", "hosts")]
    if spec.ca_bundle is not None:
        _must_exist(spec.ca_bundle)
        mounts.append(bind(spec.ca_bundle.resolve(), CA_BUNDLE, read_only=True))
    for each in spec.binds:
        _must_exist(each.source)
        mounts.append(bind(each.source, each.target, read_only=each.read_only))
    return mounts + [tmpfs(target, ("exec",)) for target in spec.tmpfs]


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise NotFound("{path} is not there to be mounted", path=str(path))


def _ca_variables(spec: StepSpec) -> dict[str, str]:
    return {} if spec.ca_bundle is None else dict.fromkeys(CA_VARIABLES, CA_BUNDLE)


def _watch(spec: StepSpec, launch: Launch, listen: _Listener) -> int:
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
