"""Capas and its peers, each with stores of its own in the working directory; the machine's own stores are not touched.

The peers are those of the lab's root (tools/lab.py); docker-registry and Capas are this machine's.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lab as laboratory
from lab import Failed
from measure import Command, run

CAPAS = str(Path(sys.executable).with_name("capas"))
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{store}/graph"\nrunroot = "{store}/run"\n'
REGISTRY = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


class Lab:
    """The working directory: stores by name, registries, inputs."""

    def __init__(self, work: Path, inputs: Path) -> None:
        self.work, self.inputs = work, inputs
        self.registries: list[Registry] = []
        self.closing: list[Callable[[], object]] = []
        self.main = self.registry("registry")
        self.root = laboratory.Root(f"bench-{os.getpid()}")
        self.missing = self._open_root()

    @property
    def address(self) -> str:
        """The registry that holds the inputs."""
        return self.main.address

    def registry(self, name: str) -> Registry:
        """A docker-registry of its own, running."""
        registry = Registry(self.work / name)
        self.registries.append(registry)
        registry.start()
        return registry

    def capas(self, store: str, *words: str, snapshotter: str = "") -> Command:
        """A command of Capas on this store."""
        root = self.work / "capas" / store
        env = {
            "CAPAS_ROOT": str(root / "root"),
            "CAPAS_RUN_ROOT": str(root / "run"),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "",  # modules are compiled once, as those of an installed wheel are
        }
        if snapshotter:
            env["CAPAS_SNAPSHOTTER"] = snapshotter
        return Command((CAPAS, *words), env)

    def podman(self, store: str, *words: str, program: str = "podman") -> Command:
        """A command of podman on this store."""
        return Command(self.root.argv(program, *words), self._containers(store))

    def buildah(self, store: str, *words: str) -> Command:
        """A command of buildah on this store (podman's and buildah's are the same)."""
        return self.podman(store, *words, program="buildah")

    def peer(self, *words: str) -> Command:
        """Any program of the peers' root."""
        return Command(self.root.argv(*words))

    def skopeo(self, *words: str) -> Command:
        """A command of skopeo; plain http is allowed."""
        argv = self.root.argv("skopeo", "--insecure-policy", *words)
        return Command(argv, {"TMPDIR": str(self._temporary())})

    def umoci(self, *words: str) -> Command:
        """A command of umoci."""
        return self.peer("umoci", *words)

    def environment(self, command: Command) -> dict[str, str]:
        """What the command's process gets."""
        return {**os.environ, **command.env}

    def reset_capas(self, store: str) -> None:
        """An empty store."""
        self.remove(self.work / "capas" / store)

    def reset_podman(self, store: str) -> None:
        """An empty store."""
        for part in ("graph", "run"):
            self.remove(self.work / "podman" / store / part)

    def remove(self, path: Path) -> None:
        """Remove a tree and what is mounted in it."""
        unmount_beneath(path)
        shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """No process and no mount of ours is left."""
        for close in reversed(self.closing):
            close()
        for registry in self.registries:
            registry.stop()
        self.root.close()
        unmount_beneath(self.work)

    def _open_root(self) -> str:
        """Why there are no peers; empty when there are."""
        try:
            laboratory.make()
            self.root.open()
        except (laboratory.Failed, OSError, subprocess.CalledProcessError) as error:
            return str(error)
        return ""

    def _containers(self, store: str) -> dict[str, str]:
        root = self.work / "podman" / store
        root.mkdir(parents=True, exist_ok=True)
        conf = root / "storage.conf"
        if not conf.exists():
            conf.write_text(STORAGE.format(store=root))
        return {
            "CONTAINERS_STORAGE_CONF": str(conf),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
            "TMPDIR": str(self._temporary()),
        }

    def _temporary(self) -> Path:
        path = self.work / "tmp"
        path.mkdir(exist_ok=True)
        return path


class Registry:
    """docker-registry on loopback, with its files in one directory."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its name in references."""
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.root.mkdir(parents=True, exist_ok=True)
        config = self.root.with_suffix(".yml")
        config.write_text(REGISTRY.format(root=self.root, port=self.port))
        command = ["docker-registry", "serve", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failed("docker-registry does not listen")

    def stop(self) -> None:
        """Stop it."""
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def empty(self) -> None:
        """The same registry with nothing in it."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        self.start()


def make(*commands: Command) -> None:
    """Run what prepares a case."""
    for command in commands:
        run(command)


def unmount_beneath(path: Path) -> None:
    """Unmount all that is mounted beneath this path, the innermost first."""
    found = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for target in sorted((t for t in found if t.startswith(f"{path}/")), reverse=True):
        subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
