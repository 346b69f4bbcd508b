"""RUN --mount as planned: what each mount adds to the step's key, and what the step is given.

A mount is keyed by what it shows: files by content, a cache, a secret or an agent by its id and never by what is in it.

Spec: Dockerfile reference, "RUN --mount"; where it is silent, as BuildKit does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from capas.build.bench import Bench
from capas.build.cache_mounts import CacheKind, Sharing
from capas.build.selection import Picked, content_key, pick_path
from capas.build.stacking import stack_layers
from capas.build.vertex import Solved
from capas.errors import Interrupted, Invalid, NotFound, Told
from capas.events import Said
from capas.run.concealed import Concealed
from capas.snapshot.scratch import remove_tree

if TYPE_CHECKING:
    from capas.run.step_mounts import StepMount  # only where a step runs

_STRICT = ("shared", "private", "locked")


class Given(NamedTuple):
    """What a step gets of one mount: what it sees, and variables that are set for it."""

    shown: tuple[StepMount, ...] = ()
    env: Mapping[str, str] = {}
    secret_env: Mapping[str, Concealed] = {}
    secrets: tuple[Concealed, ...] = ()  # not to be printed


class Site(NamedTuple):
    """Where a step's mounts are made. `caches` are the directories it holds; `stack` undoes all when it has ended."""

    inputs: Sequence[Solved]
    bench: Bench
    stack: ExitStack
    caches: Mapping[CacheKind, Path] = {}


class RunMount(Protocol):
    """One mount of a RUN."""

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for, without the content, by the names of the options."""

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """Names by content of what it shows, the cheapest first; none where the definition says it all.

        Raises: NotFound.
        """

    def give(self, site: Site) -> Given:
        """Make it ready. Raises: NotFound; Invalid; what the disk says."""


class FilesMount(NamedTuple):
    """A path of the build's context, or of a named one."""

    target: str
    source: str
    context: str = ""
    read_only: bool = True

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for."""
        return _said("bind", self)

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """The files' content: only those that have changed are read for it."""
        yield content_key([self.pick(inputs, bench)], fixed_mode=False, keep_owner=True)

    def give(self, site: Site) -> Given:
        """A copy, one for all steps that only read it; what a step writes to its own goes with the step."""
        from capas.build.spreading import spread
        from capas.run.step_mounts import Bind

        bench = site.bench

        def lay_out() -> Path:
            return spread(self.pick(site.inputs, bench), folder, bench.cancelled)

        folder = bench.scratch.new_path()
        if self.read_only:
            return Given((Bind(bench.spreads.get(self.context, self.source, lay_out), self.target),))
        site.stack.callback(remove_tree, folder)
        return Given((Bind(lay_out(), self.target, read_only=False),))

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> Picked:
        """The files. Raises: NotFound."""
        return pick_path(bench.files_of(self.context), self.source)


class StageMount(NamedTuple):
    """A path of another input of the vertex: a stage or an image."""

    index: int  # type: ignore[assignment]  # the input's number
    label: str
    target: str
    source: str
    read_only: bool = True

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for; the stage's name is not part of it."""
        return _said("bind", self._replace(label=""))

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """The stack's chain id; for a stage, which may be built again and be the same, the files' content too."""
        yield inputs[self.index].chain
        if self.is_built(inputs):
            yield content_key([self.pick(inputs, bench)], fixed_mode=False, keep_owner=True)

    def is_built(self, inputs: Sequence[Solved]) -> bool:
        """Whether it is a stage whose files are here."""
        stage = inputs[self.index]
        return stage.known and stage.made is not None

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> Picked:
        """The files. Raises: NotFound."""
        return _pick_below(inputs[self.index], self.label, self.source, bench)

    def give(self, site: Site) -> Given:
        """A view of its stack, or a writable tree on it that goes with the step."""
        from capas.run.step_mounts import TreeBind
        from capas.snapshot.mounting import unsynced

        bench = site.bench
        snapshotter = bench.snapshotter
        key = bench.scratch.new_key()
        snapshotter.prepare(key, stack_layers(site.inputs[self.index].layers, bench), writable=not self.read_only)
        site.stack.callback(snapshotter.remove, key)
        mounts = snapshotter.mounts(key)
        shown = mounts if self.read_only else unsynced(mounts)
        return Given((TreeBind(shown, self.target, self.read_only, self.source, self.label),))


