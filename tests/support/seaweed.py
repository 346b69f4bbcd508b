"""A real object store, private to a run of tests: SeaweedFS with its S3 door, each server a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from capas.errors import CapasError
from capas.hub.storage.objects_client import open_objects
from capas.hub.storage.place import StorageConfig

_READY_SECONDS = 90.0
_WEED = Path(sys.executable).with_name("weed")
_ACCESS = {"access_key_id": "capas", "secret_access_key": "a secret for tests"}


class Seaweed:
    """The servers. What is pushed is on `volume`, which a test may kill and start again."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._numbers = itertools.count(1)
        self._stack = contextlib.ExitStack()
        self._ports = dict(zip(("master", "volume", "filer", "s3"), _free_ports(4), strict=True))
        self.volume: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """All of them; ready when S3 takes an object."""
        port = self._ports
        small = ("-volumeSizeLimitMB=256", "-volumePreallocate=false", "-telemetry=false")
        self._run("master", *small, f"-mdir={self._place}")
        self.start_volume()
        access = {"accessKey": _ACCESS["access_key_id"], "secretKey": _ACCESS["secret_access_key"]}
        identity = {"name": "tests", "credentials": [access], "actions": ["Admin"]}
        (self._place / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self._run("filer", f"-master=127.0.0.1:{port['master']}", f"-defaultStoreDir={self._place}")
        alone = ("-port.iceberg=0", "-port.lance=0")  # these would be the same ports for every store of the machine
        self._run("s3", f"-filer=127.0.0.1:{port['filer']}", f"-config={self._place / 's3.json'}", *alone)
        self._wait()

    def start_volume(self) -> None:
        """The server that has the bytes."""
        data = self._place / "volume"
        data.mkdir(exist_ok=True)
        self.volume = self._run("volume", f"-mserver=127.0.0.1:{self._ports['master']}", f"-dir={data}", "-max=60")

    def kill_volume(self) -> None:
        """As a machine dies; what it has on disk stays there."""
        assert self.volume is not None
        _end(self.volume)

    def stop(self) -> None:
        self._stack.close()

    def make(self, **options: object) -> StorageConfig:
        """A fresh place in the one bucket: each bucket would reserve volumes of its own."""
        endpoint = f"http://127.0.0.1:{self._ports['s3']}"
        access = {"endpoint": endpoint, "region": "us-east-1", **_ACCESS}
        config = StorageConfig(f"s3://images/hub{next(self._numbers)}", access, **options)  # type: ignore[arg-type]
        open_objects(config).put("first", b"makes the bucket")
        return config

    def _run(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        port = self._ports[kind]
        where = [f"-port={port}", f"-port.grpc={port + 10000}", "-ip.bind=127.0.0.1"]
        if kind != "s3":
            where.append("-ip=127.0.0.1")
        command = ["setpriv", "--pdeathsig=KILL", _WEED, f"-logdir={self._place}", kind, *where, *options]
        with open(self._place / f"{kind}.log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._stack.callback(_end, process)
        return process

    def _wait(self) -> None:
        limit = time.monotonic() + _READY_SECONDS
        assign = f"http://127.0.0.1:{self._ports['master']}/dir/assign"
        while True:
            try:
                with urllib.request.urlopen(assign, timeout=5) as answer:
                    assert "fid" in json.load(answer)
                self.make()
                return
            except (CapasError, OSError, AssertionError):
                assert time.monotonic() < limit, "".join(log.read_text()[-2000:] for log in self._place.glob("*.log"))
                time.sleep(0.1)


@contextlib.contextmanager
def running_seaweed() -> Iterator[Seaweed]:
    """The store, gone with the block, or with this process."""
    place = Path(tempfile.mkdtemp(prefix="capas-weed-"))
    store = Seaweed(place)
    try:
        store.start()
        yield store
    finally:
        store.stop()
        shutil.rmtree(place, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that are free, with those 10,000 above them."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as trial, socket.socket() as second:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
            if port > 50000 or port in found:
                continue
            try:
                second.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
            found.append(port)
    return found
