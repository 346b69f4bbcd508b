"""One run of a rule: what there is at the source, tag by tag to the target; a tag that fails does not stop the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from capas.errors import CapasError, Interrupted, NotFound
from capas.hub.copying.replication.bringing import Bringing
from capas.hub.copying.replication.choice import choose_tags
from capas.hub.copying.replication.remote import open_client, open_repository
from capas.hub.copying.replication.rules import Rule, find_rule
from capas.hub.copying.replication.runs import (
    BEAT_SECONDS,
    Item,
    Run,
    beat,
    end,
    list_replicated,
    note_item,
    note_replicated,
)
from capas.hub.copying.replication.sending import Sending
from capas.hub.hub import Hub
from capas.registry.client import Client
from capas.settings import Settings

_EVERY = 1_000_000
_WILD = frozenset("*?[")
Tell = Callable[[Item], None]


class Direction(Protocol):
    """How tags go from the source to the target."""

    def copy(self, name: str, reference: str) -> Item:
        """One tag, or one digest."""

    def delete(self, name: str, tag: str, digest: str, others: list[str]) -> Item:
        """One tag that is gone at the source."""


def replicate(
    hub: Hub,
    run: Run,
    holder: str,
    settings: Settings,
    *,
    tell: Tell = lambda item: None,
    stopping: threading.Event | None = None,
) -> None:
    """Do a run that was claimed by `holder`, to its end, which is noted. Never raises for what goes wrong in it.

    `stopping`, once set, ends it early: it waits for its next try then.
    """
    error = ""
    with _beating(hub, run, holder, stopping or threading.Event()) as check:
        try:
            rule = hub.database.read(lambda db: find_rule(db, run.rule))
            if rule is not None:
                client = open_client(hub, rule, settings)
                try:
                    _Running(hub, run, rule, client, check=check, tell=tell).all()
                finally:
                    client.close()
        except CapasError as problem:
            error = str(problem)
        except Exception as problem:
            logging.getLogger("capas.hub").exception("replication run %d", run.number)
            error = f"{type(problem).__name__}: the hub's log says more"
    hub.database.write(lambda db: end(db, run, holder, error, hub.now_ns()))


class _Running:
    """A run under way. `tell` hears of each tag."""

    def __init__(
        self, hub: Hub, run: Run, rule: Rule, client: Client, *, check: Callable[[], None], tell: Tell
    ) -> None:
        self._hub = hub
        self._run = run
        self._rule = rule
        self._client = client
        self._check = check
        self._tell = tell
        kind = Sending if rule.direction == "push" else Bringing
        self._way: Direction = kind(hub, rule, client, check)

    def all(self) -> None:
        """Everything in the run's scope."""
        repository, _, tag = self._run.scope.rpartition(":")
        if "@" in self._run.scope:
            repository, _, digest = self._run.scope.partition("@")
            self._one(lambda: self._way.copy(repository, digest), repository, digest)
        elif tag:
            self._repository(repository, only=tag)
        else:
            for name in self._repositories():
                try:
                    self._repository(name)
                except Interrupted:
                    raise
                except CapasError as error:
                    self._done(Item(name, "", "", "failed", why=str(error)))
            self._delete_gone_repositories()

    def _repository(self, name: str, only: str = "") -> None:
        rule, hub = self._rule, self._hub
        try:
            tags = self._tags(name)
        except NotFound:
            tags = []
        chosen = choose_tags(tags, rule.tags, rule.newest)
        for tag in chosen if not only else [tag for tag in chosen if tag == only]:
            item = self._one(partial(self._way.copy, name, tag), name, tag)
            if item is not None:
                self._remember(name, tag, item.digest)
        if rule.deletes:
            known = hub.database.read(lambda db: list_replicated(db, rule.number, name))
            self._delete(name, known, there=set(tags), only=only)

    def _delete_gone_repositories(self) -> None:
        """What this rule copied of repositories that are no more."""
        if not self._rule.deletes:
            return
        known = self._hub.database.read(lambda db: list_replicated(db, self._rule.number))
        present = set(self._repositories())
        for name in dict.fromkeys(one[0] for one in known if one[0] not in present):
            self._delete(name, [one for one in known if one[0] == name], there=set())

    def _delete(self, name: str, known: list[tuple[str, str, str]], *, there: set[str], only: str = "") -> None:
        """Tags of ours that are gone at the source. What this rule did not put at the target it does not touch."""
        digests = {tag: digest for _, tag, digest in known}
        for tag in [tag for tag in digests if tag not in there and only in ("", tag)]:
            others = [one for one, digest in digests.items() if one != tag and digest == digests[tag] and one in there]
            if self._one(partial(self._way.delete, name, tag, digests[tag], others), name, tag) is not None:
                self._remember(name, tag, None)

    def _repositories(self) -> list[str]:
        rule = self._rule
        if rule.direction == "push":
            return [one for one in self._hub.manifests.list_repositories("", _EVERY) if rule.covers(one)]
        plain = [one for one in rule.repositories if not _WILD & set(one)]
        above = f"{rule.source_prefix}/" if rule.source_prefix else ""
        if len(plain) == len(rule.repositories):
            return [above + one for one in plain]
        catalog = self._client.registry(rule.host).list_catalog()
        return [one for one in catalog if rule.covers(one)]

    def _tags(self, name: str) -> list[str]:
        if self._rule.direction == "push":
            return self._hub.manifests.list_tags(name, "", _EVERY)
        return open_repository(self._client, self._rule, name).list_tags()

    def _one(self, work: Callable[[], Item], name: str, reference: str) -> Item | None:
        """One tag; what went wrong with it is noted, and the run goes on."""
        self._check()
        try:
            item = work()
        except Interrupted:
            raise
        except CapasError as error:
            item = Item(name, reference, "", "failed", why=f"{error}" + (f" ({error.hint})" if error.hint else ""))
        self._done(item)
        return None if item.outcome == "failed" else item

    def _done(self, item: Item) -> None:
        self._note(lambda db: note_item(db, self._run.number, item))
        self._tell(item)

    def _remember(self, name: str, tag: str, digest: str | None) -> None:
        self._note(lambda db: note_replicated(db, self._rule.number, name, tag, digest))

    def _note(self, work: Callable[..., None]) -> None:
        self._hub.database.write(work, durable=False)


@contextmanager
def _beating(hub: Hub, run: Run, holder: str, stopping: threading.Event) -> Iterator[Callable[[], None]]:
    """A block in which others are told that the run goes on. Its check raises Interrupted once it is not ours."""
    ended, lost = threading.Event(), threading.Event()

    def go_on() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                if not hub.database.write(lambda db: beat(db, run.number, holder, hub.now_ns()), durable=False):
                    lost.set()
            except CapasError:
                continue  # the records cannot be reached now: the next beat will tell

    def check() -> None:
        if stopping.is_set():
            raise Interrupted("the hub is ending")
        if lost.is_set():
            raise Interrupted("the run went on without us: it is another process's now")

    thread = threading.Thread(target=go_on, name="replication beat", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        ended.set()
        thread.join()
