"""Delivering what webhooks are owed: one thread that takes up what is due, and a few that speak to receivers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from capas.errors import CapasError
from capas.hub.events import Happened
from capas.hub.keeping.message import sign
from capas.hub.keeping.outbox import Claimed, Outcome, claim, find_due, prune, queue_all, settle
from capas.hub.keeping.webhooks import Target
from capas.hub.outside import Outside
from capas.hub.records.database import Database
from capas.hub.spans import SECOND_NS

if TYPE_CHECKING:
    from urllib3 import PoolManager

_AT_ONCE = 4
_CONNECT_SECONDS, _READ_SECONDS, _LIMIT_SECONDS = 5.0, 10.0, 15.0
_ANSWER_BYTES = 1000
_LOOK_SECONDS = 5.0  # how often to look for what other processes left due
_PRUNE_SECONDS = 3600.0
_IN_TRANSACTION = frozenset({"push", "untag", "delete"})  # queued with the change itself


class Deliverer:
    """Sends until it is closed. Several processes share the work: each delivery is taken up by one."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        open_target: Callable[[bytes], Target],
        now_ns: Callable[[], int],
        new_token: Callable[[], str],
    ) -> None:
        self._database = database
        self._outside = outside
        self._open_target = open_target
        self._now_ns = now_ns
        self._new_token = new_token
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None
        self._manager: PoolManager | None = None
        self._log = logging.getLogger("capas.hub")

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the tries that are under way."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def hear(self, events: Sequence[Happened]) -> None:
        """A listener of the hub's events."""
        queue_all(self._database, [event for event in events if event.kind not in _IN_TRANSACTION], self._new_token)
        self.wake()

    def work_off(self) -> int:
        """Try all that is due now; how many tries."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook") as pool:
            count = 0
            while not self._ended and (claimed := self._claim()):
                for _ in pool.map(self._deliver, claimed):
                    count += 1
            return count

    def _run(self) -> None:
        pruned = 0.0
        while not self._ended:
            self._wake.clear()
            try:
                self.work_off()
                if time.monotonic() - pruned > _PRUNE_SECONDS:
                    pruned = time.monotonic()
                    self._database.write(lambda db: prune(db, self._now_ns()), durable=False)
                wait = self._until_due()
            except CapasError as error:
                self._log.warning("webhooks: %s", error)
                wait = _LOOK_SECONDS
            self._wake.wait(wait)

    def _until_due(self) -> float:
        due = self._database.read(find_due)
        if due is None:
            return _LOOK_SECONDS
        return min(max((due - self._now_ns()) / SECOND_NS, 0.05), _LOOK_SECONDS)

    def _claim(self) -> list[Claimed]:
        """Looked for first without the lock of writers: mostly there is nothing."""
        due = self._database.read(find_due)
        if due is None or due > self._now_ns():
            return []
        return self._database.write(lambda db: claim(db, self._now_ns(), _AT_ONCE), durable=False)

    def _deliver(self, claimed: Claimed) -> None:
        began = time.monotonic_ns()
        status, answer = self._send(claimed)
        outcome = Outcome(status, answer, time.monotonic_ns() - began)
        self._database.write(lambda db: settle(db, claimed, outcome, self._now_ns()))

    def _send(self, claimed: Claimed) -> tuple[int | None, str]:
        """The answer's status and beginning; no status, and why, where there is none."""
        from urllib3.exceptions import HTTPError

        message = claimed.message
        try:
            target = self._open_target(claimed.sealed)
            headers = {"content-type": "application/json", "user-agent": "capas-hub", "x-capas-event": message.event}
            headers |= sign(target.secret, message, self._now_ns() // SECOND_NS)
            self._outside.check_url(target.url)
            response = self._pool().request(
                "POST", target.url, body=message.body.encode(), headers=headers,
                redirect=False, retries=False, preload_content=False,
            )  # fmt: skip
            with response:
                answer = response.read(_ANSWER_BYTES, decode_content=False)
                response.close()
        except CapasError as error:
            return None, str(error)
        except (HTTPError, OSError) as error:
            return None, _why(error)
        return response.status, answer.decode("utf-8", "replace").replace("\0", "")

    def _pool(self) -> PoolManager:
        if self._manager is None:
            import urllib3

            timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
            self._manager = self._outside.manager(limit_seconds=_LIMIT_SECONDS, timeout=timeout)
        return self._manager


def _why(error: Exception) -> str:
    """What went wrong, without objects' addresses."""
    from urllib3 import exceptions as raw

    if isinstance(error, raw.TimeoutError):
        return "it does not answer in time"
    if isinstance(error, raw.SSLError):
        return f"no trusted TLS connection: {error}"[:300]
    return "the connection broke off"
