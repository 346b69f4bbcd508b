"""`capas hub retention`: what the rules of a hub do, from its machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.keeping.place import get_repository_place
from capas.hub.keeping.policy import Policy, Rule, set_policy
from support.hub import running_hub
from support.hub_client import HubClient
from support.terminal import Terminal


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    """A hub with three tags, of which the newest is kept."""
    root = tmp_path / "store" / "hub"
    app = create_app(root)
    with running_hub(root, app=app) as address:
        client, database = HubClient(address, "acme/app"), app.hub.database
        for tag in ("v1", "v2", "v3"):
            client.push_image(tag, seed=tag.encode())
        policy = Policy(rules=(Rule(newest=1),))
        database.write(lambda db: set_policy(database, db, get_repository_place(db, "acme/app"), policy))
        client.close()
    return Terminal(tmp_path)


def test_a_dry_run_says_why_and_a_run_does_it(capas: Terminal) -> None:
    told = "{{.Tag}}: {{.Stays}}, {{.Why}}"
    said = capas.ok("hub", "retention", "--dry-run", "--format", told).splitlines()[:3]
    assert said == [
        "v1: no, rule 1: it is number 3 of the newest 1",
        "v2: no, rule 1: it is number 2 of the newest 1",
        "v3: yes, rule 1: it is number 1 of the newest 1",
    ]
    gone = "{{.Tag}}"
    assert capas.ok("hub", "retention", "acme/app", "--format", gone).split() == ["v1", "v2"]
    assert capas.ok("hub", "retention", "--format", gone) == ""


def test_a_hub_whose_keeper_forbids_deletion_deletes_nothing(capas: Terminal) -> None:
    (capas.root / "store/hub/hub.toml").write_text("[server]\ndelete = false\n")
    assert "does not delete" in capas.run("hub", "retention").stderr
    assert len(capas.ok("hub", "retention", "--dry-run", "--format", "{{.Tag}}").split()) == 5
