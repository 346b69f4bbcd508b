"""The containers of a root: their records, names and states, and what is done to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capas.errors import CapasError, Conflict, Corrupt, NotFound
from capas.oci.digest import ChainID
from capas.run.bridge import DEFAULT, BridgeSettings
from capas.run.cgroups import read_cgroups
from capas.run.claims import claim_dead_one, is_held
from capas.run.devices import parse_device
from capas.run.leases import Leases
from capas.run.limits import check_limits
from capas.run.mounts import ContainerMount
from capas.run.networks import POOLS, Networks, Pool
from capas.run.pid_mode import settle_processes
from capas.run.ports import check_ports
from capas.run.record import Record, State, names_of, read_record, read_state, write_record, write_state
from capas.run.register import Register
from capas.run.runtime import Runtime
from capas.run.security import parse_security
from capas.run.settling import settle
from capas.run.signals import parse_signal
from capas.run.spec import ContainerSpec, check_spec
from capas.run.volumes import Volumes

if TYPE_CHECKING:
    from capas.snapshot.contract import Snapshotter

_KILLED = 137


class Container(NamedTuple):
    """A container as it is now."""

    record: Record
    state: State

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.state.status == "running"


class Containers:
    """The containers beneath `root`, running beneath `run_root`.

    `snapshotter` and `runtime` are asked for when they are needed; `now` gives nanoseconds since 1970; `token` fresh
    names of 64 hex digits. `bridge` is the default network; `pools` are where others get their subnets from.
    """

    def __init__(
        self,
        root: Path,
        run_root: Path,
        snapshotter: Callable[[], Snapshotter],
        *,
        runtime: Callable[[], Runtime],
        now: Callable[[], int],
        token: Callable[[], str],
        bridge: BridgeSettings = DEFAULT,
        pools: Sequence[Pool] = POOLS,
    ) -> None:
        self.root, self.run_root, self._snapshotter = root, run_root, snapshotter
        self.runtime, self.now, self.token = runtime, now, token
        self.volumes = Volumes(root)
        self.networks = Networks(root, default=bridge, pools=pools)
        self.bridge = bridge
        self._register = Register(root / "containers")

    @cached_property
    def snapshotter(self) -> Snapshotter:
        """Where their trees are. Raises: Unsupported."""
        return self._snapshotter()

    def folder(self, container_id: str) -> Path:
        """Where a container's record and log are."""
        return self.root / "containers" / container_id

    def log(self, container_id: str) -> Path:
        """What it printed."""
        return self.folder(container_id) / f"{container_id}-json.log"

    def live(self, container_id: str) -> Path:
        """What there is of it only while it runs."""
        return self.run_root / "containers" / container_id

    def create(
        self, spec: ContainerSpec, *, image_id: str = "", parent: ChainID | None = None, name: str = ""
    ) -> Record:
        """A container that can be started, on the snapshot `parent`. Without a name it gets its short id.

        Raises: AlreadyExists for a name in use; Invalid for a spec that cannot be.
        """
        spec = settle(spec, self.networks.bridge_of, self._record_of)
        spec = settle_processes(spec, self._record_of)
        self._check(spec)
        fresh = self.token()
        record = Record(fresh, name.removeprefix("/") or fresh[:12], self.now(), spec, image_id, fresh)
        folder = self.folder(record.id)
        folder.mkdir(parents=True, mode=0o700)  # before its name: a name without a directory counts as free
        try:
            self._register.take(record.name, record.id)
            record = self._with_volumes(record)
            self.snapshotter.prepare(record.snapshot, parent)
            write_record(folder, record)
        except BaseException:
            self._forget(record)
            raise
        return record

    def find(self, reference: str) -> Container | None:
        """The container of this name, id, or beginning of one id. Raises: Conflict where several ids begin so."""
        ids = self._register.find(reference)
        if len(ids) > 1:
            raise Conflict("{reference} is the beginning of several container ids", reference=reference,
                           hint="give more digits")  # fmt: skip
        return self._load(ids[0]) if ids else None

    def get(self, reference: str) -> Container:
        """The same. Raises: NotFound; Conflict."""
        found = self.find(reference)
        if found is None:
            raise NotFound("no such container: {container}", container=reference)
        return found

    def iterate(self) -> Iterator[Container]:
        """Every container, newest first. One that goes away meanwhile is passed over."""
        found = [container for container in map(self._load, self._register.ids()) if container is not None]
        yield from sorted(found, key=lambda container: container.record.created_ns, reverse=True)

    def rename(self, reference: str, name: str) -> None:
        """Give it another name. Raises: NotFound; AlreadyExists; Invalid."""
        record = self.get(reference).record
        renamed = record._replace(name=name.removeprefix("/"))
        self._register.take(renamed.name, record.id)
        write_record(self.folder(record.id), renamed)
        self._tell_networks(renamed)
        self._register.drop(record.name, record.id)

    def forget(self, record: Record) -> None:
        """Remove a container that does not run: its tree, log, record, anonymous volumes and name. Idempotent."""
        self.snapshotter.remove(record.snapshot)
        self._forget(record)

    def state(self, container_id: str) -> State:
        """Its state now: one whose keeper died is found out here, and cleared up."""
        state = read_state(self.folder(container_id))
        if state.status != "running" or is_held(self.live(container_id)):
            return state
        state = read_state(self.folder(container_id))  # it may have ended in between, in good order
        if state.status == "running":
            state = self._bury(container_id, state)
        return state

    def _bury(self, container_id: str, state: State) -> State:
        from capas.run.remains import clear_remains

        dead = claim_dead_one(self.run_root / "containers", container_id)
        if dead is not None:
            with dead:
                clear_remains(self, dead, state)
        elif is_held(self.live(container_id)):
            return read_state(self.folder(container_id))  # another process buries it, or it was started again
        state = state._replace(
            status="exited", pid=0, exit_code=_KILLED, finished_ns=self.now(), stubs=(),
            error="its keeper was killed",
        )  # fmt: skip
        if self.folder(container_id).is_dir():
            write_state(self.folder(container_id), state)
        return state

    def _record_of(self, reference: str) -> Record:
        return self.get(reference).record

    def _check(self, spec: ContainerSpec) -> None:
        check_spec(spec)
        check_ports(spec.ports)
        parse_security(spec)
        parse_signal(spec.stop_signal or "SIGTERM")
        check_limits(spec.limits, read_cgroups())
        for device in spec.devices:
            parse_device(device)

    def _tell_networks(self, renamed: Record) -> None:
        """Others on its networks find it by its new name."""
        for endpoint in renamed.spec.endpoints:
            bridge = self.networks.bridge_of(endpoint.network)
            if bridge.named:
                Leases(bridge).rename(self.live(renamed.id), names_of(renamed, endpoint))

    def _with_volumes(self, record: Record) -> Record:
        mounts: list[ContainerMount] = []
        made: list[str] = []
        for mount in record.spec.mounts:
            if mount.type == "volume" and not mount.source:
                volume = self.volumes.create(self.token(), now_ns=record.created_ns, anonymous=True)
                made.append(volume.name)
                mount = mount._replace(source=volume.name)
            elif mount.type == "volume":
                self.volumes.ensure(mount.source, now_ns=record.created_ns)
            mounts.append(mount)
        return record._replace(spec=record.spec._replace(mounts=tuple(mounts)), volumes=tuple(made))

    def _load(self, container_id: str) -> Container | None:
        try:
            record = read_record(self.folder(container_id))
            return None if record is None else Container(record, self.state(container_id))
        except Corrupt as error:  # shown all the same, so that it can be removed
            broken = Record(container_id, container_id[:12], 0, ContainerSpec(), snapshot=container_id)
            return Container(broken, State("dead", error=str(error)))

    def _forget(self, record: Record) -> None:
        folder = self.folder(record.id)
        saved = _readable(folder) or record
        if folder.is_dir():
            grave = folder.with_name(f".{record.id}.removed")
            folder.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)
        for name in saved.volumes:
            users = [one.record.name for one in self.iterate() if name in {m.source for m in one.record.spec.mounts}]
            try:
                self.volumes.remove(name, users)
            except CapasError:
                continue  # another container has it by --volumes-from
        for name in {record.name, saved.name}:
            self._register.drop(name, record.id)


def _readable(folder: Path) -> Record | None:
    try:
        return read_record(folder)
    except Corrupt:
        return None
