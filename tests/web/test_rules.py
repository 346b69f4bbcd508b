"""The pages of rules and webhooks, in a browser in two languages."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from capas.hub.app import App
from capas.hub.keeping.place import get_repository_place
from capas.hub.keeping.policy import find_policy
from support.browser import check_everywhere
from support.hub_client import HubClient


def test_rules_are_set_tried_and_carried_out(page: Page, address: str, app: App) -> None:
    client = HubClient(address, "of/rules")
    for tag in ("v1", "v2", "edge"):
        client.push_image(tag, seed=tag.encode())
    page.goto(f"http://{address}/r/of/rules")
    page.get_by_role("link", name="Rules").click()
    page.get_by_label("Patterns, one a line").fill("v1\nrelease-*")
    page.locator("button[value=patterns]").click()
    expect(page.get_by_role("status")).to_contain_text("immutable tags were set")
    assert client.send("DELETE", "manifests/v1").status == 403
    page.locator("[name=tags0]").fill("*")
    page.locator("[name=newest0]").fill("1")
    page.locator("button[value=try]").click()
    row = page.get_by_role("row", name=re.compile(r"^v2 "))
    expect(row).to_contain_text("goes")
    expect(row).to_contain_text("rule 1: it is number 2 of the newest 1")
    expect(page.get_by_role("row", name=re.compile(r"^v1 "))).to_contain_text("it is immutable (v1)")
    check_everywhere(page)
    page.locator("button[value=policy]").click()
    page.locator("button[value=sweep]").click()
    expect(page.get_by_role("status")).to_contain_text("1 tag or image went.")
    assert json.loads(client.send("GET", "tags/list").data)["tags"] == ["edge", "v1"]
    policy = app.hub.database.read(lambda db: find_policy(db, get_repository_place(db, "of/rules")))
    assert policy is not None
    assert [rule.newest for rule in policy.rules] == [1]
    client.close()


def test_a_webhook_is_made_and_tried(page: Page, address: str) -> None:
    client = HubClient(address, "of/hooks")
    client.push_image("v1")
    page.goto(f"http://{address}/r/of/hooks/-/webhooks?lang=es")
    page.get_by_label("Nombre").fill("ci")
    page.get_by_label("Dirección").fill("https://hooks.invalid/x")
    page.get_by_role("button", name="Añadir").click()
    expect(page.locator(".copy code")).to_contain_text("whsec_")
    page.get_by_role("button", name="Enviar una prueba").click()
    expect(page.get_by_role("status")).to_contain_text("Va de camino una prueba")
    expect(page.get_by_role("cell", name="ping", exact=True)).to_be_visible()
    check_everywhere(page)
    page.get_by_role("button", name="Borrar").click()
    expect(page.get_by_role("status")).to_contain_text("El webhook se ha borrado")
    client.close()
