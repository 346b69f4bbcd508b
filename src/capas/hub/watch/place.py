"""`[watch]` and `[collect]` of the hub's configuration: who may read the counters, how it logs, when it collects."""

from __future__ import annotations

from typing import Literal

import msgspec


class WatchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[watch]` of the hub's configuration. `token`: what Prometheus has to show as its bearer token.

    `log`: `text`, or `json` for one document a line and a line for every request.
    """

    token: str = ""
    log: Literal["text", "json"] = "text"


class CollectConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[collect]` of the hub's configuration.

    `every_seconds` between two collections, 0 for none. `grace_seconds`: how long a blob that no manifest needs (yet)
    is kept for its push to go on. `stale_seconds`: how long an upload that nobody goes on with is kept. `audit_days`:
    how long an entry of the audit log is kept, 0 for ever.
    """

    every_seconds: int = 3600
    grace_seconds: int = 3600
    stale_seconds: int = 7 * 24 * 3600
    audit_days: int = 400
