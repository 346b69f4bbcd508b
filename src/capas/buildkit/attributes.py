"""Attributes that a client sends one by one, as the one line of CSV in which people write them after a flag."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping


def line_of(kind: str, attributes: Mapping[str, str]) -> str:
    """`type=kind,key=value,…`.

    >>> line_of("image", {"name": "a,b", "push": "true"})
    'type=image,"name=a,b",push=true'
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(
        [f"type={kind}", *(f"{key}={value}" for key, value in attributes.items())]
    )
    return out.getvalue()
