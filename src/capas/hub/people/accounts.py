"""People's accounts: made, found, let in by password, changed, closed, deleted.

Every change is one transaction with its line in the audit log, and moves the counter of rights on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from capas.errors import Conflict, Invalid, NotFound
from capas.hub.people.audit import By, note
from capas.hub.people.namespaces import USER, add_namespace
from capas.hub.people.namespaces import number_of as namespace_number
from capas.hub.people.passwords import check_new, digest_password, is_old, is_right
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.people import namespaces, sessions, users


class User(NamedTuple):
    """A person. `number` is its key in the records."""

    number: int
    name: str
    display_name: str
    description: str
    email: str
    is_admin: bool
    is_active: bool
    has_password: bool
    created_ns: int


class NewUser(NamedTuple):
    """An account to be made. Without a password it comes in by another door (OIDC, a link)."""

    name: str
    password: str | None = None
    display_name: str = ""
    email: str = ""
    is_admin: bool = False


_N, _U = namespaces.c, users.c
_HAS = _U.password.is_not(None)
_USER = select(
    _U.id, _N.name, _N.display_name, _N.description, _U.email, _U.is_admin, _U.is_active, _HAS, _N.created_ns
).join_from(users, namespaces, _U.id == _N.id)


def create_user(database: Database, new: NewUser, by: By) -> User:
    """Make the account. Takes long by intent where there is a password. Raises: Invalid, AlreadyExists."""
    kept = digest_password(check_new(new.password, new.name)) if new.password is not None else None
    return database.write(lambda db: add_user(database, db, new, kept, by, adopt=True))


def add_user(database: Database, db: Connection, new: NewUser, kept: str | None, by: By, *, adopt: bool) -> User:
    """Make the account; `kept` is its password as the records keep it.

    `adopt`: with the repositories that are nobody's and are called so; not for somebody who chose the name themselves.
    Raises: Invalid, AlreadyExists.
    """
    number = add_namespace(database, db, new.name, USER, by, adopt=adopt)
    db.execute(namespaces.update().where(_N.id == number).values(display_name=new.display_name))
    db.execute(users.insert().values(id=number, email=new.email, password=kept, is_admin=new.is_admin))
    note(db, by, "user.create", new.name, detail={"administrator": new.is_admin})
    return get_user(db, number)


def find_user(database: Database, name: str) -> User | None:
    """By its name."""
    return database.read(lambda db: _user(db.execute(_USER.where(_N.name == name)).one_or_none()))


def get_user(db: Connection, number: int) -> User:
    """By its number. Raises: NotFound."""
    found = _user(db.execute(_USER.where(_U.id == number)).one_or_none())
    if found is None:
        raise NotFound("there is no such user")
    return found


def list_users(database: Database, *, after: str = "", limit: int = 100, words: str = "") -> list[User]:
    """Those whose names sort after `after`, in order; with `words` in name, full name or address if it is not empty."""
    found = _USER.where(_N.name > after)
    if words:
        found = found.where(
            _N.name.contains(words, autoescape=True)
            | _N.display_name.icontains(words, autoescape=True)
            | _U.email.icontains(words, autoescape=True)
        )
    page = found.order_by(_N.name).limit(limit)
    return database.read(lambda db: [User(*row) for row in db.execute(page).all()])


def log_in(database: Database, name: str, password: str) -> User | None:
    """The person, None for a wrong name or password or a closed account. Takes long by intent, and equally for all."""
    row = database.read(
        lambda db: db.execute(select(_U.id, _U.password).join(namespaces).where(_N.name == name)).first()
    )
    if not is_right(password, row.password if row else None) or row is None:
        return None
    if is_old(row.password):
        same = users.update().where(_U.id == row.id, _U.password == row.password)
        again = same.values(password=digest_password(password))
        database.write(lambda db: db.execute(again))
    found = database.read(lambda db: get_user(db, row.id))
    return found if found.is_active else None


def set_password(database: Database, name: str, password: str, by: By) -> None:
    """Another password; sessions in browsers end. Takes long by intent. Raises: Invalid, NotFound."""
    kept = digest_password(check_new(password, name))
    database.write(lambda db: change_password(db, get_user(db, number_of(db, name)), kept, by))


def change_password(db: Connection, user: User, kept: str, by: By) -> None:
    """Another password, as the records keep it; its sessions end."""
    db.execute(users.update().where(_U.id == user.number).values(password=kept))
    db.execute(sessions.delete().where(sessions.c.user == user.number))
    note(db, by, "user.password", user.name)


def set_email(database: Database, name: str, email: str, by: By) -> None:
    """Change the address. Raises: NotFound; Invalid."""
    if email and ("@" not in email[1:-1] or len(email) > 254 or not email.isprintable()):
        raise Invalid("not an address of electronic mail: {email}", email=email[:100])

    def change(db: Connection) -> None:
        db.execute(users.update().where(_U.id == number_of(db, name)).values(email=email))
        note(db, by, "user.profile", name, detail={"changed": ["email"]})

    database.write(change)


def set_admin(database: Database, name: str, is_admin: bool, by: By) -> None:
    """Make an administrator, or no longer. Raises: NotFound; Conflict for the last one."""
    _set_flag(database, name, {"is_admin": is_admin}, "user.promote" if is_admin else "user.demote", by)


def set_active(database: Database, name: str, is_active: bool, by: By) -> None:
    """Open or close the account: closed, nothing of it lets anybody in.

    Raises: NotFound; Conflict for the last administrator.
    """
    _set_flag(database, name, {"is_active": is_active}, "user.enable" if is_active else "user.disable", by)


def _set_flag(database: Database, name: str, values: dict[str, bool], action: str, by: By) -> None:
    def change(db: Connection) -> None:
        number = number_of(db, name)
        if not all(values.values()):
            keep_an_administrator(db, number)
        db.execute(users.update().where(_U.id == number).values(values))
        if values.get("is_active") is False:
            db.execute(sessions.delete().where(sessions.c.user == number))
        note_change(database, db, RIGHTS)
        note(db, by, action, name)

    database.write(change)


def number_of(db: Connection, name: str) -> int:
    """The number of the user with this name. Raises: NotFound."""
    return namespace_number(db, name, USER)


def keep_an_administrator(db: Connection, without: int) -> None:
    """Raises: Conflict if this user is the last active administrator."""
    admins = select(_U.id).where(_U.is_admin, _U.is_active).with_for_update()
    found = set(db.execute(admins).scalars())
    if found == {without}:
        raise Conflict("the hub would be without an administrator", hint="make somebody else an administrator before")


def _user(row: Sequence[Any] | None) -> User | None:
    return User(*row) if row else None
