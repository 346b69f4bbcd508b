"""What a webhook is sent: a JSON body that tells what has happened, and the headers that prove whose it is.

The body has the fields of Docker Hub's webhooks (`push_data`, `repository`) beside ours. The headers are those of
Standard Webhooks (standardwebhooks.com): an id that stays the same when it is sent again, the time, and an HMAC-SHA256
of id, time and body, so that a receiver sees who sent it, that nobody changed it, and that it is not an old one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from capas.hub.events import Happened
from capas.hub.records.tables.images import manifests, repositories
from capas.hub.spans import SECOND_NS

PING = "ping"
_PREFIX = "whsec_"


class Message(NamedTuple):
    """A body, and its name for the receiver."""

    name: str
    event: str
    body: str


def make_message(db: Connection, event: Happened, name: str) -> Message:
    """What is told of an event."""
    seconds = event.at_ns // SECOND_NS
    told: dict[str, Any] = {
        "id": name,
        "event": event.kind,
        "at": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "actor": event.actor,
        "repository": _repository(db, event.repository),
    }
    if event.digest:
        told["image"] = _image(db, event)
    if event.kind == "push" and event.reference:
        told["push_data"] = {"pushed_at": seconds, "pusher": event.actor, "tag": event.reference}
    return Message(name, event.kind, msgspec.json.encode(told).decode())


def make_ping(repository: str, name: str, now_ns: int) -> Message:
    """What the test button sends. `repository`: a repository or namespace, whosever the webhook is."""
    at = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"id": name, "event": PING, "at": at, "actor": "", "of": repository}
    return Message(name, PING, msgspec.json.encode(told).decode())


def make_secret(random: str) -> str:
    """A secret of 32 random bytes, given in hexadecimal, as receivers' libraries take it."""
    return _PREFIX + base64.b64encode(bytes.fromhex(random)).decode()


def sign(secret: str, message: Message, seconds: int) -> dict[str, str]:
    """The headers that go with the body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message.name}.{seconds}.{message.body}".encode()
    proof = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message.name, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{proof}"}


def _repository(db: Connection, name: str) -> dict[str, Any]:
    c = repositories.c
    shown = select(c.description, c.is_public, c.is_official, c.stars, c.created_ns)
    row = db.execute(shown.where(c.name == name)).one_or_none()
    namespace, _, short = name.rpartition("/")
    told = {"repo_name": name, "namespace": namespace, "owner": namespace, "name": short}
    if row is None:
        return told
    return told | {
        "description": row.description,
        "is_private": not row.is_public,
        "is_official": row.is_official,
        "star_count": row.stars,
        "date_created": row.created_ns // SECOND_NS,
        "status": "Active",
    }


def _image(db: Connection, event: Happened) -> dict[str, str]:
    c = manifests.c
    typed = select(c.media_type).join(repositories, repositories.c.id == c.repository)
    here = typed.where(repositories.c.name == event.repository, c.digest == event.digest)
    mark = f":{event.reference}" if event.reference else f"@{event.digest}"
    told = {"reference": event.repository + mark, "tag": event.reference, "digest": str(event.digest)}
    media_type = db.execute(here).scalar()
    return told | {"media_type": media_type} if media_type else told
