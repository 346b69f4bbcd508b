"""Templates: always escaping, and showing what hides in text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from capas.dockerfile.meaning.sentence import Sentence, iter_pieces, iter_spans
from capas.hub.pages.assets import Assets
from capas.hub.pages.hidden import show_hidden
from capas.hub.pages.speech import write_age, write_count, write_date
from capas.language import write_bytes, write_number

_WEB_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?(?:/[!-~]*)?", re.IGNORECASE | re.ASCII)


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
            "sentence": _sentence,
        }
    )
    environment.tests["web_address"] = _is_web_address
    return environment


def _is_web_address(text: str) -> bool:
    """Whether it may be a link: whole, of the web, and not huge."""
    return _WEB_ADDRESS.fullmatch(text) is not None


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


@pass_context
def _sentence(context: Context, sentence: Sentence) -> Markup:
    """A sentence of what explains, the words of whoever made the image as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(show_hidden(text)) if is_code else Markup.escape(show_hidden(text))
        for text, is_code in iter_pieces(iter_spans(sentence, context["language"]))
    )


def _date(then_ns: int) -> str:
    return write_date(then_ns)


def _short(digest: Any) -> str:
    """The first twelve digits of a digest."""
    return str(digest).partition(":")[2][:12] or str(digest)[:12]


def _clip(text: Any, limit: int = 2000) -> str:
    """The text, its end cut off where it is huge."""
    whole = str(text)
    return whole if len(whole) <= limit else whole[:limit] + "…"
