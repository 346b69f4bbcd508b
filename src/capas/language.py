"""English words to the reader's language, from the one catalogue (`es.json`: English text → Spanish text)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path


def translate(text: str, language: str) -> str:
    """The text in this language ("en", "es"); itself where the catalogue does not have it."""
    return text if language == "en" else _catalogue(language).get(text, text)


@functools.cache
def _catalogue(language: str) -> Mapping[str, str]:
    path = Path(__file__).with_name(f"{language}.json")
    found: Mapping[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found
