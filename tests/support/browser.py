"""A real browser: Debian's Chromium without a screen, that reaches nothing but this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright

CHROMIUM = "/usr/bin/chromium"
_WIDTH, _HEIGHT = 1280, 900
_QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-gpu")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """One browser."""
    unconfined = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=[*_QUIET, *unconfined])
        yield browser
        browser.close()


class Watched:
    """A page, and what went on in it that must not: dialogs, errors, the policy broken, other hosts asked."""

    def __init__(self, context: BrowserContext) -> None:
        self.faults: list[str] = []
        context.route(lambda address: True, self._guard)
        self.page = context.new_page()
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._hear)

    def _guard(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname in ("localhost", "127.0.0.1"):
            route.continue_()
        else:
            self.faults.append(f"asked: {route.request.url}")
            route.abort()

    def _hear(self, message: Any) -> None:
        # a page of an error is said by the console too
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.faults.append(f"console: {message.text}")


@contextmanager
def open_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a reader who was never here. At its end nothing may have gone on in it that must not."""
    usual = {"viewport": {"width": _WIDTH, "height": _HEIGHT}, "locale": "en-GB", "reduced_motion": "reduce"}
    context = browser.new_context(**{**usual, **options})
    context.set_default_timeout(10_000)
    watched = Watched(context)
    try:
        yield watched.page
    finally:
        context.close()
    assert watched.faults == [], "\n".join(watched.faults)


def follow(target: Locator) -> None:
    """Click what leads to a page, and be there: sooner one may see the page before, or this one without its style."""
    with target.page.expect_navigation():
        target.click()


def check_page(page: Page) -> None:
    """What every page must be: accessible as far as axe-core can tell, and no wider than the screen."""
    page.wait_for_load_state()
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    check_width(page)


def check_width(page: Page) -> None:
    """Nothing stands out over the side of the screen."""
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{page.url} is {width[0]} pixels wide, the screen {width[1]}"


def check_everywhere(page: Page) -> None:
    """`check_page` on a desk in light, and on a phone in dark."""
    for scheme, width in (("dark", 360), ("light", _WIDTH)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        check_page(page)
