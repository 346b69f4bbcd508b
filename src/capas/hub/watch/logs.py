"""The server's log, as lines of text or of JSON."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

from capas.hub.watch.observer import request_id


class JsonLines(logging.Formatter):
    """One document a line: time, level, what was said, and the facts that came along."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if name := request_id.get():
            document["request_id"] = name
        document.update(getattr(record, "facts", {}))
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(document).decode()


def write_logs(format: str) -> None:
    """Have this process's log written to standard error: every request in JSON, in text only what goes wrong."""
    if format != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("capas.hub")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(logging.INFO)