class CacheDirectory(NamedTuple):
    """A directory that is kept. With `index` it begins as `source` of that input, else `source` is a path in it."""

    id: str
    target: str
    source: str = ""
    sharing: Sharing = "shared"
    uid: int = 0
    gid: int = 0
    mode: int = 0o755
    read_only: bool = False
    index: int = 0  # type: ignore[assignment]
    label: str = ""

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for; who waits for whom changes no result."""
        return _said("cache", self._replace(sharing="shared", label=""))

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """What it begins as, and never what is in it now."""
        if self.index:
            yield inputs[self.index].chain

    def give(self, site: Site) -> Given:
        """The directory that the step holds."""
        from capas.run.step_mounts import Bind

        within = "" if self.index else self.source
        place = site.caches[self.kind(site.inputs)]
        return Given((Bind(place, self.target, self.read_only, within, f"the cache {self.id}"),))

    def kind(self, inputs: Sequence[Solved]) -> CacheKind:
        """Which cache it is."""
        base = f"{inputs[self.index].chain} {self.source}" if self.index else ""
        return CacheKind(self.id, base, self.uid, self.gid, self.mode)

    def fill(self, folder: Path, inputs: Sequence[Solved], bench: Bench) -> None:
        """What a new one begins as. Raises: NotFound; Invalid for a file."""
        from capas.build.spreading import spread

        picked = _pick_below(inputs[self.index], self.label, self.source, bench)
        if not picked.is_directory:
            raise Invalid("a cache begins as a directory: {source} of {where} is a file", source=self.source,
                          where=self.label)  # fmt: skip
        spread(picked, folder, bench.cancelled)


class MemoryMount(NamedTuple):
    """A tmpfs. `size` in bytes, 0 for no limit of its own."""

    target: str
    size: int = 0
    read_only: bool = False

    @property
    def definition(self) -> Mapping[str, object]:
        """All of it."""
        return _said("tmpfs", self)

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """The definition says it all."""
        return iter(())

    def give(self, site: Site) -> Given:
        """It is made with the step."""
        from capas.run.step_mounts import Memory

        return Given((Memory(self.target, self.size, self.read_only),))


class SecretMount(NamedTuple):
    """A secret, as a file (`target`), a variable (`env`), or both."""

    id: str
    target: str = ""
    env: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0o400
    required: bool = False

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for, never what it is."""
        return _said("secret", self)

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """The definition says it all."""
        return iter(())

    def give(self, site: Site) -> Given:
        """The secret, or nothing where it was not given and need not be. Raises: NotFound."""
        from capas.run.step_mounts import SecretFile

        found = site.bench.secrets.find(self.id)
        if found is None:
            if self.required:
                raise NotFound("secret {id} is required and was not given", id=self.id,
                               hint="give --secret id={id},src=FILE or --secret id={id},env=NAME")  # fmt: skip
            return Given()
        if self.env and b"\0" in found.reveal():
            raise Invalid("secret {id} has a NUL byte: it cannot be a variable", id=self.id)
        file = SecretFile(self.target, found, (self.uid, self.gid), self.mode)
        return Given((file,) if self.target else (), {}, {self.env: found} if self.env else {}, (found,))


