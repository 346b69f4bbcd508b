"""When an image that is made now is said to be made."""

from __future__ import annotations

from capas.clock import now_ns
from capas.image.created import format_created
from capas.settings import Settings


def creation_time(settings: Settings) -> str:
    """SOURCE_DATE_EPOCH where it is set, else now: RFC 3339."""
    epoch = settings.source_date_epoch
    return format_created(now_ns() if epoch is None else epoch * 10**9)
