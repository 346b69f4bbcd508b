"""What is asked of a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol

from capas.build.attestations.wish import Attestations
from capas.build.secrets import SecretSource
from capas.layer.compression import Kind
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.build.caching.flags import CacheSource, CacheTarget
    from capas.build.exporters.exported import Exported
    from capas.build.exporters.output import Output
    from capas.dockerfile.checks.finding import Finding
    from capas.image.image import Image


class Asked(Protocol):
    """Who is asked, when a step needs them, for secrets and agents that the request does not name."""

    def find_secret(self, id: str) -> bytes | None:
        """The secret, None where there is none of this id."""

    def find_agent(self, id: str) -> str | None:
        """The path of an ssh agent's socket, None where there is none of this id."""


class Images(Protocol):
    """Images that somebody else has, one a platform."""

    def find(self, platform: Platform) -> Image:
        """The one for a platform. Raises: NotFound; Corrupt; Interrupted."""


class BuildRequest(NamedTuple):
    """A build, as the command line says it.

    `context` is a directory, a URL (git, a tar or a Dockerfile) or "-": then `stdin` holds a tar or a Dockerfile.
    `file` is the Dockerfile's path in the context or on the host, "-" for `stdin`, None for `Dockerfile`.
    """

    context: str
    label: str = ""  # stands before the names of its steps, where several builds are one
    file: str | None = None
    stdin: BinaryIO | None = None
    dockerfile_text: str | None = None  # given from Python: no file is read
    build_contexts: Mapping[str, str] = {}  # by name: a directory, an address, docker-image:// or oci-layout://
    context_images: Mapping[str, Images] = {}  # named contexts too, which the caller has
    build_args: Mapping[str, str | None] = {}  # None: the value of the variable outside, if it has one
    target: str = ""
    labels: Mapping[str, str] = {}
    platform: Platform | None = None
    platforms: tuple[Platform, ...] = ()  # several: an index of one image for each
    outputs: tuple[Output, ...] = ()  # none: the image, kept here
    attestations: Attestations = Attestations()  # said of the image, in an index around it
    stdout: BinaryIO | None = None  # for an output to "-"
    cache_from: tuple[CacheSource, ...] = ()
    cache_to: tuple[CacheTarget, ...] = ()
    host_platform: Platform = Platform()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()  # the stages, by name or number, whose steps are done again
    pull: bool = False
    network: Literal["default", "host", "none"] = "default"
    compression: Kind | None = None  # None: as the first image output says, or gzip
    add_hosts: tuple[tuple[str, str], ...] = ()  # "host-gateway" is the address of this host
    allow: frozenset[str] = frozenset()  # what a Dockerfile may ask for: network.host, security.insecure
    secrets: Mapping[str, SecretSource] = {}  # by id
    ssh: Mapping[str, tuple[str, ...]] = {}  # by id: an agent's socket, or keys; nothing for the user's own agent
    asked: Asked | None = None
    take: Callable[[Sequence[Image]], None] | None = None  # gets the images, whole, before the build lets them go
    shm_size: int = 0  # bytes of /dev/shm, 0 for docker's 64 MiB
    ulimits: tuple[tuple[str, int, int], ...] = ()  # (name, soft, hard)
    cgroup_parent: str = ""  # "" for our own
    level: int | None = None
    source_date_epoch: int | None = None
    environ: Mapping[str, str] = {}  # where `--build-arg NAME` without a value looks
    proxies: Mapping[str, str] = {}  # shown to RUN; neither recorded nor part of any key
    ca_bundle: Path | None = None  # shown to RUN
    max_parallel: int = 4


class Built(NamedTuple):
    """A finished build. `steps` and `cached` count the instructions that could make a layer.

    `image` is the one for this machine, where there are several; `exported` is what the first image output made.
    """

    image: Image
    exported: Exported
    outputs: tuple[Output, ...] = ()  # what was made of it, with their names
    metadata: Mapping[str, object] = {}  # BuildKit's words about it, for a file
    steps: int = 0
    cached: int = 0
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()  # of docker's build checks, in the stages that were built

    @property
    def id(self) -> str:
        """What docker calls it by: the image's id, or the digest of the index."""
        return str(self.image.id if len(self.exported.images) == 1 else self.exported.digest)


DEFAULT_MTIME_NS = 499_162_500 * 1_000_000_000
"""1985-10-26T08:15:00Z, npm's choice: a fixed time that every archive format can hold."""


def mtime_of(request: BuildRequest) -> int:
    """The time of files that come from a context: SOURCE_DATE_EPOCH where it is set."""
    epoch = request.source_date_epoch
    return DEFAULT_MTIME_NS if epoch is None else epoch * 1_000_000_000
