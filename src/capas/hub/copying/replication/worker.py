"""The worker of a process: queues what happens and what the clock says, and does the runs that nobody else does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from sqlalchemy import Connection

from capas.errors import CapasError
from capas.hub.copying.replication.choice import matches
from capas.hub.copying.replication.replicate import replicate
from capas.hub.copying.replication.rules import Rule, list_rules
from capas.hub.copying.replication.runs import Run, claim, enqueue, enqueue_due
from capas.hub.events import Happened
from capas.hub.hub import Hub
from capas.oci.manifest import parse_manifest
from capas.settings import Settings, load_settings

_LOOK_SECONDS = 2.0


def start_worker(hub: Hub) -> Worker:
    """The worker of this process, at work."""
    worker = Worker(hub, load_settings())
    worker.start()
    return worker


class Worker:
    """One thread. Others of other processes do the same beside it; a run is done by one."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        self._hub = hub
        self._settings = settings
        self._holder = hub.new_token()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._log = logging.getLogger("capas.hub")
        self._thread = threading.Thread(target=self._run, name="replication", daemon=True)

    def start(self) -> None:
        """Begin, and hear of what happens."""
        self._hub.events.listen(self.hear)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def close(self) -> None:
        """End; the run under way stops, and waits for another process or the next start."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def hear(self, events: Sequence[Happened]) -> None:
        """Queue the runs that events start. For the thread of events."""
        changes = [event for event in events if event.kind in ("push", "untag")]
        rules = self._rules() if changes else []
        scopes = {(rule.number, scope) for event in changes for rule in rules if (scope := self._scope(rule, event))}
        if scopes:
            self._hub.database.write(lambda db: self._enqueue(db, sorted(scopes)))
            self.wake()

    def _rules(self) -> list[Rule]:
        found = self._hub.database.read(list_rules)
        return [rule for rule in found if rule.is_active and rule.on_event and rule.direction == "push"]

    def _scope(self, rule: Rule, event: Happened) -> str:
        """What of the source the event is about, empty where it is none of the rule's business."""
        if not rule.covers(event.repository) or (event.kind == "untag" and not rule.deletes):
            return ""
        if event.reference:
            return f"{event.repository}:{event.reference}" if matches(event.reference, rule.tags) else ""
        found = self._hub.manifests.find_manifest(event.repository, event.digest)
        document = parse_manifest(found.data, found.media_type) if found else None
        return f"{event.repository}@{event.digest}" if document is not None and document.subject else ""

    def _enqueue(self, db: Connection, scopes: list[tuple[int, str]]) -> None:
        for rule, scope in scopes:
            enqueue(db, rule, "event", scope, self._hub.now_ns())

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                run = self._next()
            except CapasError as error:
                self._log.warning("replication: %s", error)
                run = None
            if run is None:
                self._wake.wait(_LOOK_SECONDS)
                self._wake.clear()
            else:
                replicate(self._hub, run, self._holder, self._settings, stopping=self._ended)

    def _next(self) -> Run | None:
        """The run that is ours now."""
        now_ns = self._hub.now_ns()
        database = self._hub.database
        if not database.read(list_rules):
            return None

        def take(db: Connection) -> Run | None:
            enqueue_due(db, now_ns)
            return claim(db, self._holder, now_ns)

        return database.write(take)
