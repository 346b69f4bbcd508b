"""Times in RFC 3339: written in another form, and moved by a duration. Spec: go-cty, FormatDate, TimeAdd."""

from __future__ import annotations

import datetime as dt
import re

from capas.errors import Invalid

_DATE = re.compile(r"'(?:[^']|'')*'|([YMDEhHmsZAa])\1*|.", re.DOTALL)
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_CODES = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d", "EEEE": "%A",
    "EEE": "%a", "hh": "%H", "h": "%H", "HH": "%I", "H": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "AA": "%p",
    "aa": "%p", "ZZZZ": "%z", "ZZZZZ": "%:z",
}  # fmt: skip


def format_date(form: str, time: str) -> str:
    """A time in another form: `YYYY-MM-DD hh:mm:ss`, `EEE`, `AA`, `Z`; plain text in quotes. Raises: Invalid."""
    when = _parse(time)
    return _DATE.sub(lambda match: _shown(match[0], when), form)


def add_time(time: str, duration: str) -> str:
    """A time moved by a duration of Go: `1h30m`, `-10s`. Raises: Invalid."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration.lstrip("+-"):
        raise Invalid("not a duration: {text!r}", text=duration[:100])
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    moved = _parse(time) + dt.timedelta(seconds=-seconds if duration.startswith("-") else seconds)
    return moved.isoformat().replace("+00:00", "Z")


def _parse(time: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(time)
    except ValueError:
        raise Invalid("not a time of RFC 3339: {text!r}", text=time[:100]) from None


def _shown(part: str, when: dt.datetime) -> str:
    if part.startswith("'"):
        return part[1:-1].replace("''", "'")
    if part == "Z":
        return "Z" if when.utcoffset() == dt.timedelta(0) else _colon(when.strftime("%z"))
    code = _CODES.get(part)
    if code is None:
        return part
    shown = _colon(when.strftime("%z")) if code == "%:z" else when.strftime(code)
    if part == "aa":
        return shown.lower()
    return shown.lstrip("0") or "0" if part in ("M", "D", "h", "H", "m", "s") else shown


def _colon(offset: str) -> str:
    return f"{offset[:3]}:{offset[3:]}"
