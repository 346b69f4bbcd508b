"""Characters that hide: controls, what has no width, and what turns the direction of text around it."""

from __future__ import annotations

import re

from markupsafe import Markup

# controls but tab and line feed, direction marks and overrides, lone surrogates, tags
_TURNING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc"
    "\ud800-\udfff\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_TURNING}\u115f\u1160\u200c\u200d\u3164\uffa0]")
_HIDDEN_IN_PROSE = re.compile(f"[{_TURNING}]")  # joiners belong to scripts and emoji


def show_hidden(value: object) -> object:
    """What is printed, with what would not be seen, or would turn the text around, as `⟨U+202E⟩`."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDDEN.sub(_name, value)
    return value


def show_hidden_prose(text: str) -> str:
    """The same for text that people write, which may join its letters."""
    return _HIDDEN_IN_PROSE.sub(_name, text.replace("\r\n", "\n"))


def _name(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"
