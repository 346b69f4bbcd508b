"""Logging in by name and password, with the limit on guesses around it. For every door."""

from __future__ import annotations

from sqlalchemy import select

from capas.errors import Invalid, Unauthenticated
from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.people.accounts import User, log_in
from capas.hub.people.audit import By, note_alone
from capas.hub.people.limits import begin_attempt, counted_by, end_attempt
from capas.hub.people.proofs import Password, Proofs
from capas.hub.records.database import Database
from capas.hub.records.tables.people import namespaces, users


def check_login(database: Database, proofs: Proofs, password: str, by: By) -> User:
    """The person called `by.name`. Takes long by intent. Raises: Unauthenticated for a wrong password; TooMany."""
    name = by.name
    counted = counted_by(name, by.address)
    begin_attempt(database, counted, by.now_ns)
    user = log_in(database, name, password)
    if user is None:
        proofs.forget_password(name)  # else who guesses would not have to wait where its owner just came in
        note_alone(database, by, "user.login", name, outcome="refused")
        raise Unauthenticated("wrong user name or password")
    end_attempt(database, counted)
    return user


def check_again(database: Database, proofs: Proofs, shown: bytes, *, password: str, by: By) -> Identity:
    """As `check_login`, for a client that sends its password with each request: quick where `shown` was proved before.

    Raises: Unauthenticated; TooMany.
    """
    name = by.name
    found = _find(database, name)
    proof = proofs.passwords.get(shown)
    if found is not None and proof is not None and proof == Password(name, found[1]):
        return found[0]
    user = check_login(database, proofs, password, by)
    found = _find(database, name)
    if found is not None:
        proofs.passwords.keep(shown, Password(name, found[1]))
    return Identity(user.name, user.number, user.is_admin)


def prove(hub: Hub, password: str, by: By) -> None:
    """That who is logged in as `by.name` knows the password too. Raises: Invalid for a wrong one; TooMany."""
    try:
        check_login(hub.database, hub.doors.proofs, password, by)
    except Unauthenticated:
        raise Invalid("the present password is another one") from None


def _find(database: Database, name: str) -> tuple[Identity, str] | None:
    """An open account that has a password, and the password as it is kept."""
    wanted = select(users.c.id, users.c.is_admin, users.c.password).join(namespaces, namespaces.c.id == users.c.id)
    fit = wanted.where(namespaces.c.name == name, users.c.is_active, users.c.password.is_not(None))
    row = database.read(lambda db: db.execute(fit).one_or_none())
    return (Identity(name, row.id, row.is_admin), row.password) if row else None
