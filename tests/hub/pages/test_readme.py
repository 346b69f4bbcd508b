"""READMEs: rendered, and able to do nothing but be read."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from capas.hub.pages.readme import LIMIT, render_readme

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>body{display:none}</style>",
    "<form action=https://evil.example><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<div id=main class=top>x</div>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    "[x](//evil.example)",
    "[x](file:///etc/passwd)",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](javascript:alert(1))",
    '![x"onerror="alert(1)](https://evil.example/p.png)',
    '[x](https://a.example/"onmouseover="alert(1))',
    "<https://a.example/\"onmouseover=\"alert(1)>",
    "```html\"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "a <!-- --><script>alert(1)</script> --> b",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
]  # fmt: skip


class Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_readme_acts(payload: str) -> None:
    for tag, attributes in Elements(render_readme(f"before\n\n{payload}\n\nafter")).found:
        assert tag in {"p", "a", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}
        assert attributes.keys() <= {"href", "rel", "align", "title"}
        assert re.match(r"https?://", attributes.get("href") or "https://")


def test_headings_are_below_the_pages_own() -> None:
    assert render_readme("# a\n###### b") == "<h2>a</h2>\n<h6>b</h6>\n"


def test_pictures_are_links_and_in_links_words() -> None:
    assert "<img" not in render_readme("![alt](https://x.example/y.png)")
    linked = render_readme("[![build](https://x.example/y.svg)](https://ci.example)")
    assert [dict(a)["href"] for tag, a in Elements(linked).found if tag == "a"] == ["https://ci.example"]
    assert "build" in linked


def test_text_that_turns_around_is_made_visible_and_emoji_stay() -> None:
    assert "⟨U+202E⟩" in render_readme("a\u202eb")
    assert "👩\u200d💻" in render_readme("👩\u200d💻")


@pytest.mark.parametrize(
    "piece", ["[", "![", "*a ", "> ", "`", "[a](", "_a*", "<", "- ", "|a", "&#x41;", "[a]: /x\n", "![]("]
)
def test_a_readme_made_to_be_slow_is_not(piece: str) -> None:
    begun = time.monotonic()
    render_readme((piece * LIMIT)[:LIMIT] + "x")
    assert time.monotonic() - begun < 5
