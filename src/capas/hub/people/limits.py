"""The limit on guesses: after some failed logins each further one has to wait, longer and longer.

Failures are counted by name and by address, in the records: several processes count together, and a restart forgets
nothing. Names are counted whether or not anybody has them, and a right password has to wait as a wrong one, so the
limit tells nothing of either. An attempt is counted before it is judged: many at once gain nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple

from sqlalchemy import Connection, select

from capas.errors import Exhausted
from capas.hub.records.database import Database
from capas.hub.records.tables.people import failures
from capas.hub.spans import SECOND_NS

_LONGEST_SECONDS = 15 * 60
_FORGET_NS = 24 * 3600 * SECOND_NS


class TooMany(Exhausted):
    """Too many failed logins: `seconds` is how long to wait."""

    seconds: int


class Counted(NamedTuple):
    """What failures are counted by, and how many are free."""

    who: str
    free: int


def counted_by(name: str, address: str) -> tuple[Counted, ...]:
    """The name and the address of an attempt. The name only as a digest: passwords are typed there by mistake."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    by_name = Counted(f"name:{digest}", 5)
    return (by_name, Counted(f"address:{_network(address)}", 20)) if address else (by_name,)


def begin_attempt(database: Database, by: Iterable[Counted], now_ns: int) -> None:
    """Count an attempt, as failed for now. Raises: TooMany for one that has to wait."""

    def begin(db: Connection) -> int:
        counts = {one: _count(db, one.who, now_ns) for one in by}
        wait = max(_wait(one.free, *counts[one], now_ns) for one in counts)
        if wait == 0:
            db.execute(failures.delete().where(failures.c.last_ns < now_ns - _FORGET_NS))
            for one, (count, _) in counts.items():
                values = {"count": count + 1, "last_ns": now_ns}
                line = database.insert(failures).values(who=one.who, **values)
                db.execute(line.on_conflict_do_update(index_elements=["who"], set_=values))
        return wait

    seconds = database.write(begin, durable=False)
    if seconds:
        raise TooMany("too many failed logins: try again in {seconds} s", seconds=seconds)


def end_attempt(database: Database, by: Iterable[Counted]) -> None:
    """It was the right password: the name's failures are forgotten, the address has one less."""
    name, *others = (one.who for one in by)
    c = failures.c

    def end(db: Connection) -> None:
        db.execute(failures.delete().where(c.who == name))
        db.execute(failures.update().where(c.who.in_(others), c.count > 0).values(count=c.count - 1))

    database.write(end, durable=False)


def _count(db: Connection, who: str, now_ns: int) -> tuple[int, int]:
    """How many failed, and when the last one."""
    c = failures.c
    wanted = select(c.count, c.last_ns).where(c.who == who, c.last_ns > now_ns - _FORGET_NS)
    count, last_ns = db.execute(wanted.with_for_update()).one_or_none() or (0, 0)
    return count, last_ns


def _wait(free: int, count: int, last_ns: int, now_ns: int) -> int:
    """Seconds from now: 1, 2, 4, … after the free ones, 15 minutes at most."""
    if count < free:
        return 0
    delay: int = min(1 << min(count - free, 20), _LONGEST_SECONDS)
    return max(0, -((now_ns - last_ns - delay * SECOND_NS) // SECOND_NS))


def _network(address: str) -> str:
    """What one client is likely to have: an IPv4 address, 64 bits of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    if found.version == 4:
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped) if mapped else found.exploded[:19]
