"""Times in words: `1 minute 30 seconds`."""

from __future__ import annotations

from capas.dockerfile.meaning.sentence import Listed, Sentence, told

_MS, _SECOND, _MINUTE, _HOUR = 10**6, 10**9, 60 * 10**9, 3600 * 10**9
_UNITS = (
    (_HOUR, told("{n} hour"), told("{n} hours")),
    (_MINUTE, told("{n} minute"), told("{n} minutes")),
    (_SECOND, told("{n} second"), told("{n} seconds")),
    (_MS, told("{n} millisecond"), told("{n} milliseconds")),
)


def in_words(time_ns: int) -> Listed:
    """A time; what is below a millisecond is left out."""
    found: list[Sentence] = []
    for unit, one, many in _UNITS:
        count, time_ns = divmod(time_ns, unit)
        if count:
            found.append(told((one if count == 1 else many).template, n=count))
    return Listed(tuple(found))
