"""The engines that do the same work: Capas with each of its drivers, docker with each of its image stores, podman, buildah."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import Docker, Failed
from measure import Command, run
from peers import Lab

HOST = ("--network", "host")
INSECURE = "--tls-verify=false"


class Engine:
    """One engine with a store of its own, which is empty after `reset`."""

    daemon = False  # whether the work is done by another process than the command's

    def __init__(self, name: str, place: Path) -> None:
        self.name, self.place = name, place

    def command(self, *words: str) -> Command:
        """Its command line with these words."""
        raise NotImplementedError

    def reset(self) -> None:
        """An empty store, ready for a command."""
        raise NotImplementedError

    def pull(self, image: str) -> Command:
        """Bring an image, made ready to run."""
        return self.command("pull", "-q", image)

    def push(self, image: str) -> Command:
        """Send an image."""
        return self.command("push", "-q", image)

    def run(self, image: str, *words: str) -> Command:
        """Run a command in a container that is removed after."""
        return self.command("run", "--rm", *HOST, image, *words)

    def remove(self, image: str) -> Command:
        """Delete an image, the only one."""
        return self.command("rmi", image)

    def save(self, image: str, out: Path) -> Command:
        """Write an archive that `docker load` reads."""
        return self.command("save", "-o", str(out), image)

    def build(self, context: Path, tag: str, *, fresh: bool = False) -> Command:
        """Build an image; `fresh` uses nothing of an earlier build."""
        return self.command("build", "-q", *HOST, *(("--no-cache",) if fresh else ()), "-t", tag, str(context))

    def publish(self, context: Path, tag: str) -> Sequence[Command]:
        """Build an image and send it."""
        built = self.build(context, tag)
        return [built._replace(argv=(*built.argv, "--push"))]

    def forget(self) -> None:
        """The next build begins with its base image and nothing else."""


class Capas(Engine):
    """Capas; the driver is named, so that what is measured is known."""

    def __init__(self, lab: Lab, store: str, driver: str, *, label: str = "") -> None:
        super().__init__(label or f"capas, {driver}", lab.work / "capas" / store)
        self.lab, self.store, self.driver = lab, store, driver

    def command(self, *words: str) -> Command:
        return self.lab.capas(self.store, *words, snapshotter=self.driver)

    def reset(self) -> None:
        self.lab.reset_capas(self.store)

    def forget(self) -> None:
        run(self.command("builder", "prune", "-f"))


class DockerEngine(Engine):
    """docker, whose daemon runs only while it is measured."""

    daemon = True

    def __init__(self, lab: Lab, store: str) -> None:
        super().__init__(f"docker, {store}", lab.work / f"docker-{store}")
        self.lab, self.server = lab, Docker(lab.root, f"{lab.root.name}-{store}", self.place, store)
        lab.closing.append(self.server.stop)

    def command(self, *words: str) -> Command:
        return Command(self.server.argv(*words))

    def reset(self) -> None:
        self.server.stop()
        self.lab.remove(self.place)
        self.server.start()

    def forget(self) -> None:
        run(self.command("builder", "prune", "-a", "-f"))


class Podman(Engine):
    """podman; or buildah, which builds with the same words and runs nothing here."""

    def __init__(self, lab: Lab, store: str, program: str = "podman") -> None:
        super().__init__(program, lab.work / "podman" / store)
        self.lab, self.store, self.program = lab, store, program

    def command(self, *words: str) -> Command:
        return self.lab.podman(self.store, *words, program=self.program)

    def reset(self) -> None:
        self.lab.reset_podman(self.store)

    def pull(self, image: str) -> Command:
        return self.command("pull", "-q", INSECURE, image)

    def push(self, image: str) -> Command:
        return self.command("push", "-q", INSECURE, image)

    def save(self, image: str, out: Path) -> Command:
        return self.command("save", "-q", "-o", str(out), image)

    def build(self, context: Path, tag: str, *, fresh: bool = False) -> Command:
        again = ("--no-cache",) if fresh else ()
        return self.command("build", "-q", "--layers", *HOST, *again, "-t", tag, str(context))

    def publish(self, context: Path, tag: str) -> Sequence[Command]:
        return [self.build(context, tag), self.push(tag)]


def capas_drivers(lab: Lab, case: str) -> Sequence[Engine]:
    """Capas with each driver; the one that it chooses by itself here is first and has no other name than `capas`."""
    chosen = find_driver(lab)
    known = [chosen, *(driver for driver in ("overlay", "copy", "erofs") if driver != chosen)]
    return [Capas(lab, f"{case}-{driver}", driver, label="capas" if driver == chosen else "") for driver in known]


def find_driver(lab: Lab) -> str:
    """The driver that Capas chooses in the working directory."""
    asked = lab.capas("choice", "system", "info", "--format", "json")
    try:
        told = subprocess.run(asked.argv, env=lab.environment(asked), capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise Failed(f"capas system info: {error.stderr.decode()[-300:]}") from None
    return str(json.loads(told)["Storage Driver"])


def dockers(lab: Lab) -> Sequence[Engine]:
    """docker with both of its image stores."""
    return [DockerEngine(lab, "overlay2"), DockerEngine(lab, "containerd")]


def all_engines(lab: Lab, case: str) -> Sequence[Engine]:
    """All that pull and run."""
    return [*capas_drivers(lab, case), *dockers(lab), Podman(lab, case)]


def builders(lab: Lab, case: str) -> Sequence[Engine]:
    """All that build; Capas with the driver of its choice."""
    return [
        capas_drivers(lab, case)[0],
        *dockers(lab),
        Podman(lab, f"{case}-podman"),
        Podman(lab, f"{case}-buildah", "buildah"),
    ]
