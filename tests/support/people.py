"""People for tests of the hub: quick to make, all with the same password."""

from __future__ import annotations

from capas.hub.people.access import Identity, Scope
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By
from capas.hub.people.tokens import NewToken, create_token, find_bearer
from capas.hub.records.changes import note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import users

PASSWORD = "correct horse battery"
DAY_NS = 24 * 3600 * 1_000_000_000
NOW_NS = 1_700_000_000 * 1_000_000_000
KEEPER = By("keeper", "192.0.2.1", NOW_NS)


def person(database: Database, name: str, *, is_admin: bool = False, password: str | None = None) -> Identity:
    """A user; without a password nothing slow is done."""
    made = create_user(database, NewUser(name, password, is_admin=is_admin), KEEPER)
    return Identity(name, made.number, is_admin)


def bearer(database: Database, namespace: str, name: str, *scopes: tuple[str, str], **options: object) -> Identity:
    """Who comes with a new token of the namespace; `kind`, `days` as in NewToken."""
    bounds = tuple(Scope(pattern, role) for pattern, role in scopes) or None  # type: ignore[arg-type]
    new = NewToken(namespace, name, bounds, **options)  # type: ignore[arg-type]
    shown = create_token(database, new, name.rjust(64, "0"), KEEPER)
    found = find_bearer(database, "", shown, NOW_NS)
    assert found is not None
    return found


def repository(database: Database, name: str, owner: Identity | None, *, is_public: bool = False) -> int:
    """A repository that is there, empty."""
    whose = owner.user if owner else None
    line = repositories.insert().values(name=name, namespace=whose, is_public=is_public)

    def make(db):  # type: ignore[no-untyped-def]
        number = db.execute(line.returning(repositories.c.id)).scalar_one()
        note_change(database, db, "rights")
        return number

    return int(database.write(make))


def password_of(database: Database, identity: Identity) -> str:
    """The password as the records hold it."""
    wanted = users.select().where(users.c.id == identity.user)
    return str(database.read(lambda db: db.execute(wanted).one().password))
