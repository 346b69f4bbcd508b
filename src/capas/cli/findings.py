"""What a check of a store or a hub found, as a line."""

from __future__ import annotations

from typing import Protocol

from capas.language import Words


class Finding(Protocol):
    """Something that is not as it should be: what kind of, what it is about, and why."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def repaired(self) -> bool: ...


def line_of(finding: Finding, words: Words) -> str:
    """`kind: subject: text`, and whether it is mended."""
    mended = f" ({words('repaired')})" if finding.repaired else ""
    return f"{finding.kind}: {finding.subject}: {finding.text}{mended}"
