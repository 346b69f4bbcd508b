"""The verbs about containers, each a thin method over the room that does the work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capas.chance import token
from capas.clock import booted_ns, now_ns
from capas.engine.container_request import ContainerRequest, spec_of
from capas.events import Report, ignore
from capas.oci.digest import ImageID
from capas.oci.platform import Platform
from capas.run.bridge import DEFAULT
from capas.run.containers import Container
from capas.run.containers import Containers as RunContainers
from capas.run.keys import DEFAULT as DETACH_KEYS
from capas.run.networks import POOLS
from capas.run.record import Record
from capas.run.spec import ContainerSpec, with_image
from capas.run.streams import Attached

if TYPE_CHECKING:
    from capas.engine.capture import Completed
    from capas.engine.container_removal import Pruned
    from capas.engine.container_summary import ContainerSummary
    from capas.engine.engine import Engine
    from capas.image.image import Image
    from capas.run.copying import PathStat
    from capas.run.executing import Window
    from capas.run.execution import ExecSpec
    from capas.run.limits import Limits
    from capas.run.log_reader import LogLine, LogReader
    from capas.run.ps import Table
    from capas.run.usage import Usage
    from capas.snapshot.changes import Change
    from capas.store.contract import Readable

Write = Callable[[bytes | memoryview], object]


class Containers:
    """`engine.containers`. A container is named by its name, its id, or the beginning of its id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @cached_property
    def room(self) -> RunContainers:
        """The containers as the run room keeps them."""
        from capas.engine.rootless import enter_if_needed

        enter_if_needed()
        engine = self._engine
        settings = engine.settings
        network = settings.network
        bridge = DEFAULT._replace(subnet=network.subnet) if network.subnet else DEFAULT
        return RunContainers(
            settings.root, settings.run_root, lambda: engine.snapshotter,
            runtime=lambda: engine.runtime, now=now_ns, token=token,
            bridge=bridge, pools=network.pools or POOLS,
        )  # fmt: skip

    # to life and to an end

    def create(
        self,
        image: str,
        command: Sequence[str] = (),
        request: ContainerRequest = ContainerRequest(),  # noqa: B008 a value that cannot change
        *,
        name: str = "",
        platform: Platform | None = None,
        pull: str = "missing",
        report: Report = ignore,
    ) -> Record:
        """A container that can be started; its image is pulled and unpacked where it is not here.

        Raises: Invalid for options that cannot be; AlreadyExists for a name in use; what a pull raises.
        """
        spec = spec_of(request, image, command, environ=self._engine.settings.environ, base=os.getcwd())
        return self.create_as(spec, name=name, platform=platform, pull=pull, report=report)

    def create_as(
        self,
        spec: ContainerSpec,
        *,
        name: str = "",
        platform: Platform | None = None,
        pull: str = "missing",
        report: Report = ignore,
    ) -> Record:
        """A container of this spec, whose image is `spec.image`. Raises: as `create`."""
        from capas.engine.container_base import get_base
        from capas.run.inheriting import with_volumes_from

        spec = self._with_init(spec)
        base = get_base(self._engine, spec.image, platform=platform, pull=pull, report=report)
        spec = with_volumes_from(spec, lambda name: self.room.get(name).record)
        whole = with_image(spec, base.execution)
        return self.room.create(whole, image_id=base.image_id, parent=base.parent, name=name)

    def _with_init(self, spec: ContainerSpec) -> ContainerSpec:
        if not spec.init:
            return spec
        from capas.run.init import find_init

        settings = self._engine.settings
        return spec._replace(init_program=str(find_init(settings.init, settings.environ.get("PATH", ""))))

    def start(self, container: str, attached: Attached = Attached()) -> None:  # noqa: B008 a value that cannot change
        """Start it under a keeper of its own; it runs when this returns. Raises: Conflict; NotFound; Unsupported.

        The keeper has copies of the descriptors of `attached`, and goes on without whoever holds the other ends.
        """
        from capas.run.starting import start_detached

        start_detached(self.room, container, attached)

    def attach(self, container: str, attached: Attached) -> None:
        """Join a running container's streams. Raises: NotFound; Conflict where it does not run."""
        from capas.run.attaching import attach

        attach(self.room, container, attached)

    def resize(self, container: str, rows: int, columns: int) -> None:
        """Give its terminal another size. Raises: NotFound; Conflict where it does not run."""
        from capas.run.attaching import resize

        resize(self.room, container, rows, columns)

    def start_attached(
        self, container: str, attached: Attached, *, sig_proxy: bool = True, keys: str = DETACH_KEYS
    ) -> int:
        """Start it, joined to these descriptors, and stay to its end. Its exit code; 0 for who leaves by the keys."""
        from capas.run.attending import start_attached

        return start_attached(self.room, container, attached, sig_proxy=sig_proxy, keys=keys)

    def attend(self, container: str, attached: Attached, *, sig_proxy: bool = True, keys: str = DETACH_KEYS) -> int:
        """Join one that runs, and stay as `start_attached` does. Raises: NotFound; Conflict where it does not run."""
        from capas.run.attending import attend

        return attend(self.room, container, attached, sig_proxy=sig_proxy, keys=keys)

    def run_captured(
        self,
        image: str,
        command: Sequence[str] = (),
        request: ContainerRequest = ContainerRequest(),  # noqa: B008 a value that cannot change
        *,
        stdin: bytes | None = None,
        report: Report = ignore,
    ) -> Completed:
        """Run a container to its end, with what it printed, and remove it."""
        from capas.engine.capture import run_captured

        return run_captured(self, image, command, request, stdin=stdin, report=report)

    def stop(
        self, container: str, *, timeout: int | None = None, signal: str | None = None, returning: bool = False
    ) -> None:
        """Its stop signal, `timeout` seconds of patience (-1 for ever), then KILL. Idempotent.

        `returning`: it is started again, so it is not removed where it was to be with its end.
        """
        from capas.run.ending import stop

        stop(self.room, container, timeout, signal, returning=returning)

    def kill(self, container: str, signal: str = "KILL") -> None:
        """Send its first process a signal. Raises: Conflict where it does not run."""
        from capas.run.ending import kill

        kill(self.room, container, signal)

    def wait(self, container: str) -> int:
        """Wait until it has ended; its exit code."""
        from capas.run.ending import wait

        return wait(self.room, container)

    def pause(self, container: str) -> None:
        """Hold all its processes still. Raises: Conflict where it does not run, or is held already."""
        from capas.run.pausing import pause

        pause(self.room, container)

    def unpause(self, container: str) -> None:
        """Let it go on. Raises: Conflict where it is not held."""
        from capas.run.pausing import unpause

        unpause(self.room, container)

    def restart(self, container: str, *, timeout: int | None = None, signal: str | None = None) -> None:
        """Stop it where it runs, and start it. Raises: NotFound; as `start`."""
        self.stop(container, timeout=timeout, signal=signal, returning=True)
        self.start(container)

    def update(self, container: str, limits: Limits, restart: str = "") -> None:
        """Give it other limits, another restart policy. Raises: Invalid; Unsupported where this machine cannot."""
        from capas.run.pausing import update

        update(self.room, container, limits, restart)

    def top(self, container: str, options: str = "") -> Table:
        """What runs in it, with the columns of `ps options`. Raises: Conflict where it does not run; Invalid."""
        from capas.run.ps import list_as_ps, list_as_ps_ef

        if options in ("", "-ef", "ef"):  # what docker's client asks for by itself needs no program
            return list_as_ps_ef(self.room, container, booted_ns())
        return list_as_ps(self.room, container, options)

    def usage(self, container: str) -> Usage:
        """What it uses now. Raises: Conflict where it does not run."""
        from capas.run.usage import read_usage

        return read_usage(self.room, container)

    def start_wanted(self) -> list[str]:
        """Start those that their restart policy wants to run and that do not (a reboot); their ids."""
        from capas.run.starting import start_wanted

        return start_wanted(self.room)

    def execute(
        self,
        container: str,
        spec: ExecSpec,
        attached: Attached,
        *,
        window: Window | None = None,
        on_start: Callable[[int], None] = lambda pid: None,
        keys: str = "",
    ) -> int:
        """One more process in a running container; its exit code. Raises: Conflict; NotFound; Denied."""
        from capas.run.executing import execute

        return execute(self.room, container, spec, attached, window=window, on_start=on_start, keys=keys)

    def rename(self, container: str, name: str) -> None:
        """Give it another name. Raises: AlreadyExists; Invalid."""
        self.room.rename(container, name)

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove it with its anonymous volumes; `force` kills it first. Raises: Conflict while it runs."""
        from capas.run.ending import remove

        remove(self.room, container, force=force)

    def prune(self, *, filters: Sequence[str] = ()) -> Pruned:
        """Remove every container that does not run. Filters: docker's `until=` and `label=`."""
        from capas.engine.container_removal import prune_containers

        return prune_containers(self.room, filters, now_ns())

    # to look at

    def get(self, container: str) -> Container:
        """The container as it is now. Raises: NotFound; Conflict for the beginning of several ids."""
        return self.room.get(container)

    def list(
        self, *, every: bool = False, limit: int | None = None, filters: Sequence[str] = ()
    ) -> list[ContainerSummary]:
        """One row a container, newest first: those that run, or `every` one. Filters are docker's."""
        from capas.engine.container_listing import list_containers

        return list_containers(self._engine, self.room, every=every, limit=limit, filters=filters)

    def inspect(self, container: str, *, size: bool = False) -> dict[str, Any]:
        """docker's JSON fields."""
        from capas.run.inspection import inspect

        document = inspect(self.room, container)
        return {**document, "SizeRw": self.size_of(container)} if size else document

    def logs(
        self, container: str, *, tail: int | None = None, since: str = "", until: str = "", follow: bool = False
    ) -> Iterator[LogLine]:
        """What it printed, oldest first; `follow` goes on while it runs. Times as docker takes them."""
        from capas.run.log_reader import iter_log

        record, since_ns, until_ns = self._span(container, since, until)
        alive = (lambda: self.room.state(record.id).status == "running") if follow else None
        return iter_log(self.room.log(record.id), tail=tail, since_ns=since_ns, until_ns=until_ns, alive=alive)

    def open_log(self, container: str, *, tail: int | None = None, since: str = "", until: str = "") -> LogReader:
        """The same to be read bit by bit, by whoever may not wait."""
        from capas.run.log_reader import LogReader

        record, since_ns, until_ns = self._span(container, since, until)
        return LogReader(self.room.log(record.id), tail=tail, since_ns=since_ns, until_ns=until_ns)

    def _span(self, container: str, since: str, until: str) -> tuple[Record, int, int]:
        from capas.engine.container_times import parse_moment

        now, record = now_ns(), self.room.get(container).record
        return record, parse_moment(since, now) if since else 0, parse_moment(until, now) if until else 0

    def size_of(self, container: str) -> int:
        """The bytes on disk of what it changed."""
        return self._engine.snapshotter.usage(self.room.get(container).record.snapshot).size

    # what others ask before they remove something

    def images_in_use(self) -> set[ImageID]:
        """The images that containers stand on."""
        return {ImageID(one.record.image_id) for one in self._all() if one.record.image_id}

    def using(self, image_id: ImageID) -> Sequence[ContainerSummary]:
        """The containers that stand on an image."""
        return [one for one in self.list(every=True) if one.image_id == image_id]

    def volumes_in_use(self) -> set[str]:
        """The names of volumes that containers have."""
        return {mount.source for one in self._all() for mount in one.record.spec.mounts if mount.type == "volume"}

    def _all(self) -> Iterator[Container]:
        if (self._engine.settings.root / "containers").is_dir():
            yield from self.room.iterate()

    # files

    def diff(self, container: str) -> Sequence[Change]:
        """What it added, changed and deleted, sorted by path."""
        from capas.run.changes import diff

        return diff(self.room, container)

    def commit(
        self,
        container: str,
        name: str | None = None,
        *,
        author: str = "",
        message: str = "",
        changes: Sequence[str] = (),
    ) -> Image:
        """Make an image of its changes: one more layer on its own image. `changes` are Dockerfile instructions."""
        from capas.engine.committing import commit_container

        return commit_container(self._engine, container, name, author=author, message=message, changes=changes)

    def export(self, container: str, write: Write) -> None:
        """Its whole tree as a tar, without volumes and mounts."""
        from capas.run.copying import export

        export(self.room, container, write)

    def copy_out(
        self, container: str, path: str, target: Path, *, keep_owner: bool = False, follow: bool = False
    ) -> None:
        """Copy from it to the host, by the rules of docker's cp."""
        from capas.run.copying import copy_out

        copy_out(self.room, container, self._followed(container, path, follow), target, keep_owner=keep_owner)

    def copy_in(
        self, container: str, source: Path, path: str, *, keep_owner: bool = False, follow: bool = False
    ) -> None:
        """Copy from the host into it, by the rules of docker's cp."""
        from capas.run.copying import copy_in

        if follow and source.is_symlink():
            source = source.resolve()
        copy_in(self.room, container, source, path, keep_owner=keep_owner)

    def read_archive(self, container: str, path: str, write: Write, *, follow: bool = False) -> None:
        """A path of it as a tar."""
        from capas.run.copying import read_archive

        read_archive(self.room, container, self._followed(container, path, follow), write)

    def write_archive(self, container: str, path: str, stream: Readable) -> None:
        """Unpack a tar, compressed or not, into a directory of it."""
        from capas.layer.compression import decompress
        from capas.run.copying import write_archive

        write_archive(self.room, container, path, decompress(stream))

    def stat_path(self, container: str, path: str) -> PathStat:
        """What is at a path of it, links not followed. Raises: NotFound."""
        from capas.run.copying import stat_path

        return stat_path(self.room, container, path)

    def _followed(self, container: str, path: str, follow: bool) -> str:
        if not follow:
            return path
        from capas.engine.container_links import follow_links

        return follow_links(self, container, path)
