"""RUN: a process on the tree of the layers below; what it changes becomes a layer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from capas.build.bench import Bench
from capas.build.emulation import check_emulator
from capas.build.facts import file_facts
from capas.build.ops.mounts import Given, RunMount, given, shown_files
from capas.build.ports import RunStep
from capas.build.predefined import EPOCH
from capas.build.secrets import Mask
from capas.build.stacking import stack_layers
from capas.build.vertex import Made, Solved, digest_key, encode_key
from capas.errors import CapasError, Invalid
from capas.events import Event, Report, Said
from capas.layer.entry import Layer
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.run.step import StepSpec
    from capas.run.step_mounts import Bind

_SHELL = ("/bin/sh",)
_LAST_LINES = 10
_WIDEST = 50  # of a command in an error, which shows the line beside it


class RunOp(NamedTuple):
    """A command, as whom and where. `hidden` is environment that can not change the result: proxies."""

    title: str
    locate: Callable[[CapasError], CapasError]
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"
    user: str = ""
    network: Literal["host", "none"] = "host"
    add_hosts: tuple[tuple[str, str], ...] = ()
    mounts: tuple[RunMount, ...] = ()
    script: tuple[str, str] | None = None  # (name, text): a heredoc to be run as a file in /dev/pipes
    shm_size: int = 0
    ulimits: tuple[tuple[str, int, int], ...] = ()
    privileged: bool = False
    hostname: str = ""  # "" is BuildKit's own
    hidden: Mapping[str, str] = {}
    time_ns: int = 0  # nothing that it makes is younger, and tools that ask for SOURCE_DATE_EPOCH are told it
    use_cache: bool = True
    platform: Platform = Platform()

    @property
    def family(self) -> str:
        """The same command on whatever tree: where it has run, its result may be in the cache."""
        return digest_key("ran", self.definition)

    @property
    def parts(self) -> Mapping[str, object]:
        """All that the process can see, but for the tree below it. What is not used is not in it."""
        found = {
            "command": self.args,
            "script": self.script,
            "env": self.env,
            "workdir": self.cwd,
            "user": self.user,
            "network": self.network,
            "add-host": [f"{name}:{address}" for name, address in self.add_hosts],
            "platform": str(self.platform),
            "mount": [mount.definition for mount in self.mounts],
            "shm-size": self.shm_size,
            "ulimit": {name: f"{soft}:{hard}" for name, soft, hard in self.ulimits},
            "security": "insecure" if self.privileged else "",
            "hostname": self.hostname,
            "time": self.time_ns,
        }
        return {name: value for name, value in found.items() if value}

    @property
    def definition(self) -> str:
        """The same as one text."""
        return encode_key("run", self.parts)

    def begin(self, inputs: Sequence[Solved], bench: Bench, step: str) -> RunWork:
        """Nothing to get ready."""
        return RunWork(self, inputs, bench, step)


class RunWork:
    """One command under way."""

    def __init__(self, op: RunOp, inputs: Sequence[Solved], bench: Bench, step: str) -> None:
        self._op = op
        self._inputs = inputs
        self._bench = bench
        self._step = step
        self.parts = {**op.parts, "base": inputs[0].chain, **bench.packing}

    def keys(self) -> Iterator[str]:
        """By the cheapest names of what mounts show; then by content, where that is another."""
        yield self._cheap_key
        if self._content_key != self._cheap_key:
            yield self._content_key

    def learned(self) -> Sequence[str]:
        """Both."""
        return tuple(dict.fromkeys((self._cheap_key, self._content_key)))

    @cached_property
    def _cheap_key(self) -> str:
        return self._key(self._cheap)

    @cached_property
    def _content_key(self) -> str:
        cheap = self._cheap  # the first name of each, before the second is asked for
        return self._key([next(names, first) for first, names in zip(cheap, self._names, strict=True)])

    @cached_property
    def _cheap(self) -> list[str]:
        return [next(names, "") for names in self._names]

    @cached_property
    def _names(self) -> list[Iterator[str]]:
        return [mount.shown(self._inputs, self._bench) for mount in self._op.mounts]

    def _key(self, shown: Sequence[str]) -> str:
        return digest_key("run", self.parts, *([shown] if any(shown) else []))

    def files(self, *, look: bool = False) -> Mapping[str, str]:
        """Those that mounts show."""
        picked = shown_files(self._op.mounts, self._inputs, self._bench)
        return file_facts(picked, fixed_mode=False, keep_owner=True)

    def make(self) -> Made:
        """Run it on a snapshot. Raises: Invalid when it fails; what the runtime raises."""
        from capas.snapshot.changes import write_changes

        bench = self._bench
        check_emulator(self._op.platform, bench.request.host_platform)
        run_step = bench.run_step  # before anything is unpacked: there may be no runtime
        snapshotter = bench.snapshotter
        parent = stack_layers(self._inputs[0].layers, bench)
        key = bench.scratch.new_key()
        snapshotter.prepare(key, parent)
        try:
            self._run(key, run_step)
            bench.cache.note(self._op.family)
            with bench.layer_blob(key) as blob:
                if not write_changes(snapshotter, key, blob.tar, clamp_ns=self._op.time_ns):
                    snapshotter.remove(key)
                    return Made(None, 0, bench.now_ns)
                new = blob.commit()
            snapshotter.commit(key, new.diff_id)
        except BaseException:
            snapshotter.remove(key)
            raise
        return Made(Layer(new.descriptor, new.diff_id), new.uncompressed_size, bench.now_ns)

    def _run(self, key: str, run_step: RunStep) -> None:
        op, bench = self._op, self._bench
        with given(op.mounts, self._inputs, bench, self._step) as mounted:
            output = _Output(self._step, bench.report, Mask(mounted.secrets))
            code = run_step(self._spec(key, mounted), cancelled=bench.cancelled, report=output.hear)
        if code:
            bench.failed(self.look_round)
            command = op.title.removeprefix("RUN ")
            raise Invalid(
                "{command} failed with exit code {exit_code}", command=_short(command), exit_code=code,
                output=list(output.last), hint=_advice(code),
            )  # fmt: skip

    def look_round(self, attend: Callable[[StepSpec], int]) -> int:
        """A shell in the state in which the command began: its tree, mounts, environment, user and directory.

        Raises: NotFound where the image has no /bin/sh.
        """
        bench = self._bench
        parent = stack_layers(self._inputs[0].layers, bench)
        key = bench.scratch.new_key()
        bench.snapshotter.prepare(key, parent)
        try:
            with given(self._op.mounts, self._inputs, bench, self._step) as mounted:
                return attend(self._spec(key, mounted)._replace(args=_SHELL))
        finally:
            bench.snapshotter.remove(key)

    def _spec(self, key: str, mounted: Given) -> StepSpec:
        from capas.run.defaults import DEFAULT_SHM_SIZE
        from capas.run.step import DEFAULT_HOSTNAME, DEFAULT_PARENT, StepSpec
        from capas.snapshot.mounting import unsynced

        op, bench = self._op, self._bench
        return StepSpec(
            id=key,
            args=op.args,
            mounts=unsynced(bench.snapshotter.mounts(key)),
            env={**op.hidden, EPOCH: str(op.time_ns // 1_000_000_000), **op.env, **mounted.env},
            cwd=op.cwd,
            user=op.user,
            network=op.network,
            hostname=op.hostname or DEFAULT_HOSTNAME,
            add_hosts=op.add_hosts,
            shown=(*self._script(), *mounted.shown),
            secret_env=mounted.secret_env,
            shm_size=op.shm_size or DEFAULT_SHM_SIZE,
            ulimits=op.ulimits,
            privileged=op.privileged,
            cgroup_parent=bench.request.cgroup_parent or DEFAULT_PARENT,
            ca_bundle=bench.request.ca_bundle,
        )

    def _script(self) -> tuple[Bind, ...]:
        from capas.run.step_mounts import Bind

        if self._op.script is None:
            return ()
        name, text = self._op.script
        path = self._bench.scratch.new_path()
        path.write_text(text)
        path.chmod(0o755)
        return (Bind(path, f"/dev/pipes/{name}"),)


class _Output:
    """The command's lines, passed on under the step's id, and the last few kept for the error."""

    def __init__(self, step: str, report: Report, mask: Mask) -> None:
        self._step = step
        self._report = report
        self._mask = mask
        self.last: deque[str] = deque(maxlen=_LAST_LINES)

    def hear(self, event: Event) -> None:
        """One event of the run."""
        if isinstance(event, Said):
            text = self._mask.cover(event.text)
            self.last.append(text)
            self._report(event._replace(id=self._step, text=text))


def _short(command: str) -> str:
    line = " ".join(command.split())
    return f"RUN {line}" if len(line) <= _WIDEST else f"RUN {line[:_WIDEST]}…"


def _advice(code: int) -> str:
    if code == 127:
        return "127: the shell did not find a command; is it installed in the image?"
    if code == 126:
        return "126: a file was found and could not be executed"
    return "137: it was killed, perhaps for want of memory" if code == 137 else ""
