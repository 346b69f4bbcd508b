"""Who stays logged in: a browser by its cookie, a client like docker's by its identity token (`refresh_token`).

Both are random and kept as their SHA-256 only. A session ends when it is not used for a while, when its person ends it,
and with the account, its password, or the right to come in.
"""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select

from capas.errors import NotFound
from capas.hub.people.access import Identity
from capas.hub.people.audit import By, note
from capas.hub.records.database import Database
from capas.hub.records.tables.people import namespaces, sessions, users
from capas.hub.spans import SECOND_NS

Kind = Literal["page", "client"]

CLIENT_PREFIX = "capas_login_"  # of identity tokens: clients know by it that they are passwords too
PAGE_SECONDS, CLIENT_SECONDS = 14 * 24 * 3600, 90 * 24 * 3600  # without being used
_USED_NS = 3600 * SECOND_NS  # how exactly it is known when a session was last used
_LONGEST = 200


class Session(NamedTuple):
    """A session, as its person sees it. `id` names it and opens nothing."""

    id: str
    kind: Kind
    client: str
    address: str
    created_ns: int
    used_ns: int
    expires_ns: int


_S, _U = sessions.c, users.c


def start_session(db: Connection, user: int, secret: str, kind: Kind, *, client: str, by: By) -> None:
    """The bearer of `secret`, fresh randomness, stays logged in as this user. What has ended is forgotten."""
    db.execute(sessions.delete().where(_S.expires_ns <= by.now_ns))
    line = {
        "secret": _digest(secret), "user": user, "kind": kind, "client": client[:_LONGEST], "address": by.address,
        "created_ns": by.now_ns, "used_ns": by.now_ns, "expires_ns": _end(kind, by.now_ns),
    }  # fmt: skip
    db.execute(sessions.insert().values(line))
    note(db, by, "session.start", by.name, detail={"kind": kind})


def find_session(database: Database, secret: str, kind: Kind, now_ns: int) -> Identity | None:
    """Whose session it is, while it lasts and the account is open; it lasts longer by being used."""
    digest = _digest(secret)
    wanted = select(_U.id, namespaces.c.name, _U.is_admin, _S.used_ns).join_from(sessions, users)
    fit = wanted.join(namespaces, namespaces.c.id == _U.id).where(
        _S.secret == digest, _S.kind == kind, _S.expires_ns > now_ns, _U.is_active
    )
    row = database.read(lambda db: db.execute(fit).one_or_none())
    if row is None:
        return None
    if row.used_ns < now_ns - _USED_NS:
        used = sessions.update().where(_S.secret == digest).values(used_ns=now_ns, expires_ns=_end(kind, now_ns))
        database.write(lambda db: db.execute(used), durable=False)
    return Identity(row.name, row.id, row.is_admin)


def list_sessions(database: Database, user: int, now_ns: int) -> list[Session]:
    """Those that last, the one used last first."""
    columns = select(_S.secret, _S.kind, _S.client, _S.address, _S.created_ns, _S.used_ns, _S.expires_ns)
    theirs = columns.where(_S.user == user, _S.expires_ns > now_ns).order_by(_S.used_ns.desc())
    return database.read(lambda db: [Session(row[0][:16], *row[1:]) for row in db.execute(theirs).all()])


def end_session(database: Database, user: int, id: str, by: By) -> None:
    """It lets nobody in any more, at once. Raises: NotFound."""

    def end(db: Connection) -> None:
        mine = sessions.delete().where(_S.user == user, _S.secret.startswith(id, autoescape=True))
        if len(id) != 16 or not db.execute(mine).rowcount:
            raise NotFound("there is no such session: {id}", id=id[:100])
        note(db, by, "session.end", by.name)

    database.write(end)


def log_out(database: Database, secret: str) -> None:
    """End the session of this cookie, if there is one."""
    database.write(lambda db: db.execute(sessions.delete().where(_S.secret == _digest(secret))))


def name_of(secret: str) -> str:
    """The id of the session with this secret."""
    return _digest(secret)[:16]


def _end(kind: Kind, now_ns: int) -> int:
    return now_ns + (PAGE_SECONDS if kind == "page" else CLIENT_SECONDS) * SECOND_NS


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
