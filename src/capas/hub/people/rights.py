"""Who may do what: `Rights.authorise`, the one question of all doors, answered from memory while nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true

from capas.hub.people.access import CATALOG, Action, Identity, Role, Scope, allows, highest, lowest, within
from capas.hub.people.names import OFFICIAL, namespace_of
from capas.hub.people.standing import Person, Place, read_bearer, read_person, read_place
from capas.hub.records.changes import RIGHTS, counter
from capas.hub.records.database import Database
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, namespaces

T = TypeVar("T")
_Kept = dict[Hashable, Any]

_OWN = repositories.alias("own")
_MOST = 50_000  # answers kept: beyond it all are forgotten


class Asker(NamedTuple):
    """Who asks, as the records have it now. Neither a person nor a robot: anybody."""

    person: Person | None = None
    robot_of: int | None = None
    scopes: tuple[Scope, ...] | None = None


ANYBODY = Asker()


class Rights:
    """Answers are remembered until a write of rights, by any process, moves their counter on. Safe from any thread."""

    def __init__(self, database: Database, now_ns: Callable[[], int]) -> None:
        self._database = database
        self._now_ns = now_ns
        self._count = counter(database, RIGHTS)
        self._answers: tuple[int, _Kept] = (-1, {})

    def authorise(self, identity: Identity, repository: str, action: Action) -> bool:
        """Whether the identity may do this in the repository, or make it by a push."""
        if identity.access is not None:
            if (repository, action) not in identity.access:
                return False
            identity = identity._replace(access=None)
        kept = self._kept()
        place = self._place(kept, repository)
        if action == "pull" and place.is_public:
            return True
        return allows(_role(self._asker(kept, identity), place, repository), action)

    def knows(self, identity: Identity) -> bool:
        """Whether this person or robot may still come in: neither account nor token was closed."""
        asker = self._asker(self._kept(), identity._replace(access=None))
        return asker.person is not None or asker.robot_of is not None

    def role_of(self, identity: Identity, repository: str) -> Role | None:
        """The role in the repository, there or not; None for no more than anybody's."""
        kept = self._kept()
        return _role(self._asker(kept, identity), self._place(kept, repository), repository)

    def role_in(self, identity: Identity, namespace: str) -> Role | None:
        """The role in a whole namespace, for what belongs to it and to none of its repositories.

        None for whoever comes with a token for certain repositories: it opens nothing else.
        """
        person = self.person_of(identity)
        number = self._remember(self._kept(), ("namespace", namespace), lambda db: _namespace(db, namespace))
        if person is None or number is None:
            return None
        return "owner" if person.is_admin else person.roles.get(number)

    def is_admin(self, identity: Identity) -> bool:
        """Whether it may administer the hub: not with a token for certain repositories."""
        person = self.person_of(identity)
        return person is not None and person.is_admin

    def person_of(self, identity: Identity) -> Person | None:
        """The active person, who comes unbounded; None for robots, tokens for certain repositories, and anybody."""
        asker = self._asker(self._kept(), identity)
        return asker.person if asker.scopes is None else None

    def readable(self, identity: Identity) -> ColumnElement[bool]:
        """The condition on `repositories` that holds for those which the identity may pull from.

        A pass for the list of repositories lists as its bearer may.
        """
        if identity.access is not None and (CATALOG, "pull") in identity.access:
            identity = identity._replace(access=None)
        asker = self._asker(self._kept(), identity)
        public = repositories.c.is_public
        if asker.person is not None and asker.person.is_admin:
            return or_(public, _covered(asker.scopes))
        return or_(public, self._held(asker))

    def held(self, identity: Identity) -> ColumnElement[bool]:
        """The condition that holds for those in which it has a role: its own, its organisations', those granted."""
        return self._held(self._asker(self._kept(), identity))

    @staticmethod
    def _held(asker: Asker) -> ColumnElement[bool]:
        if asker.robot_of is not None:
            return and_(repositories.c.namespace == asker.robot_of, _covered(asker.scopes))
        if asker.person is None:
            return false()
        return and_(_of_roles(asker.person), _covered(asker.scopes))

    def _asker(self, kept: _Kept, identity: Identity) -> Asker:
        if identity.access is not None:
            return ANYBODY  # a pass opens what it was granted, which `authorise` asks for, and nothing else
        number = identity.token
        if number is None:
            return Asker(self._person(kept, identity.user), None, identity.scopes)
        bearer = self._remember(kept, ("token", number), lambda db: read_bearer(db, number))
        if bearer is None or (bearer.expires_ns is not None and bearer.expires_ns <= self._now_ns()):
            return ANYBODY
        if bearer.robot_of is not None:
            return Asker(None, bearer.robot_of, bearer.scopes)
        return Asker(self._person(kept, identity.user), None, bearer.scopes)

    def _person(self, kept: _Kept, number: int | None) -> Person | None:
        return None if number is None else self._remember(kept, ("user", number), lambda db: read_person(db, number))

    def _place(self, kept: _Kept, name: str) -> Place:
        return self._remember(kept, name, lambda db: read_place(db, name))

    def _kept(self) -> _Kept:
        """The answers that still hold. Who goes on with older ones while they are replaced spoils none."""
        count = self._count()
        known, kept = self._answers
        if count != known or len(kept) > _MOST:
            kept = {}
            self._answers = (count, kept)
        return kept

    def _remember(self, kept: _Kept, key: Hashable, ask: Callable[[Connection], T]) -> T:
        if key not in kept:
            kept[key] = self._database.read(ask)
        found: T = kept[key]
        return found


