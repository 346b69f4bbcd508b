"""Keeping the words of repositories: what a search looks in, written with what it is about."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from capas.hub.records.database import Database
from capas.hub.records.tables.finding import postings, spellings
from capas.hub.records.tables.images import repositories
from capas.hub.records.words import NAME, Named, places_of, short_of, spellings_of, split


def index_repository(database: Database, db: Connection, repository: int, named: Named) -> None:
    """Have it found by these words, and by no others. Part of the caller's transaction."""
    places = places_of(named)
    mine = postings.c.repository == repository
    held = {(word, place) for word, place in db.execute(select(postings.c.word, postings.c.place).where(mine))}
    stale = held - set(places.items())
    if stale:
        db.execute(postings.delete().where(mine, postings.c.word.in_([word for word, _ in stale])))
        _forget_spellings(db, [word for word, place in stale if place == NAME])
    fresh = set(places.items()) - held
    new = [{"place": place, "word": word, "repository": repository} for word, place in fresh]
    if new:
        db.execute(postings.insert(), new)
    _spell(database, db, named.name)
    db.execute(repositories.update().where(repositories.c.id == repository).values(short=short_of(named.name)))


def _spell(database: Database, db: Connection, name: str) -> None:
    forms = [{"spelling": form, "word": word} for word in set(split(name)) for form in spellings_of(word)]
    if forms:
        db.execute(database.insert(spellings).on_conflict_do_nothing(), forms)


def _forget_spellings(db: Connection, words: list[str]) -> None:
    """Drop the spellings of words that no name has any more."""
    named = exists().where(postings.c.word == spellings.c.word, postings.c.place == NAME)
    db.execute(spellings.delete().where(spellings.c.word.in_(words), ~named))
