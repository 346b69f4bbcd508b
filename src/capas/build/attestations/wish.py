"""Which attestations a build is asked for: `--sbom`, `--provenance` and `--attest`, in BuildKit's words.

Spec: docs.docker.com, "Build attestations".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

from capas.build.attestations.formats import Format, find_format
from capas.build.exporters.fields import Fields
from capas.errors import Invalid, Unsupported

Mode = Literal["min", "max"]
_YES, _NO = ("true", "1"), ("false", "0")


class Attestations(NamedTuple):
    """The packages in a format, and how the image was made: briefly ("min") or with everything that went into it.

    None of them unless asked for: an image without them is one manifest, whose digest says all.
    """

    sbom: Format | None = None
    provenance: Mode | None = None
    builder_id: str = ""

    def __bool__(self) -> bool:
        return self.sbom is not None or self.provenance is not None


def parse_attestations(texts: Iterable[str], *, sbom: str | None = None, provenance: str | None = None) -> Attestations:
    """What several `--attest` say, and `--sbom` and `--provenance` on top. Raises: Invalid; Unsupported."""
    found = Attestations()
    said = [(f"--attest {text}", text) for text in texts]
    said += [(f"--{kind}", _short(kind, text)) for kind, text in (("sbom", sbom), ("provenance", provenance)) if text]
    for flag, text in said:
        fields = Fields(flag.split(" ")[0], text)
        kind = fields.take("type")
        if kind not in _READERS:
            raise Invalid("{flag}: there is no attestation {kind!r}", flag=flag, kind=kind, hint="sbom or provenance")
        found = _READERS[kind](found, fields)
        fields.finish()
    return found


def _short(kind: str, text: str) -> str:
    if text.lower() in _YES:
        return f"type={kind}"
    if text.lower() in _NO:
        return f"type={kind},disabled=true"
    return f"type={kind},{text}"


def _sbom(found: Attestations, fields: Fields) -> Attestations:
    if fields.take("generator"):
        raise Unsupported(
            "an SBOM is made by Capas itself: no generator is run", hint="leave generator= out; format= chooses"
        )
    format = find_format(fields.take("format", "spdx"))
    return found._replace(sbom=None if fields.take_bool("disabled", False) else format)


def _provenance(found: Attestations, fields: Fields) -> Attestations:
    mode = fields.take_choice("mode", "min", "max")
    if fields.take_choice("version", "v1", "v0.2") == "v0.2":
        raise Unsupported("provenance is written as SLSA v1, not v0.2", hint="leave version= out")
    builder_id = fields.take("builder-id")
    fields.take_bool("inline-only", False)  # attestations are in the image's index in any case
    fields.take_bool("reproducible", False)  # what Capas writes is
    if fields.take_bool("disabled", False):
        return found._replace(provenance=None)
    return found._replace(provenance=cast(Mode, mode), builder_id=builder_id)


_READERS = {"sbom": _sbom, "provenance": _provenance}
