"""Capas and its peers, each with stores of its own in the working directory; the machine's own stores are not touched."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from measure import Command, Failed, run

CAPAS = str(Path(sys.executable).with_name("capas"))
UNIFIED = Path("/sys/fs/cgroup/unified")
# podman and buildah raise these beyond the hard limits where the capability for it is missing, unless told
LIMITS = '["nofile=1024:1024", "nproc=1024:1024"]'
CONTAINERS = """[containers]
default_ulimits = {limits}
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
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
        self.main = self.registry("registry")
        (work / "containers.conf").write_text(CONTAINERS.format(limits=LIMITS))

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
        return Command((program, *words), self._containers(store))

    def buildah(self, store: str, *words: str) -> Command:
        """A command of buildah on this store (podman's and buildah's are the same)."""
        return self.podman(store, *words, program="buildah")

    def podman_crun(self, store: str, *words: str) -> Command:
        """podman with crun, from which the second cgroup tree is hidden: it refuses to see both."""
        argv = without_unified(("podman", "--runtime", "crun", *words))
        return Command(argv, self._containers(store))

    def skopeo(self, *words: str) -> Command:
        """A command of skopeo; plain http is allowed."""
        return Command(("skopeo", "--insecure-policy", *words), {"TMPDIR": str(self._temporary())})

    def umoci(self, *words: str) -> Command:
        """A command of umoci."""
        return Command(("umoci", *words))

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
        for registry in self.registries:
            registry.stop()
        unmount_beneath(self.work)

    def _containers(self, store: str) -> dict[str, str]:
        root = self.work / "podman" / store
        root.mkdir(parents=True, exist_ok=True)
        conf = root / "storage.conf"
        if not conf.exists():
            conf.write_text(STORAGE.format(store=root))
        return {
            "CONTAINERS_CONF": str(self.work / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(conf),
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


def without_unified(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command, in a mount namespace without the second cgroup tree, if there is one."""
    if not os.path.ismount(UNIFIED):
        return argv
    return ("unshare", "--mount", "sh", "-c", f'umount {UNIFIED} && exec "$@"', "sh", *argv)


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
