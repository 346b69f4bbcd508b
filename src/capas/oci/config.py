"""The config: what an image runs, and how it came to be.

Spec: OCI image-spec, config.md; Docker image-spec v1.2 for the fields OCI does not name (Healthcheck, OnBuild, Shell).
"""

from __future__ import annotations

import msgspec

from capas.oci.digest import DiffID
from capas.oci.document import decode
from capas.oci.platform import Platform


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """How to tell whether a container is well. Times in nanoseconds, 0 for docker's default."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Execution(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="pascal"):
    """What a container of the image starts with (the `config` member)."""

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: dict[str, dict[str, object]] | None = None
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    healthcheck: Healthcheck | None = None
    args_escaped: bool = False
    image: str = ""
    volumes: dict[str, dict[str, object]] | None = None
    working_dir: str = ""
    entrypoint: tuple[str, ...] | None = None
    on_build: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: tuple[str, ...] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """The environment by its names; of one that is set twice the last."""
        return {name: value for name, _, value in (item.partition("=") for item in self.env or ())}


class History(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One step of an image's making. `created` is RFC 3339 text, kept as written."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class RootFS(msgspec.Struct, frozen=True):
    """The layers by diff_id, bottom first."""

    type: str = "layers"
    diff_ids: tuple[DiffID, ...] = ()


class Config(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The config document. Its digest is the image id."""

    created: str | None = None
    author: str = ""
    architecture: str = ""
    variant: str = ""
    os: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")
    config: Execution | None = None
    rootfs: RootFS = RootFS()
    history: tuple[History, ...] | None = None
    docker_version: str = ""
    comment: str = ""
    inline_cache: str = msgspec.field(default="", name="moby.buildkit.cache.v0")  # BuildKit's place for a build cache

    @property
    def platform(self) -> Platform:
        """The platform, in normal form."""
        return Platform.of(self.os, self.architecture, self.variant)

    @property
    def execution(self) -> Execution:
        """The `config` member, or an empty one."""
        return self.config or Execution()

    @property
    def steps(self) -> tuple[History, ...]:
        """The history, empty where there is none."""
        return self.history or ()


def parse_config(data: bytes) -> Config:
    """The config in these bytes. Raises: Corrupt."""
    return decode(data, Config, "image config")
