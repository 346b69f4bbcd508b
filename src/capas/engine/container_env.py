"""The NAME=VALUE options of a container: -e, --env-file, -l, --label-file, --add-host, --ulimit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from capas.errors import Invalid, NotFound

_NO_LIMIT = 2**64 - 1
_HOST_GATEWAY = "host-gateway"
_ULIMITS = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip


def read_env(items: Sequence[str], files: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Variables of the files, then those of `items`; a bare name takes its value from `environ`, or is left out.

    Raises: Invalid; NotFound for a file that is not there.
    """
    found: dict[str, str] = {}
    for path in files:
        for line in _lines(path):
            name = line.partition("=")[0]
            if name != "".join(name.split()):
                raise Invalid("{path}: variable {name!r} has white space in its name", path=path, name=name[:100])
            found |= _variable(line, environ)
    for item in items:
        found |= _variable(item, environ)
    return found


def read_labels(items: Sequence[str], files: Sequence[str] = ()) -> dict[str, str]:
    """Labels of the files, then those of `items`; a bare name has an empty value. Raises: Invalid; NotFound."""
    found: dict[str, str] = {}
    for text in [line for path in files for line in _lines(path)] + list(items):
        name, _, value = text.partition("=")
        if not name.strip():
            raise Invalid("not a label: {text!r}", text=text[:200], hint="write it as key=value")
        found[name] = value
    return found


def read_ulimits(items: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """`nofile=1024:2048`; one number stands for both, -1 for no limit. Raises: Invalid."""
    return tuple(map(_ulimit, items))


def read_hosts(items: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """NAME:ADDRESS (or NAME=ADDRESS) pairs; IPv6 may stand in brackets, host-gateway for this host. Raises: Invalid."""
    return tuple(map(_host, items))


def _host(text: str) -> tuple[str, str]:
    import ipaddress  # only where a host is given

    name, _, address = text.partition("=" if "=" in text else ":")
    bare = address.removeprefix("[").removesuffix("]")
    if name and bare == _HOST_GATEWAY:
        return name, bare
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        raise Invalid("--add-host {text!r} is not NAME:ADDRESS", text=text[:200]) from None
    if not name:
        raise Invalid("--add-host {text!r} is not NAME:ADDRESS", text=text[:200])
    return name, bare


def _variable(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise Invalid("not a variable: {text!r}", text=text[:200], hint="write it as NAME=value")
    if equals:
        return {name: value}
    return {name: environ[name]} if name in environ else {}


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        raise NotFound("no such file: {path}", path=path) from None
    except UnicodeDecodeError:
        raise Invalid("{path} is not UTF-8 text", path=path) from None
    for line in lines:
        text = line.removesuffix("\r").lstrip()
        if text and not text.startswith("#"):
            yield text


def _ulimit(text: str) -> tuple[str, int, int]:
    name, equals, values = text.partition("=")
    soft, colon, hard = values.partition(":")
    try:
        low, high = int(soft), int(hard if colon else soft)
    except ValueError:
        equals = ""
    if not equals or name not in _ULIMITS:
        raise Invalid("not a ulimit: {text!r}", text=text[:100], hint="write it as nofile=1024:2048")
    if low < -1 or high < -1 or (high != -1 and (low > high or low == -1)):
        raise Invalid("ulimit {text!r}: the soft limit is at most the hard one", text=text[:100])
    return name, _NO_LIMIT if low == -1 else low, _NO_LIMIT if high == -1 else high
