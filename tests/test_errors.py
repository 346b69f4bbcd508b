"""Errors and events as values."""

from __future__ import annotations

import pickle

import pytest

from capas import errors
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source
from capas.errors import CapasError, NotFound
from capas.events import Advanced, Failed, Finished, Said, Started, ignore
from capas.language import say

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CapasError)]


def test_a_message_is_filled_with_its_facts() -> None:
    error = NotFound("no such image: {image}", image="nginx", hint="try capas pull {image}")
    assert (str(error), error.hint) == ("no such image: nginx", "try capas pull nginx")
    assert error.facts == {"image": "nginx"}
    assert error.__dict__["image"] == "nginx"


def test_braces_in_a_fact_are_only_text() -> None:
    assert str(NotFound("no such image: {image}", image="{x}{0}{")) == "no such image: {x}{0}{"


def test_a_message_without_facts_is_plain_text() -> None:
    assert str(NotFound("plain {braces}")) == "plain {braces}"
    assert NotFound("x").hint == ""


def test_there_is_one_root_and_eleven_kinds() -> None:
    assert len(KINDS) == 12
    assert all(kind.__base__ is CapasError for kind in KINDS if kind is not CapasError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_described(kind: type[CapasError]) -> None:
    assert kind.__doc__
    assert isinstance(kind("x"), Exception)


def test_facts_cannot_hide_the_message() -> None:
    error = NotFound("{facts}", facts="x")
    assert error.facts == {"facts": "x"}


def test_events_are_values() -> None:
    events = [Started("a", "Pulling", 5), Advanced("a", 3, 5), Said("x"), Finished("a", "done"), Failed("b", "no")]
    assert pickle.loads(pickle.dumps(events)) == events
    for event in events:
        ignore(event)


def test_an_error_that_also_says_where_is_said_whole_in_another_language() -> None:
    missing = NotFound("secret {id} is required and was not given", id="token", hint="give --ssh {id}")
    located = pickle.loads(pickle.dumps(Source("Dockerfile", ("RUN x",)).locate(missing, Position(1, 1, 1, 4))))
    assert isinstance(located, NotFound) and located.facts["id"] == "token"
    assert str(located).startswith("Dockerfile:1:1: secret token is required and was not given\n")
    spanish = say(located.message, located.facts, "es")
    assert spanish.startswith("Dockerfile:1:1: el secreto token es obligatorio y no se ha dado\n")
    assert say(located.hint_template, located.facts, "es") == "da --ssh token"
