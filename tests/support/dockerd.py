"""A docker daemon of a test's own: `with running_dockerd(root) as socket`, for `docker -H socket`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_READY_SECONDS = 60.0


@contextmanager
def running_dockerd(root: Path, *flags: str) -> Iterator[str]:
    """A daemon with its images in `root`, without networks. `localhost` is an insecure registry to it, as always."""
    root.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="dkr"))  # its sockets want short paths
    socket = f"unix://{run}/docker.sock"
    places = ["--data-root", root / "data", "--exec-root", run / "exec", "--pidfile", run / "pid"]
    quiet = ["--bridge=none", "--iptables=false", "--storage-driver=vfs"]
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen(["dockerd", *quiet, *places, *flags, "-H", socket], stdout=log, stderr=log) as daemon,
    ):
        try:
            _wait(socket, daemon, root / "log")
            yield socket
        finally:
            daemon.terminate()
            daemon.wait()
            shutil.rmtree(run, ignore_errors=True)


def _wait(socket: str, daemon: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _READY_SECONDS
    while subprocess.run(["docker", "-H", socket, "version"], capture_output=True).returncode:
        assert daemon.poll() is None and time.monotonic() < limit, log.read_text()
        time.sleep(0.1)
