"""Keeping to the policies: a plan made, or made and carried out, of one repository in one transaction."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, select

from capas.errors import CapasError, Unsupported
from capas.hub.events import Happened
from capas.hub.hub import Hub
from capas.hub.keeping.place import Place, get_repository_place
from capas.hub.keeping.plan import Plan, Repository, Stored, Tag, Verdict, make_plan
from capas.hub.keeping.policy import Policy, find_effective
from capas.hub.people.audit import By, note
from capas.hub.records.immutable import list_patterns
from capas.hub.records.manifests import note_untagged
from capas.hub.records.tables.images import manifests, repositories, tags
from capas.hub.records.tables.keeping import retention
from capas.hub.spans import SECOND_NS
from capas.oci import media
from capas.oci.manifest import Index, parse_manifest

_HOUR_NS = 3600 * SECOND_NS
_M, _T = manifests.c, tags.c
ACTOR = "retention"


def preview(hub: Hub, name: str, policy: Policy | None = None) -> Plan:
    """What the policy that holds there, or another one, would do. Nothing is changed. Raises: NotFound."""
    return hub.database.read(lambda db: _plan(hub, db, get_repository_place(db, name), policy))


def sweep(hub: Hub, name: str, by: By) -> Plan:
    """Do it. Raises: NotFound; Unsupported where this hub does not delete."""
    if not hub.options.delete:
        raise Unsupported("this hub does not delete")
    if not (plan := preview(hub, name)).going:
        return plan
    plan, told = hub.database.write(lambda db: _sweep(hub, db, get_repository_place(db, name), by))
    for event in told:
        hub.tell(event)
    return plan


def sweep_due(hub: Hub, every_hours: int) -> list[str]:
    """Keep to every policy that was not kept to for so long; in which repositories something went.

    Of several processes one takes each policy up.
    """
    now_ns = hub.now_ns()
    before_ns = now_ns - every_hours * _HOUR_NS
    if not hub.options.delete or every_hours <= 0 or not hub.database.read(lambda db: _list_due(db, before_ns)):
        return []
    names = hub.database.write(lambda db: _claim(db, before_ns, now_ns), durable=False)
    return [name for name in names if _sweep_quietly(hub, name)]


def _sweep_quietly(hub: Hub, name: str) -> bool:
    """Whether something went. What goes wrong is logged: the next repository's turn comes all the same."""
    try:
        plan = sweep(hub, name, By(ACTOR, "", hub.now_ns()))
    except CapasError as error:
        logging.getLogger("capas.hub").warning("retention in %s: %s", name, error)
        return False
    return bool(plan.going)


def _list_due(db: Connection, before_ns: int) -> list[int]:
    return list(db.execute(select(retention.c.id).where(retention.c.ran_ns <= before_ns)).scalars())


def _claim(db: Connection, before_ns: int, now_ns: int) -> list[str]:
    """The repositories whose turn it is, now ours."""
    due = _list_due(db, before_ns)
    c, r = repositories.c, retention.c
    held = (r.repository == c.id) | (r.namespace == c.namespace)
    names = select(c.name).join(retention, held).where(r.id.in_(due)).distinct().order_by(c.name)
    found = list(db.execute(names).scalars())
    db.execute(retention.update().where(r.id.in_(due)).values(ran_ns=now_ns))
    return found


def list_ruled(db: Connection) -> list[str]:
    """The repositories in which a policy holds, by name."""
    c, r = repositories.c, retention.c
    held = (r.repository == c.id) | (r.namespace == c.namespace)
    return list(db.execute(select(c.name).join(retention, held).distinct().order_by(c.name)).scalars())


def _plan(hub: Hub, db: Connection, place: Place, policy: Policy | None = None) -> Plan:
    chosen = policy or find_effective(db, place) or Policy()
    return make_plan(chosen, _read(hub, db, place))


def _read(hub: Hub, db: Connection, place: Place) -> Repository:
    number = place.repository or 0
    held = select(_T.name, _T.digest, _T.pushed_ns, _T.pulled_ns).where(_T.repository == number)
    plain = select(_M.digest, _M.pushed_ns, _M.untagged_ns, _M.subject).where(_M.repository == number)
    listing = select(_M.digest, _M.media_type, _M.data)
    listing = listing.where(_M.repository == number, _M.media_type.in_(media.INDEXES))
    children = {row.digest: _children(row.data, row.media_type) for row in db.execute(listing)}
    return Repository(
        tags=[Tag(*row) for row in db.execute(held)],
        manifests=[Stored(*row, children.get(row.digest, ())) for row in db.execute(plain)],
        patterns=list_patterns(db, number),
        now_ns=hub.now_ns(),
        grace_ns=hub.options.grace_seconds * SECOND_NS,
    )


def _children(data: bytes, media_type: str) -> tuple[str, ...]:
    """What an index lists, by its own bytes."""
    document = parse_manifest(data, media_type)
    return tuple(child.digest for child in document.manifests) if isinstance(document, Index) else ()


def _sweep(hub: Hub, db: Connection, place: Place, by: By) -> tuple[Plan, list[Happened]]:
    """The plan is made anew where nobody writes besides: what it rests on cannot change before it is carried out."""
    plan = _plan(hub, db, place)
    number = place.repository or 0
    for one in plan.going:
        _delete(db, number, one, by.now_ns)
    told = [Happened("untag" if one.tag else "delete", place.name, one.tag, one.digest, by.name, by.now_ns)
            for one in plan.going]  # fmt: skip
    for event in told:
        hub.manifests.changed(db, event)
    if told:
        counts = {"tags": sum(bool(one.tag) for one in plan.going), "manifests": sum(not one.tag for one in plan.going)}
        note(db, by, "retention.sweep", place.name, detail={**counts, "gone": [one.tag for one in plan.going][:100]})
    return plan, told


def _delete(db: Connection, repository: int, one: Verdict, now_ns: int) -> None:
    if one.tag:
        db.execute(tags.delete().where(_T.repository == repository, _T.name == one.tag))
        note_untagged(db, repository, one.digest, now_ns)
    else:
        db.execute(manifests.delete().where(_M.repository == repository, _M.digest == one.digest))
