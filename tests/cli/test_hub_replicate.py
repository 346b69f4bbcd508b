"""`capas hub replicate`, as the keeper of a hub types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.hub.copying.replication.rules import Rule, add_rule
from capas.hub.records.database import Database
from support.hub import running_hub
from support.hub_client import HubClient
from support.people import NOW_NS
from support.terminal import Terminal


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    (tmp_path / "store" / "hub").mkdir(parents=True)
    (tmp_path / "store" / "hub" / "hub.toml").write_text('[outside]\nnetworks = ["127.0.0.0/8", "::1/128"]\n')
    return Terminal(tmp_path)


def add(capas: Terminal, rule: Rule) -> None:
    database = Database(f"sqlite:///{capas.root / 'store/hub/records.sqlite'}")
    database.write(lambda db: add_rule(db, rule, NOW_NS))
    database.close()


def test_a_rule_is_run_by_hand_and_what_it_copied_is_told(capas: Terminal, tmp_path: Path) -> None:
    with running_hub(tmp_path / "theirs") as address:
        theirs = HubClient(address, "team/app")
        theirs.push_image("1.0")
        add(capas, Rule("nightly", "pull", f"http://{address}", repositories=("team/*",)))
        said = capas.ok("hub", "replicate", "nightly")
        assert "copied   team/app:1.0" in said
        assert "1 copied, 0 the same already, 0 deleted, 0 failed" in said
        assert "0 copied, 1 the same already" in capas.ok("hub", "replicate", "nightly")
        theirs.close()


def test_what_fails_is_told_with_its_reason_and_the_exit_code(capas: Terminal, tmp_path: Path) -> None:
    with running_hub(tmp_path / "theirs") as address:
        gone = address
    add(capas, Rule("nightly", "pull", f"http://{gone}", repositories=("team/app",)))
    assert "connection refused" in capas.fails("hub", "replicate", "nightly")


def test_a_rule_that_is_not_there_is_named(capas: Terminal) -> None:
    assert "no rule of replication called weekly" in capas.fails("hub", "replicate", "weekly")
