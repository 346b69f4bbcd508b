"""Debian's packages: `var/lib/dpkg/status`, and `status.d` of images without a package manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from capas.errors import Invalid
from capas.image.packages.finding import File, find_layer
from capas.image.packages.package import Package
from capas.image.packages.paragraphs import Paragraph, first, iter_paragraphs
from capas.layer.tree import Tree

_STATUS_D = "/var/lib/dpkg/status.d/"


def iter_dpkg(tree: Tree, databases: Sequence[File], copyrights: Sequence[File]) -> Iterator[Package]:
    """The installed packages; the layer is the one that wrote a package's list of files."""
    licences = {file.path: file.data for file in copyrights}
    for file in databases:
        if file.path.startswith(_STATUS_D) and file.path.endswith(".md5sums"):
            continue
        for paragraph in iter_paragraphs(file.data.decode(errors="replace")):
            if _is_installed(paragraph):
                yield _package(tree, file, paragraph, licences)


def _is_installed(paragraph: Paragraph) -> bool:
    state = first(paragraph, "status").split()
    return bool(first(paragraph, "package")) and (not state or state[-1] == "installed")


def _package(tree: Tree, file: File, paragraph: Paragraph, licences: Mapping[str, bytes]) -> Package:
    name, architecture = first(paragraph, "package"), first(paragraph, "architecture")
    source, _, version = first(paragraph, "source").partition(" ")
    version = version.strip("() ")
    return Package(
        kind="deb",
        name=name,
        version=first(paragraph, "version"),
        architecture=architecture,
        licence=_licence(tree, name, licences),
        source=f"{source}@{version}" if version else source,
        supplier=first(paragraph, "maintainer"),
        path=file.path,
        layer=_layer(tree, name, architecture, file),
    )


def _layer(tree: Tree, name: str, architecture: str, file: File) -> int:
    for listed in (f"{name}.list", f"{name}:{architecture}.list"):
        layer = find_layer(tree, f"var/lib/dpkg/info/{listed}".encode())
        if layer is not None:
            return layer
    return file.layer


def _licence(tree: Tree, name: str, licences: Mapping[str, bytes]) -> str:
    """The names of all licences in a machine-readable copyright file; it may be another package's, by a link."""
    try:
        path = tree.resolve(f"usr/share/doc/{name}/copyright".encode())
    except Invalid:  # links in a loop
        return ""
    text = licences.get("/" + path.decode(errors="replace"), b"").decode(errors="replace") if path else ""
    if not text.lstrip().lower().startswith(("format:", "format-specification:")):
        return ""
    names = sorted({first(paragraph, "license") for paragraph in iter_paragraphs(text)} - {""})
    return names[0] if len(names) == 1 else " and ".join(f"({one})" if " or " in one else one for one in names)
