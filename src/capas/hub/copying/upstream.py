"""`[[upstreams]]` of the hub's configuration: other registries of which this hub keeps what was asked for.

    [[upstreams]]
    prefix = "docker.io"                       # the names here: docker.io/library/debian
    url = "https://registry-1.docker.io"       # a path after the host is put before every repository's name
    username = "acme"
    password_file = "/run/secrets/docker.io"
    repositories = ["library/*", "grafana/*"]  # nothing else is fetched
    platforms = ["linux/amd64"]                # of an index, only these; empty: whatever is asked for
    trust_seconds = 60                         # how long a tag counts as checked
    keep_bytes = 100_000_000_000               # of blobs; those pulled longest ago go first
    mirror = true                              # names that this hub does not have are looked for there
    hosts = ["mirror.example"]                 # asked under these names, the hub is that registry and nothing else

What is fetched with this login belongs to the prefix. Without a login anybody reads it; with one, the rights that
this hub gives in the namespace `prefix`, unless `public` says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import msgspec

from capas.errors import Invalid
from capas.hub.distribution.names import is_repository
from capas.oci.platform import Platform
from capas.registry.trust import is_loopback


class Upstream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registry that is copied from as it is asked for."""

    prefix: str
    url: str
    username: str = ""
    password: str = ""
    ca_bundle: str = ""
    repositories: tuple[str, ...] = ("*",)
    platforms: tuple[str, ...] = ()
    trust_seconds: int = 60
    keep_bytes: int | None = None
    public: bool | None = None
    mirror: bool = False
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Upstream({self.prefix!r}, {self.url!r})"

    @property
    def is_public(self) -> bool:
        """Whether anybody may pull from it through this hub."""
        return not self.username if self.public is None else self.public

    @property
    def host(self) -> str:
        """Its host and port."""
        return urlsplit(self.url).netloc

    @property
    def endpoint(self) -> tuple[str, int]:
        """Its host and port apart."""
        parts = urlsplit(self.url)
        return (parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def base(self) -> str:
        """Its address without the path."""
        return f"{urlsplit(self.url).scheme}://{self.host}"

    def path_of(self, rest: str) -> str | None:
        """The repository there that is called `rest` below the prefix; None where it is not to be fetched."""
        if self.prefix == "docker.io" and "/" not in rest:
            rest = "library/" + rest
        if not any(fnmatchcase(rest, pattern) for pattern in self.repositories):
            return None
        above = urlsplit(self.url).path.strip("/")
        return f"{above}/{rest}" if above else rest

    def wants(self, platform: str) -> bool:
        """Whether a manifest of an index is to be had that is for this platform ("" not said)."""
        if not self.platforms or not platform or platform.startswith("unknown"):
            return True
        asked = Platform.parse(platform)
        return any(Platform.parse(one) == asked for one in self.platforms)


def check_upstreams(upstreams: Sequence[Upstream]) -> None:
    """Raises: Invalid for what no hub can do."""
    prefixes = [one.prefix for one in upstreams]
    for one in upstreams:
        parts = urlsplit(one.url)
        if not is_repository(one.prefix) or "/" in one.prefix or prefixes.count(one.prefix) > 1:
            raise Invalid(
                "an upstream's prefix is the first part of names here, each its own, not {prefix!r}", prefix=one.prefix
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise Invalid("the url of the upstream {prefix} is no address: https://HOST", prefix=one.prefix)
        if one.username and parts.scheme == "http" and not is_loopback(parts.netloc):
            raise Invalid(
                "the login of the upstream {prefix} would be sent in plain http: use https", prefix=one.prefix
            )
        for platform in one.platforms:
            Platform.parse(platform)
