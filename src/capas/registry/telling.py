"""What is said while an image comes, in docker's words."""

from __future__ import annotations

from capas.errors import Told
from capas.events import Report, Said
from capas.oci.platform import Platform
from capas.reference import Reference


def tell_source(reference: Reference, report: Report) -> None:
    """Where the image comes from."""
    report(Said(Told("Pulling from {name}", {"name": reference.path}), reference.tag or str(reference.digest)))


def tell_platform(found: Platform, wanted: Platform, report: Report) -> None:
    """That the only image there is, is for another platform; nothing where the one wanted runs it."""
    if wanted.runs(found) == 0:
        report(Said(Told("the image is for {found}, not for {wanted}", {"found": found, "wanted": wanted})))
