"""READMEs: Markdown of anybody to HTML that can do nothing but be read.

Two fences: the parser takes no HTML in, and nh3 (ammonia) lets nothing out but the elements and addresses listed here.
Pictures are shown as links: a page of ours asks no other host for anything, and tells none who reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from capas.hub.pages.hidden import show_hidden_prose

LIMIT = 32_000  # characters that are rendered
_KEPT = 64  # READMEs

_ELEMENTS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}}


@functools.lru_cache(maxsize=_KEPT)
def render_readme(text: str) -> Markup:
    """The README as HTML; what is longer than `LIMIT` is cut off."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    rendered = parser.render(show_hidden_prose(text[:LIMIT]))
    clean = nh3.clean(
        rendered,
        tags=_ELEMENTS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
        url_relative="deny",
    )
    return Markup(clean)


class _Renderer(RendererHTML):
    """Headings one step lower, since the page has its own, and pictures as links."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A link; what is within it leads nowhere else."""
        env["in_link"] = True
        return self.renderToken(tokens, idx, options, env)

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Its end."""
        env["in_link"] = False
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A picture's words, leading to it."""
        token = tokens[idx]
        words = self.renderInlineAsText(token.children or [], options, env) or str(token.attrGet("src") or "")
        if env.get("in_link"):
            return str(Markup.escape(words))
        address = Markup.escape(str(token.attrGet("src") or ""))
        return f'<a href="{address}">{Markup.escape(words)}</a>'

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """`<h2>` for `#`."""
        return f"<{_lower(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Its end."""
        return f"</{_lower(tokens[idx].tag)}>\n"


def _lower(tag: str) -> str:
    return f"h{min(int(tag[1]) + 1, 6)}"
