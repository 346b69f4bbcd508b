"""Platforms: which operating system and processor an image is for."""

from __future__ import annotations

from typing import NamedTuple

from capas.errors import Invalid

_ARCHITECTURES = {
    "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm", "armv7l": "arm",
    "i386": "386", "i686": "386",
}  # fmt: skip
_VARIANTS = {("arm", ""): "v7", ("arm64", "8"): "", ("arm64", "v8"): "", ("amd64", "v1"): ""}


class Platform(NamedTuple):
    """An operating system, a processor and its variant ("" for none), normalised.

    >>> str(Platform.parse("linux/aarch64"))
    'linux/arm64'
    """

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    @classmethod
    def of(cls, os: str, architecture: str, variant: str = "") -> Platform:
        """A platform from its parts, in normal form (as containerd's `platforms.Normalize`)."""
        os, architecture, variant = os.lower(), architecture.lower(), (variant or "").lower()
        if architecture == "armel" and not variant:
            variant = "v6"
        architecture = _ARCHITECTURES.get(architecture, architecture)
        if variant and variant[0].isdigit() and architecture == "arm":
            variant = "v" + variant
        return cls(os, architecture, _VARIANTS.get((architecture, variant), variant))

    @classmethod
    def parse(cls, text: str, host: Platform | None = None) -> Platform:
        """`os[/architecture[/variant]]`, or an architecture alone.

        Raises: Invalid for anything else.
        """
        parts = text.strip().split("/")
        if not 1 <= len(parts) <= 3 or not all(p and p.replace("-", "").replace("_", "").isalnum() for p in parts):
            raise Invalid(
                "not a platform: {text!r}", text=text[:100], hint="write it as os/architecture, like linux/arm64"
            )
        if len(parts) > 1:
            return cls.of(*parts)
        base = host or cls()
        known = {"linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "wasip1"}
        return base._replace(os=parts[0].lower()) if parts[0].lower() in known else cls.of(base.os, parts[0])

    def __str__(self) -> str:
        return "/".join(part for part in self if part)

    def runs(self, other: Platform) -> int:
        """How well an image for `other` runs here: 0 not at all, more is better (an exact match is best)."""
        if self.os != other.os:
            return 0
        if self == other:
            return 100
        if self.architecture == other.architecture == "arm" and other.variant <= self.variant:
            return 50 + int(other.variant[1:] or 0)
        if self.architecture == other.architecture and not other.variant:
            return 60
        if (self.architecture, other.architecture) == ("arm64", "arm"):
            return 10 + int(other.variant[1:] or 0)
        if (self.architecture, other.architecture) == ("amd64", "386"):
            return 5
        return 0
