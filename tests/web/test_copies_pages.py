"""The pages of copies, in a browser: a rule made, run, read and removed; upstreams as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream as Configured
from capas.hub.outside import OutsideConfig
from support.browser import check_everywhere, follow
from support.hub import running_hub
from support.hub_client import HubClient
from support.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as found:
        yield found


@pytest.fixture
def place(upstream: Upstream, tmp_path: Path) -> Iterator[str]:
    """An open hub with an upstream, that may connect to this machine."""
    config = Config(
        outside=OutsideConfig(["127.0.0.0/8", "::1/128"]),
        upstreams=(Configured(prefix="up", url=upstream.url, keep_bytes=1_000_000),),
    )
    with running_hub(tmp_path, app=create_app(tmp_path, config=config)) as address:
        yield address


def test_a_rule_is_made_and_run_and_its_story_read_and_it_is_removed(
    place: str, page: Page, upstream: Upstream, tmp_path: Path
) -> None:
    good, bad = upstream.add_image("team/app", "good"), upstream.add_image("team/app", "bad", layer=b"evil")
    upstream.wrong[bad.layer] = b"live"
    page.goto(f"http://{place}/admin/replications")
    assert page.locator("nav [aria-current=page]").inner_text() == "Replication"
    check_everywhere(page)
    follow(page.get_by_role("link", name="New rule"))
    check_everywhere(page)
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_label("Direction").select_option("pull")
    page.get_by_label("Address of the registry").fill(upstream.url)
    page.get_by_label("Repositories").fill("team/app")
    page.get_by_label("Active").check()
    page.get_by_role("button", name="Make the rule").click()
    expect(page.get_by_role("status")).to_have_text("The rule nightly was made.")
    check_everywhere(page)
    page.get_by_role("button", name="Run now").click()
    for _ in range(200):
        if "failed, tries again" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(250)
        page.reload()
    text = page.locator("main").inner_text()
    assert "1 copied, 0 the same already, 0 deleted, 1 failed" in text
    assert "team/app:bad" in text
    check_everywhere(page)
    client = HubClient(place, "team/app")
    assert client.send("GET", f"manifests/{good.digest}").status == 200
    client.close()
    follow(page.get_by_role("link", name="nightly"))
    check_everywhere(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There are no rules yet.")).to_be_visible()


def test_a_form_that_cannot_be_says_why_and_keeps_what_was_written(place: str, page: Page) -> None:
    page.goto(f"http://{place}/admin/replications/-/new")
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_label("Address of the registry").fill("http://169.254.169.254")
    page.get_by_role("button", name="Make the rule").click()
    expect(page.get_by_role("alert")).to_contain_text("not on the public internet")
    assert page.get_by_label("Name", exact=True).input_value() == "nightly"
    check_everywhere(page)


def test_upstreams_are_shown_as_they_are(place: str, page: Page, upstream: Upstream) -> None:
    upstream.headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"}
    image = upstream.add_image("team/app", "1.0", layer=b"x" * 2000)
    client = HubClient(place, "up/team/app")
    assert client.send("GET", f"blobs/{image.layer}").status == 200
    client.close()
    page.goto(f"http://{place}/admin/upstreams")
    text = page.locator("main").inner_text()
    assert upstream.address in text
    assert "76 more of 100" in text
    check_everywhere(page)
    page.goto(f"http://{place}/admin/upstreams?lang=es")
    check_everywhere(page)
    upstream.stop()
    client = HubClient(place, "up/team/app")
    assert client.send("GET", "manifests/1.0").status == 502
    client.close()
    page.reload()
    assert "connection refused" in page.locator("main").inner_text()