class OpenRights(Rights):
    """Those of an open hub: whoever reaches it may do everything, and nobody has an account."""

    def authorise(self, identity: Identity, repository: str, action: Action) -> bool:
        """Yes."""
        return True

    def role_of(self, identity: Identity, repository: str) -> Role | None:
        """Owner."""
        return "owner"

    def is_admin(self, identity: Identity) -> bool:
        """Yes."""
        return True

    def readable(self, identity: Identity) -> ColumnElement[bool]:
        """All of them."""
        return true()

    def held(self, identity: Identity) -> ColumnElement[bool]:
        """All of them are anybody's."""
        return true()


def _role(asker: Asker, place: Place, name: str) -> Role | None:
    if asker.robot_of is not None:
        return within(asker.scopes, name) if place.namespace == asker.robot_of else None
    person = asker.person
    if person is None:
        return None
    role = _of_admin(place, name) if person.is_admin else _of_person(person, place)
    return role if asker.scopes is None or role is None else lowest(role, within(asker.scopes, name))


def _of_person(person: Person, place: Place) -> Role | None:
    by_teams = [role for team, role in place.teams.items() if team in person.teams]
    whole = person.roles.get(place.namespace) if place.namespace is not None else None
    return highest(whole, place.people.get(person.number), *by_teams)


def _of_admin(place: Place, name: str) -> Role | None:
    """An administrator owns what is there, and what may come: in `library/`, or where somebody has that name."""
    may_come = place.number is not None or place.namespace is not None or namespace_of(name) == OFFICIAL
    return "owner" if may_come else None


def _of_roles(person: Person) -> ColumnElement[bool]:
    """One list of numbers rather than an OR of two conditions: PostgreSQL begins with it where it is short."""
    c = grants.c
    granted = select(c.repository).where(or_(c.user == person.number, c.team.in_(list(person.teams))))
    own = select(_OWN.c.id).where(_OWN.c.namespace.in_(list(person.roles)))
    return repositories.c.id.in_(own.union(granted))


def _covered(scopes: tuple[Scope, ...] | None) -> ColumnElement[bool]:
    if scopes is None:
        return true()
    patterns = (scope.repositories.replace("/", "//").replace("_", "/_").replace("*", "%") for scope in scopes)
    return or_(false(), *(repositories.c.name.like(pattern, escape="/") for pattern in patterns))


def _namespace(db: Connection, name: str) -> int | None:
    found: int | None = db.execute(select(namespaces.c.id).where(namespaces.c.name == name)).scalar()
    return found
