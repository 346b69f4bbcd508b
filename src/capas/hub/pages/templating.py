"""Templates: always escaping, and showing what hides in text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from capas.hub.pages.assets import Assets
from capas.hub.pages.speech import write_age, write_bytes, write_count, write_date, write_number

# control characters but tab and line feed, lone surrogates, and what turns the direction of text or has no width
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffc\ud800-\udfff\U000e0000-\U000e0fff]"
)


def show_hidden(value: object) -> object:
    """What is printed, with the characters that would not be seen, or would turn the text around, as `⟨U+202E⟩`."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)
    return value


def create_environment(assets: Assets) -> Environment:
    """The templates of `templates/`, each compiled once."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        auto_reload=False,
        cache_size=-1,
        finalize=show_hidden,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.address
    environment.filters.update(
        {
            "bytes": _bytes,
            "count": _count,
            "number": _number,
            "ago": _ago,
            "date": _date,
            "short": _short,
            "clip": _clip,
        }
    )
    return environment


@pass_context
def _bytes(context: Context, size: float) -> str:
    return write_bytes(size, context["language"])


@pass_context
def _count(context: Context, count: int) -> str:
    return write_count(count, context["language"])


@pass_context
def _number(context: Context, number: float) -> str:
    return write_number(number, context["language"])


@pass_context
def _ago(context: Context, then_ns: int) -> Markup:
    """How long ago, with the very time to hover over and for machines."""
    said = write_age(then_ns, context["now_ns"], context["language"])
    if then_ns <= 0:
        return Markup.escape(said)
    date = write_date(then_ns)
    machine = date.replace(" UTC", "Z").replace(" ", "T")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, date, said)


def _date(then_ns: int) -> str:
    return write_date(then_ns)


def _short(digest: Any) -> str:
    """The first twelve digits of a digest."""
    return str(digest).partition(":")[2][:12] or str(digest)[:12]


def _clip(text: Any, limit: int = 2000) -> str:
    """The text, its end cut off where it is huge."""
    whole = str(text)
    return whole if len(whole) <= limit else whole[:limit] + "…"
