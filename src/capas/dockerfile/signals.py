"""Names of signals, as STOPSIGNAL takes them."""

from __future__ import annotations

import re

from capas.dockerfile.source import suggest
from capas.errors import Invalid

_NAMES = (
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
)  # fmt: skip
_REAL_TIME = re.compile(r"RTMIN\+(?:[1-9]|1[0-5])|RTMAX-(?:[1-9]|1[0-4])")


def check_signal(text: str) -> None:
    """Raises: Invalid unless the text is a signal's number or its name, with or without SIG, in any case."""
    if text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) < 65:
        return
    name = text.upper().removeprefix("SIG")
    if name in _NAMES or _REAL_TIME.fullmatch(name):
        return
    meant = suggest(name, _NAMES)
    raise Invalid(
        "unknown signal: {signal!r}", signal=text[:40], meant=meant,
        hint="did you mean SIG{meant}?" if meant else "write a name like SIGTERM, or a number from 1 to 64",
    )  # fmt: skip
