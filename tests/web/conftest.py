"""A browser for all tests of pages, a page for each test, and an open hub for each file.

    def test_the_list_of_keys_is_accessible(page: Page, address: str) -> None:
        page.goto(f"http://{address}/settings/keys")
        check_everywhere(page)          # support.browser: axe-core, widths, light and dark

`page` fails its test by itself where a dialog opened, a script failed, the content security policy was broken or
another host was asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from capas.hub.app import App, create_app
from support.browser import open_browser, open_page
from support.hub import running_hub


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with open_page(browser) as found:
        yield found


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    root: Path = tmp_path_factory.mktemp("hub")
    return create_app(root)


@pytest.fixture(scope="module")
def address(app: App) -> Iterator[str]:
    with running_hub(app.hub.root, app=app) as found:
        yield found