class SshMount(NamedTuple):
    """An ssh agent's socket. Steps find the first one by SSH_AUTH_SOCK."""

    id: str
    target: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o600
    required: bool = False

    @property
    def definition(self) -> Mapping[str, object]:
        """What is asked for, never which keys there are."""
        return _said("ssh", self)

    def shown(self, inputs: Sequence[Solved], bench: Bench) -> Iterator[str]:
        """The definition says it all."""
        return iter(())

    def give(self, site: Site) -> Given:
        """The agent, or nothing where it was not given and need not be. Raises: NotFound; Unsupported; Denied."""
        from capas.run.step_mounts import AgentSocket

        agent = site.bench.agents.find(self.id)
        if agent is None:
            if self.required:
                raise NotFound("ssh agent {id} is required and was not given", id=self.id, hint="give --ssh {id}")
            return Given()
        socket = AgentSocket(self.target, agent, (self.uid, self.gid), self.mode)
        return Given((socket,), {"SSH_AUTH_SOCK": self.target})


Values = FilesMount | StageMount | CacheDirectory | MemoryMount | SecretMount | SshMount


@contextmanager
def given(mounts: Sequence[RunMount], inputs: Sequence[Solved], bench: Bench, step: str) -> Iterator[Given]:
    """All that the mounts of one step give it, for as long as the block lasts. Raises: what `give` raises."""
    with ExitStack() as stack:
        caches = [mount for mount in mounts if isinstance(mount, CacheDirectory)]
        site = Site(inputs, bench, stack, _hold(caches, Site(inputs, bench, stack), step))
        parts = [mount.give(site) for mount in mounts]
        yield Given(
            tuple(shown for part in parts for shown in part.shown),
            {name: value for part in reversed(parts) for name, value in part.env.items()},  # the first one counts
            {name: value for part in parts for name, value in part.secret_env.items()},
            tuple(secret for part in parts for secret in part.secrets),
        )


def _hold(caches: Sequence[CacheDirectory], site: Site, step: str) -> dict[CacheKind, Path]:
    """Every cache once, as the strictest of its mounts wants it; in one order everywhere: none wait in a ring."""
    inputs, bench, stack = site.inputs, site.bench, site.stack
    wanted = {cache.kind(inputs): cache for cache in sorted(caches, key=lambda cache: _STRICT.index(cache.sharing))}
    held: dict[CacheKind, Path] = {}
    for kind in sorted(wanted, key=lambda kind: kind.name):
        cache = wanted[kind]
        fill = partial(cache.fill, inputs=inputs, bench=bench) if cache.index else None
        wait = _Waiting(bench, step, kind.id)
        held[kind] = stack.enter_context(bench.cache_mounts.held(kind, cache.sharing, fill=fill, wait=wait))
    return held


class _Waiting:
    """What is done while another step has a cache: it is said once, and the build may be cancelled."""

    def __init__(self, bench: Bench, step: str, cache: str) -> None:
        self._bench, self._step, self._cache = bench, step, cache
        self._said = False

    def __call__(self) -> None:
        if self._bench.cancelled.is_set():
            raise Interrupted("cancelled")
        if not self._said:
            self._said = True
            self._bench.report(
                Said(Told("waiting for the cache {cache}: another step has it", {"cache": self._cache}), id=self._step)
            )


def shown_files(mounts: Sequence[RunMount], inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
    """The files that decide whether a step is done again. Raises: NotFound."""
    return [
        mount.pick(inputs, bench)
        for mount in mounts
        if isinstance(mount, FilesMount) or (isinstance(mount, StageMount) and mount.is_built(inputs))
    ]


def _said(
    kind: str, mount: FilesMount | StageMount | CacheDirectory | MemoryMount | SecretMount | SshMount
) -> dict[str, object]:
    """The options that say something; every other one is as it is where nothing is said."""
    return {"type": kind, **{name: value for name, value in mount._asdict().items() if value}}


def _pick_below(stage: Solved, label: str, path: str, bench: Bench) -> Picked:
    return pick_path(bench.tree_files(label, stage.layers, stage.chain), path)
