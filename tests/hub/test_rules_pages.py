"""The pages of rules and webhooks: who may see them, and what their forms refuse."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from support.town import NOBODY, SECRET, Town

RULES, HOOKS = f"/r/{SECRET}/-/rules", f"/r/{SECRET}/-/webhooks"


@pytest.mark.parametrize("who", [NOBODY, "other", "reader", "writer", "maintainer"])
def test_the_pages_are_for_owners(town: Town, who: str) -> None:
    for path in (RULES, HOOKS, "/u/acme/-/rules", "/u/acme/-/webhooks", HOOKS + "/1"):
        for method in ("GET", "POST"):
            assert town.browse(who, method, path, "do=patterns&patterns=*").status in (303, 401, 403, 404)
    assert not town.send("owner", "GET", f"/api/v1/immutable-tags/repositories/{SECRET}").data.count(b'"*"')


def test_an_owner_sees_rules_of_an_organisation_and_an_administrator_sets_its_limit(town: Town) -> None:
    assert "without a limit" in town.browse("owner", "GET", "/u/acme/-/rules").data.decode()
    assert town.browse("owner", "POST", "/u/acme/-/rules", "do=limit&limit=5").status in (400, 403)
    assert town.browse("boss", "POST", "/u/acme/-/rules", "do=limit&limit=5").status == 303
    assert "of 5.00 MB" in town.browse("owner", "GET", "/u/acme/-/rules").data.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"do": "patterns", "patterns": "a/b"},
        {"do": "policy", "tags0": "*", "newest0": "many"},
        {"do": "policy", "tags0": "*", "newest0": "0"},
        {"do": "policy", "untagged_days": "-1"},
        {"do": "nonsense"},
    ],
)
def test_what_cannot_be_is_said_on_the_page(town: Town, form: dict[str, str]) -> None:
    answer = town.browse("owner", "POST", RULES, urlencode(form))
    assert answer.status == 400
    assert b"Traceback" not in answer.data


def test_a_webhook_of_another_place_is_not_found(town: Town) -> None:
    made = town.browse("owner", "POST", HOOKS, "is_new=1&name=ci&url=https://example.org/&events=push")
    assert made.status == 200
    assert b"whsec_" in made.data
    assert town.browse("owner", "GET", HOOKS + "/1").status == 200
    for path in ("/r/acme/public/-/webhooks/1", "/u/acme/-/webhooks/1"):
        assert town.browse("owner", "GET", path).status == 404
        assert town.browse("owner", "POST", path, "do=delete").status == 404
    refused = town.browse("owner", "POST", HOOKS, "is_new=1&name=ci&url=http://127.0.0.1/&events=push")
    assert refused.status == 400
    assert "not on the public internet" in refused.data.decode()
