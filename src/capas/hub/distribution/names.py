"""Names in URLs: repositories and tags, checked before they touch a record.

Spec: OCI distribution-spec, "Pulling manifests" (`<name>` and `<reference>`).
"""

from __future__ import annotations

import re

_LONGEST = 255
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


def is_repository(text: str) -> bool:
    """Whether a repository may be called so."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether a tag may be called so."""
    return _TAG.fullmatch(text) is not None
