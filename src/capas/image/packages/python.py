"""Python's packages: METADATA of `.dist-info`, PKG-INFO of `.egg-info`.

Spec: PyPA, "Recording installed projects", "Core metadata".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capas.image.packages.finding import File
from capas.image.packages.package import Package
from capas.image.packages.paragraphs import Paragraph, first, iter_paragraphs

_LONGEST = 100  # of a licence's name: some write the whole text there
_CLASSIFIER = "License :: OSI Approved :: "


def iter_python(files: Sequence[File]) -> Iterator[Package]:
    """A package for every file of metadata that names one."""
    for file in files:
        metadata = next(iter_paragraphs(file.data.decode(errors="replace")), {})
        name, version = first(metadata, "name"), first(metadata, "version")
        if name and version:
            yield Package(
                kind="pypi",
                name=name,
                version=version,
                licence=_licence(metadata),
                supplier=first(metadata, "author", "author-email"),
                path=file.path,
                layer=file.layer,
            )


def _licence(metadata: Paragraph) -> str:
    said = first(metadata, "license-expression", "license")
    if said and len(said) <= _LONGEST and said.upper() != "UNKNOWN":
        return said
    names = [text.removeprefix(_CLASSIFIER) for text in metadata.get("classifier", ()) if text.startswith(_CLASSIFIER)]
    return " and ".join(names)
