"""Secrets that let in without a password: a person's access tokens, and the robots of a namespace.

A token is shown once, when it is made; the records hold its SHA-256. It has 256 random bits, so that needs no salt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.hub.people.access import Identity, Role, Scope
from capas.hub.people.audit import By, note
from capas.hub.people.names import check_name, check_pattern, namespace_of
from capas.hub.people.namespaces import ORGANISATION, USER
from capas.hub.people.scopes import read_scopes, write_scopes
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.people import namespaces, tokens, users
from capas.hub.spans import DAY_NS

PREFIX = "capas_"  # so that scanners of published code know one when they see it
PERSONAL, ROBOT = "personal", "robot"
_USED_NS = 60 * 1_000_000_000  # how exactly it is known when a token was last used


class Token(NamedTuple):
    """A token without its secret. `scopes`: None for all that its person may do. `used_ns`: 0 for never."""

    number: int
    namespace: str
    name: str
    kind: str
    scopes: tuple[Scope, ...] | None
    created_ns: int
    expires_ns: int | None
    used_ns: int

    @property
    def login(self) -> str:
        """The name that it logs in with."""
        return f"{self.namespace}+{self.name}" if self.kind == ROBOT else self.namespace


class NewToken(NamedTuple):
    """A token to be made, of a person or an organisation (`namespace`)."""

    namespace: str
    name: str
    scopes: tuple[Scope, ...] | None
    days: int | None = None  # from now; None: until it is revoked
    kind: str = PERSONAL


_T, _N = tokens.c, namespaces.c
_TOKEN = select(_T.id, _N.name, _T.name, _T.kind, _T.scopes, _T.created_ns, _T.expires_ns, _T.used_ns).join_from(
    tokens, namespaces, _T.namespace == _N.id
)


def create_token(database: Database, new: NewToken, secret: str, by: By) -> str:
    """Make it of fresh random text (`secret`) and give what its bearer shows.

    Raises: Invalid, NotFound, AlreadyExists.
    """
    check_name(new.name)
    scopes = _check_scopes(new)
    if new.days is not None and not 0 < new.days <= 3660:
        raise Invalid("a token lasts from 1 to 3660 days")
    shown = PREFIX + secret

    def create(db: Connection) -> None:
        kinds = (USER,) if new.kind == PERSONAL else (USER, ORGANISATION)
        owner = db.execute(select(_N.id).where(_N.name == new.namespace, _N.kind.in_(kinds))).scalar()
        if owner is None:
            raise NotFound("there is no user or organisation called {name}", name=new.namespace)
        line = database.insert(tokens).values(
            namespace=owner,
            name=new.name,
            kind=new.kind,
            secret=digest_secret(shown),
            scopes=write_scopes(scopes),
            created_ns=by.now_ns,
            expires_ns=by.now_ns + new.days * DAY_NS if new.days else None,
        )
        if db.execute(line.on_conflict_do_nothing().returning(_T.id)).scalar() is None:
            raise AlreadyExists("there is one called {name} already", name=new.name, hint="choose another name")
        note_change(database, db, RIGHTS)
        detail: dict[str, object] = {"scopes": scopes and [":".join(scope) for scope in scopes], "days": new.days}
        note(db, by, f"{_noun(new.kind)}.create", f"{new.namespace}+{new.name}", detail=detail)

    database.write(create)
    return shown


def list_tokens(database: Database, namespace: str, kind: str) -> list[Token]:
    """Those of a person or an organisation, by name."""
    theirs = _TOKEN.where(_N.name == namespace, _T.kind == kind).order_by(_T.name)
    return database.read(lambda db: [_token(row) for row in db.execute(theirs).all()])


def revoke_token(database: Database, namespace: str, kind: str, name: str, by: By) -> None:
    """It lets nobody in any more, at once. Raises: NotFound."""

    def revoke(db: Connection) -> None:
        owner = select(_N.id).where(_N.name == namespace).scalar_subquery()
        gone = tokens.delete().where(_T.namespace == owner, _T.kind == kind, _T.name == name)
        if not db.execute(gone).rowcount:
            raise NotFound("there is no token called {name}", name=name)
        note_change(database, db, RIGHTS)
        note(db, by, f"{_noun(kind)}.revoke", f"{namespace}+{name}")

    database.write(revoke)


def find_bearer(database: Database, login: str, shown: str, now_ns: int) -> Identity | None:
    """Who comes with this token as the password of `login`; None where it is not (or no longer) a token of that name.

    For a robot `login` is `namespace+name`, for a person its name. An empty one takes the token alone.
    """
    if not shown.startswith(PREFIX):
        return None
    wanted = _TOKEN.add_columns(users.c.id, users.c.is_admin, users.c.is_active).outerjoin(
        users, users.c.id == _T.namespace
    )
    row = database.read(lambda db: db.execute(wanted.where(_T.secret == digest_secret(shown))).one_or_none())
    if row is None:
        return None
    *_, user, is_admin, is_active = row
    token = _token(row)
    if (token.expires_ns is not None and token.expires_ns <= now_ns) or is_active is False:
        return None
    if login not in ("", token.login):
        return None
    if token.used_ns < now_ns - _USED_NS:
        used = tokens.update().where(_T.id == token.number).values(used_ns=now_ns)
        database.write(lambda db: db.execute(used), durable=False)
    if token.kind == ROBOT:
        return Identity(token.login, None, False, token.scopes, token.number)
    return Identity(token.login, user, bool(is_admin), token.scopes, token.number)


def digest_secret(shown: str) -> str:
    """A secret of many random bits, as it is kept."""
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()


def _check_scopes(new: NewToken) -> tuple[Scope, ...] | None:
    if new.kind == PERSONAL:
        for scope in new.scopes or ():
            check_pattern(scope.repositories)
        if new.scopes == ():
            raise Invalid("a token without repositories opens nothing", hint="give it a pattern and a role")
        return new.scopes
    return _check_robot(new.namespace, new.scopes or ())


def _check_robot(namespace: str, scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    if not scopes:
        raise Invalid("a robot needs repositories that it may use", hint="give it a pattern and a role")
    highest: Role = "maintainer"
    for scope in scopes:
        if namespace_of(check_pattern(scope.repositories)) != namespace:
            raise Invalid(
                "a robot of {namespace} cannot use {pattern}",
                namespace=namespace,
                pattern=scope.repositories,
                hint="its patterns begin with the name of its owner and a slash",
            )
        if scope.role == "owner":
            raise Invalid("a robot is {role} at most: owners are people", role=highest)
    return tuple(scopes)


def _noun(kind: str) -> str:
    return "robot" if kind == ROBOT else "token"


def _token(row: Sequence[Any]) -> Token:
    number, namespace, name, kind, scopes, created_ns, expires_ns, used_ns = row[:8]
    return Token(number, namespace, name, kind, read_scopes(scopes), created_ns, expires_ns, used_ns)
