"""What is written down of a container: what it is to be (container.json) and how it is with it (state.json)."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Literal, NamedTuple

from capas.errors import Corrupt, Exhausted
from capas.run.endpoint import Endpoint, Joined
from capas.run.spec import ContainerSpec, dump_spec, load_spec

Status = Literal["created", "running", "restarting", "exited", "dead"]
_FULL = {28, 122}  # ENOSPC, EDQUOT


class Record(NamedTuple):
    """A container: `snapshot` is the key of its writable tree, `image_id` the image it stands on ("" for none)."""

    id: str
    name: str
    created_ns: int
    spec: ContainerSpec
    image_id: str = ""
    snapshot: str = ""
    volumes: tuple[str, ...] = ()  # anonymous ones, which go with it

    @property
    def short(self) -> str:
        """The first 12 digits of the id, as docker prints it."""
        return self.id[:12]

    @property
    def hostname(self) -> str:
        """Its host name: the one asked for, the host's where it shares that, or the short id."""
        shared = "host" in (self.spec.uts, self.spec.network)
        return self.spec.hostname or (os.uname().nodename if shared else self.short)

    @property
    def names(self) -> str:
        """By which it finds itself: its host name, the one with its domain before it."""
        host, domain = self.hostname, self.spec.domainname
        return f"{host}.{domain} {host}" if domain else host


class State(NamedTuple):
    """How it is with a container. `pid` is its first process as the host counts."""

    status: Status = "created"
    pid: int = 0
    exit_code: int = 0
    started_ns: int = 0
    finished_ns: int = 0
    error: str = ""
    network: str = ""  # its mode
    joined: tuple[Joined, ...] = ()
    ports: tuple[tuple[int, str, str, int], ...] = ()  # (container port, protocol, address, host port)
    paused: bool = False
    restarts: int = 0  # by its policy, since somebody started it
    stubs: tuple[str, ...] = ()  # what was made in its tree to mount on, while it runs


def write_record(folder: Path, record: Record) -> None:
    """Atomic."""
    write_json(folder / "container.json", record._asdict() | {"spec": dump_spec(record.spec)})


def read_record(folder: Path) -> Record | None:
    """The record in a container's directory, None where it is gone or not there yet. Raises: Corrupt."""
    values = _read(folder / "container.json")
    if values is None:
        return None
    try:
        return Record(
            id=str(values["id"]), name=str(values["name"]), created_ns=int(values["created_ns"]),
            spec=load_spec(values["spec"]), image_id=str(values.get("image_id", "")),
            snapshot=str(values.get("snapshot", "")), volumes=tuple(values.get("volumes", ())),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt("the record of container {id} cannot be read: {error}", id=folder.name, error=str(error),
                      hint="`capas container rm -f` removes it") from None  # fmt: skip


def write_state(folder: Path, state: State) -> None:
    """Atomic."""
    write_json(folder / "state.json", state._asdict())


def read_state(folder: Path) -> State:
    """The state in a container's directory; that of one just created where there is none."""
    values = _read(folder / "state.json") or {}
    known = {name: value for name, value in values.items() if name in State._fields}
    known["ports"] = tuple(tuple(port) for port in known.get("ports", ()))
    known["joined"] = tuple(_joined(*one) for one in known.get("joined", ()))
    known["stubs"] = tuple(known.get("stubs", ()))
    return State(**known)


def _joined(*values: Any) -> Joined:
    found = Joined(*values)
    return found._replace(names=tuple(found.names))


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Atomic. Raises: Exhausted."""
    temporary = path.with_name(f".{path.name}.{threading.get_native_id()}")
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(json.dumps(values))  # dumps is C, dump is not
        temporary.replace(path)
    except OSError as error:
        if error.errno in _FULL:
            raise Exhausted("no room to write {path}", path=str(path)) from None
        raise


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            values = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise Corrupt("{path} is not JSON", path=str(path)) from None
    return values if isinstance(values, dict) else None


def names_of(record: Record, endpoint: Endpoint) -> tuple[str, ...]:
    """The names by which others on the network find a container, docker's `DNSNames`."""
    return tuple(dict.fromkeys((record.name, *endpoint.aliases, record.short, record.hostname)))
