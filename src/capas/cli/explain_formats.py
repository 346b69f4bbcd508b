"""What is explained as Markdown and as HTML, to stand in documents: what is not ours is shown, and means nothing there.

Spec: CommonMark 0.31.2, "Backslash escapes", "Code spans", "Fenced code blocks"; HTML, "Fragment serialisation".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from capas.cli.explain_parts import Item, Part
from capas.dockerfile.meaning.sentence import Span, iter_pieces
from capas.printable import printable

_SPECIAL = re.compile(r"[\\`*_\[\]<>#&|~$]")
_LEADING = re.compile(r"(\d+)([.)])|([-+=])")
_TICKS = re.compile(r"`+")


def write_markdown(parts: Iterable[Part]) -> Iterator[str]:
    """Lines of Markdown. Its titles begin at the first level."""
    for part in parts:
        if part.level:
            yield from ("#" * part.level + " " + _markdown([part.title]), "")
        if part.source:
            fence = "`" * max(3, _longest(part.source) + 1)
            yield from (fence + part.kind, *part.source, fence, "")
        if part.items:
            yield from (_markdown_item(item) for item in part.items)
            yield ""


def _markdown_item(item: Item) -> str:
    text = _markdown(item.spans)
    return f"- **{_plain(item.label)}**: {text}" if item.label else f"- {_LEADING.sub(_led, text, count=1)}"


def _led(match: re.Match[str]) -> str:
    """What would begin a list or a title, where it stands at the beginning."""
    if match.start():
        return match[0]
    return f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}"


def _markdown(spans: Iterable[Span]) -> str:
    return "".join(_code(text) if is_code else _plain(text) for text, is_code in iter_pieces(spans))


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", printable(text))


def _code(text: str) -> str:
    """A code span: nothing in it means anything, once its ticks are more than those inside."""
    text = printable(text)
    ticks = "`" * (_longest([text]) + 1)
    room = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{room}{text}{room}{ticks}" if text.strip() else _plain(text)


def _longest(texts: Iterable[str]) -> int:
    return max((len(ticks) for text in texts for ticks in _TICKS.findall(text)), default=0)


def write_html(parts: Iterable[Part], language: str) -> Iterator[str]:
    """Lines of an HTML fragment, without style and script: `<article class="capas-explain">`."""
    yield f'<article class="capas-explain" lang="{language}">'
    for part in parts:
        if part.level:
            yield f"<h{part.level}>{_html([part.title])}</h{part.level}>"
        if part.source:
            source = escape("\n".join(part.source))
            yield f'<pre><code class="language-{part.kind}">{source}</code></pre>'
        if part.items:
            yield from ("<ul>", *map(_html_item, part.items), "</ul>")
    yield "</article>"


def _html_item(item: Item) -> str:
    label = f"<strong>{escape(item.label)}</strong>: " if item.label else ""
    return f"<li>{label}{_html(item.spans)}</li>"


def _html(spans: Iterable[Span]) -> str:
    return "".join(
        f"<code>{escape(printable(text))}</code>" if is_code else escape(printable(text))
        for text, is_code in iter_pieces(spans)
    )
