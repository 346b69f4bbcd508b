"""Package URLs: one name for a package everywhere.

Spec: ECMA-427 (package-url/purl-spec): a type each for deb, apk, rpm, pypi and npm.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from capas.image.packages.package import Distribution, Package

_DISTRIBUTED = ("deb", "apk", "rpm")


def package_url(package: Package, distribution: Distribution) -> str:
    """The package's URL.

    >>> package_url(Package("npm", "@types/node", "20.1.0"), Distribution())
    'pkg:npm/%40types/node@20.1.0'
    """
    name, namespace = package.name, ""
    if package.kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    elif package.kind == "npm" and name.startswith("@"):
        namespace, _, name = name.partition("/")
    elif package.kind in _DISTRIBUTED:
        namespace = distribution.id
        name = name.lower() if package.kind != "rpm" else name
    parts = [package.kind, *([_quoted(namespace)] if namespace else []), _quoted(name)]
    version = f"@{_quoted(package.version)}" if package.version else ""
    return f"pkg:{'/'.join(parts)}{version}{_qualifiers(package, distribution)}"


def _qualifiers(package: Package, distribution: Distribution) -> str:
    if package.kind not in _DISTRIBUTED:
        return ""
    release = "-".join(part for part in (distribution.id, distribution.version) if part)
    said = {"arch": package.architecture, "distro": release, "epoch": package.epoch, "upstream": package.source}
    pairs = [f"{key}={_quoted(value)}" for key, value in sorted(said.items()) if value]
    return "?" + "&".join(pairs) if pairs else ""


def _quoted(text: str) -> str:
    return quote(text, safe=":")
