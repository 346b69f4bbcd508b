"""`pull --plan` and `push --plan` say what the wire then carries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.engine.engine import Engine
from capas.errors import NotFound
from support.changesets import Member, file
from support.hub import running_hub
from support.looking import make_engine, put_image
from support.relay import Relay, counted
from support.terminal import Terminal

MEGABYTES = 1 << 20


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_hub(tmp_path_factory.mktemp("hub")) as address:
        yield address


@pytest.fixture
def relay(hub: str) -> Iterator[Relay]:
    with counted(hub) as relay:
        yield relay


@pytest.fixture
def ours(tmp_path: Path) -> Engine:
    return make_engine(tmp_path / "ours")


def layer(name: str, size: int) -> list[Member]:
    return [file(name, os.urandom(size))]


def put(engine: Engine, name: str) -> None:
    put_image(engine, name, layer("a", 3 * MEGABYTES), layer("b", 2 * MEGABYTES))


def test_a_push_sends_what_was_planned(ours: Engine, relay: Relay) -> None:
    name = f"{relay.address}/plan/push:1"
    put(ours, name)
    planned = ours.images.plan_push(name).plan.transfer
    before = relay.sent
    ours.images.push(name)
    assert abs((relay.sent - before) / planned - 1) < 0.01


def test_a_pull_fetches_what_was_planned(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name = f"{relay.address}/plan/pull:1"
    put(ours, name)
    ours.images.push(name)
    theirs = make_engine(tmp_path / "theirs")
    planned = theirs.images.plan_pull(name).plan.transfer
    before = relay.received
    theirs.images.pull(name)
    assert abs((relay.received - before) / planned - 1) < 0.01


def test_a_plan_moves_next_to_nothing_and_keeps_nothing(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name = f"{relay.address}/plan/still:1"
    put(ours, name)
    ours.images.push(name)
    theirs = make_engine(tmp_path / "theirs")
    before = relay.received
    theirs.images.plan_pull(name)
    assert relay.received - before < 10_000
    assert not list(theirs.store.blobs.iterate()) and not list(theirs.images.list())


def test_what_is_here_is_not_planned_again(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    first, second = (f"{relay.address}/plan/again:{tag}" for tag in "12")
    shared = layer("shared", 2 * MEGABYTES)
    put_image(ours, first, shared)
    put_image(ours, second, shared, layer("own", MEGABYTES))
    ours.images.push(first)
    assert [move.state for move in ours.images.plan_push(second).plan.moves] == [
        "missing",
        "here",
        "missing",
        "missing",
    ]
    ours.images.push(second)
    theirs = make_engine(tmp_path / "theirs")
    theirs.images.pull(first)
    plan = theirs.images.plan_pull(second).plan
    assert [move.state for move in plan.moves] == ["missing", "missing", "here", "missing"]
    theirs.images.pull(second)
    assert theirs.images.plan_pull(second).plan.transfer == 0


def test_what_a_neighbour_repository_has_is_planned_as_mounted(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name, other = f"{relay.address}/plan/near:1", f"{relay.address}/plan/far:1"
    put(ours, name)
    ours.images.push(name)
    theirs = make_engine(tmp_path / "theirs")
    theirs.images.pull(name)
    theirs.images.tag(name, other)
    assert {move.state for move in theirs.images.plan_push(other).plan.moves if move.kind == "layer"} == {"mounted"}


def test_the_time_is_that_of_earlier_pulls(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name = f"{relay.address}/plan/rate:1"
    put(ours, name)
    ours.images.push(name)
    theirs = make_engine(tmp_path / "theirs")
    assert theirs.images.plan_pull(name).seconds is None
    theirs.images.pull(name)
    forecast = theirs.images.plan_pull(name)
    assert forecast.rate and forecast.seconds == 0


def test_the_disk_afterwards_is_about_what_was_planned(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name = f"{relay.address}/plan/disk:1"
    put(ours, name)
    ours.images.push(name)
    theirs = make_engine(tmp_path / "theirs")
    put_image(theirs, "known", layer("known", MEGABYTES))
    planned = theirs.images.plan_pull(name).disk
    before = sum(usage.size for usage in theirs.system.df())
    theirs.images.pull(name)
    assert abs((sum(usage.size for usage in theirs.system.df()) - before) / planned - 1) < 0.05


def test_an_image_that_is_nowhere_is_told(ours: Engine, relay: Relay) -> None:
    with pytest.raises(NotFound, match="no such image"):
        ours.images.plan_pull(f"{relay.address}/plan/none:1")
    with pytest.raises(NotFound, match="no image here is called"):
        ours.images.plan_push(f"{relay.address}/plan/none:1")


def test_the_command_line_prints_a_plan_for_people_and_for_programs(ours: Engine, relay: Relay, tmp_path: Path) -> None:
    name = f"{relay.address}/plan/cli:1"
    put(ours, name)
    ours.images.push(name)
    capas = Terminal(tmp_path)
    text = capas.ok("pull", "--plan", name)
    assert "To fetch: 5.25MB of 5.25MB" in text and "not known" in text
    assert "Por traer: 5.25MB de 5.25MB" in capas.ok("image", "pull", "--plan", name, LANG="es_ES.UTF-8")
    document = json.loads(capas.ok("pull", "--plan", "--format", "json", name))
    assert document["Transfer"] == sum(part["Size"] for part in document["Parts"])
    assert capas.ok("images", "-q") == ""
