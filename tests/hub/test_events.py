"""What happens in the hub is told once, after it is on disk, and nobody waits for who listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from capas.hub.app import App, create_app
from capas.hub.events import Events, Happened
from support.hub import running_hub
from support.hub_client import HubClient

SOON = 10.0


class Heard:
    """A listener that says when it has heard so many."""

    def __init__(self) -> None:
        self.events: list[Happened] = []
        self._more = threading.Condition()

    def __call__(self, batch: Sequence[Happened]) -> None:
        with self._more:
            self.events += batch
            self._more.notify_all()

    def wait(self, count: int) -> list[tuple[str, str, str]]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.events) >= count, SOON), self.events
            return [(event.kind, event.reference, event.digest) for event in self.events]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[HubClient, App, Heard]]:
    app, heard = create_app(tmp_path), Heard()
    app.hub.events.listen(heard)
    with running_hub(tmp_path, app=app) as address:
        client = HubClient(address, "of/events")
        yield client, app, heard
        client.close()


def test_pushes_pulls_and_deletions_are_told_in_order(served: tuple[HubClient, App, Heard]) -> None:
    client, _, heard = served
    digest = client.push_image("v1").digest
    client.send("GET", "manifests/v1")
    client.send("GET", f"manifests/{digest}")
    client.send("HEAD", "manifests/v1")
    client.push_image("v2")
    client.send("DELETE", "manifests/v2")
    client.send("DELETE", f"manifests/{digest}")
    assert heard.wait(7) == [
        ("push", "v1", digest),
        ("pull", "v1", digest),
        ("pull", "", digest),
        ("push", "v2", digest),
        ("untag", "v2", digest),
        ("untag", "v1", digest),
        ("delete", "", digest),
    ]
    assert {event.repository for event in heard.events} == {"of/events"}
    assert all(event.at_ns for event in heard.events)


def test_what_is_refused_is_not_told(served: tuple[HubClient, App, Heard]) -> None:
    client, _, heard = served
    client.send("DELETE", "manifests/nothing")
    client.put("v1", b"{}")
    client.send("GET", "manifests/nothing")
    digest = client.push_image("v1").digest
    assert heard.wait(1) == [("push", "v1", digest)]


def test_what_is_told_is_in_the_records_already(served: tuple[HubClient, App, Heard]) -> None:
    client, app, heard = served
    seen: list[bool] = []
    app.hub.events.listen(lambda batch: seen.extend(_is_there(app, event) for event in batch))
    client.push_image("v1")
    heard.wait(1)
    app.hub.events.close()
    assert seen == [True]


def test_a_listener_that_fails_or_waits_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    events, heard, free = Events(), Heard(), threading.Event()

    def fail(_batch: Sequence[Happened]) -> None:
        free.wait(SOON)
        raise ValueError("the listener's own fault")

    events.listen(fail)
    events.listen(heard)
    for number in range(1000):
        events.tell(Happened("push", "app", str(number)))
    free.set()
    events.close()
    assert [event.reference for event in heard.events] == [str(number) for number in range(1000)]
    assert "a listener failed" in caplog.text


def _is_there(app: App, event: Happened) -> bool:
    return app.hub.manifests.find_manifest(event.repository, event.reference) is not None
