"""Links that let in once: the first start's, an invitation's, one for a forgotten password.

A link is shown once, when it is made; the records hold its SHA-256. Looking at it uses nothing up (what previews links
does that); it dies in the very transaction that makes the account or sets the password.
"""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

from sqlalchemy import Connection, exists, select

from capas.errors import NotFound
from capas.hub.people.accounts import NewUser, User, add_user, change_password, get_user, number_of
from capas.hub.people.audit import By, note
from capas.hub.people.passwords import check_new, digest_password
from capas.hub.records.database import Database
from capas.hub.records.tables.people import invitations, users
from capas.hub.spans import DAY_NS

Purpose = Literal["setup", "invite", "reset"]

LIFE_NS = 7 * DAY_NS


class Link(NamedTuple):
    """What a link is for. `user`: whose password it sets."""

    purpose: Purpose
    user: User | None


_I = invitations.c


def offer_setup(database: Database, secret: str, now_ns: int) -> bool:
    """Make the link of the first administrator, in the place of earlier ones; whether there is none yet."""

    def offer(db: Connection) -> bool:
        db.execute(invitations.delete().where((_I.purpose == "setup") | (_I.expires_ns <= now_ns)))
        if _is_administered(db):
            return False
        _add(db, secret, "setup", None, now_ns)
        return True

    return database.write(offer)


def make_link(database: Database, secret: str, name: str | None, by: By) -> Purpose:
    """A link for somebody new, or for the password of `name`, whose earlier ones die. Raises: NotFound."""

    def make(db: Connection) -> Purpose:
        purpose: Purpose = "invite" if name is None else "reset"
        number = None if name is None else number_of(db, name)
        db.execute(invitations.delete().where(_I.expires_ns <= by.now_ns))
        if number is not None:
            db.execute(invitations.delete().where(_I.user == number))
        _add(db, secret, purpose, number, by.now_ns)
        note(db, by, f"link.{purpose}", name or "")
        return purpose

    return database.write(make)


def find_link(database: Database, secret: str, now_ns: int) -> Link:
    """What the link is for. Raises: NotFound for one that is not there any more."""
    return database.read(lambda db: _find(db, secret, now_ns))


def accept(database: Database, secret: str, new: NewUser, by: By) -> User:
    """Make the account of an invitation, or the administrator's of the first start. The link dies.

    Raises: NotFound; Invalid, AlreadyExists for what can be given again.
    """
    find_link(database, secret, by.now_ns)  # before anything that takes long
    kept = digest_password(check_new(new.password or "", new.name))

    def make(db: Connection) -> User:
        link = _take(db, secret, by.now_ns)
        if link.user is not None:
            raise _gone()
        first = link.purpose == "setup"
        return add_user(database, db, new._replace(is_admin=first), kept, by, adopt=first)

    return database.write(make)


def reset_password(database: Database, secret: str, password: str, by: By) -> User:
    """Set the password that the link is for. The link dies. Raises: NotFound; Invalid."""
    link = find_link(database, secret, by.now_ns)
    kept = digest_password(check_new(password, link.user.name if link.user else ""))

    def change(db: Connection) -> User:
        user = _take(db, secret, by.now_ns).user
        if user is None:
            raise _gone()
        change_password(db, user, kept, by._replace(name=user.name))
        return user

    return database.write(change)


def _add(db: Connection, secret: str, purpose: Purpose, user: int | None, now_ns: int) -> None:
    row = {"secret": _digest(secret), "purpose": purpose, "user": user, "expires_ns": now_ns + LIFE_NS}
    db.execute(invitations.insert().values(row))


def _find(db: Connection, secret: str, now_ns: int) -> Link:
    wanted = select(_I.purpose, _I.user).where(_I.secret == _digest(secret), _I.expires_ns > now_ns)
    row = db.execute(wanted).one_or_none()
    if row is None or (row.purpose == "setup" and _is_administered(db)):
        raise _gone()
    return Link(row.purpose, None if row.user is None else get_user(db, row.user))


def _is_administered(db: Connection) -> bool:
    return bool(db.execute(select(exists().where(users.c.is_admin, users.c.is_active))).scalar())


def _take(db: Connection, secret: str, now_ns: int) -> Link:
    """Of several at once one gets it."""
    found = _find(db, secret, now_ns)
    if not db.execute(invitations.delete().where(_I.secret == _digest(secret))).rowcount:
        raise _gone()
    return found


def _gone() -> NotFound:
    return NotFound("this link was used already, or has expired", hint="ask an administrator of the hub for another")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
