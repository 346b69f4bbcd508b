"""A container as a listing shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.oci.digest import ImageID
from capas.run.containers import Container
from capas.run.ports import Port


class ContainerSummary(NamedTuple):
    """One row, and the container that it shows.

    `image` is the name it was made of while that still means this image, else the image's short id.
    """

    id: str
    name: str
    image: str
    image_id: ImageID
    command: str
    created_ns: int
    state: str
    status: str
    exit_code: int
    ports: tuple[Port, ...]
    exposed: tuple[str, ...]
    labels: Mapping[str, str]
    mounts: tuple[str, ...]
    targets: tuple[str, ...]
    networks: tuple[str, ...]
    container: Container

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.state in ("running", "paused")

    @property
    def alive(self) -> bool:
        """Whether it runs, or is about to by its policy."""
        return self.running or self.state == "restarting"
