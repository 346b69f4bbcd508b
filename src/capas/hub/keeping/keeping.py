"""The parts of the hub that keep images: made with it, working while it serves."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from capas.hub.events import Happened
from capas.hub.keeping.delivering import Deliverer
from capas.hub.keeping.outbox import queue
from capas.hub.keeping.webhooks import Desk
from capas.hub.outside import Outside
from capas.hub.records.database import Database
from capas.hub.seal import Seal


class Keeping:
    """Webhooks: the desk where they are set, and the deliverer."""

    def __init__(self, database: Database, seal: Seal, outside: Outside, clock_and_dice: _Given) -> None:
        now_ns, new_token = clock_and_dice
        self.desk = Desk(seal, outside)
        self.deliverer = Deliverer(database, outside, self.desk.open, now_ns, new_token)

    def start(self) -> None:
        """Begin to work in the background."""
        self.deliverer.start()

    def close(self) -> None:
        """End after what is under way."""
        self.deliverer.close()


_Given = tuple[Callable[[], int], Callable[[], str]]


def outbox(new_token: Callable[[], str]) -> Callable[[Connection, Happened], None]:
    """What a change of manifests does in its own transaction, so that whoever is owed news of it is not forgotten."""
    return lambda db, event: queue(db, event, new_token)
