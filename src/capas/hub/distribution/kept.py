"""Keeping bytes as a blob of a repository: the one way in, of pushes and of copies."""

from __future__ import annotations

import time
from collections.abc import Callable

from capas.errors import Conflict
from capas.hub.hub import Hub
from capas.hub.records.values import Link
from capas.oci.digest import Digest

_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.02


def keep_blob(hub: Hub, held: tuple[str, Digest], size: int, claim: str, commit: Callable[[], None]) -> None:
    """Let `commit` give the bytes their name, and link the blob: `held` is the repository and the digest.

    `claim` is a name of this push alone. The digest is claimed while its bytes get their name, so that `collect`
    leaves them alone until the link is there.
    Raises: what `commit` raises; RuledOut; Conflict if the blob's deletion does not come to an end.
    """
    name, digest = held
    _claim(hub, held, size, claim)
    try:
        commit()
        hub.links.link(name, digest, Link(size, hub.now_ns()), claim=claim)
    except BaseException:
        hub.claims.release(digest, claim)
        raise


def _claim(hub: Hub, held: tuple[str, Digest], size: int, claim: str) -> None:
    """In a thread of the hub's; deleting a blob takes a moment."""
    name, digest = held
    limit = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return hub.claims.claim(digest, size, claim, hub.now_ns(), repository=name)
        except Conflict:
            if time.monotonic() > limit:
                raise
            time.sleep(_LOOK_SECONDS)
