"""History: what builders leave of an instruction in an image, and the instruction again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from capas.dockerfile.instructions import Instruction
from capas.dockerfile.parse import parse_instructions
from capas.dockerfile.quoting import quote_value
from capas.errors import CapasError

_TEXT_LIMIT = 20_000
_NOTHING = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_SHELL = re.compile(r"^(?:RUN\s+)?(?:\|\d+\s.*?)?/bin/(?:ba|da|a)?sh(?:\s+(?:-\w+|pipefail))*?\s+-\w*c\s+", re.DOTALL)
_BUILDKIT = re.compile(r"\s+# buildkit\s*$")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_OLD_SOURCE = re.compile(r"^((?:file|dir|multi):\w+) in (.*)$", re.DOTALL)
_TEST = re.compile(
    r"^\{Test:\[(.*)\] Interval:(\S+) Timeout:(\S+) StartPeriod:(\S+) (?:StartInterval:(\S+) )?Retries:(\d+)\}$",
    re.DOTALL,
)
_OLD_TEST = re.compile(r'^&\{\[(.*)\] "(\S+)" "(\S+)" "(\S+)"(?: "(\S+)")? \'(.*)\'\}$', re.DOTALL)


def split_instruction(created_by: str) -> tuple[str, str]:
    """The instruction and what follows it, of a step as builders write it down.

    >>> split_instruction('/bin/sh -c #(nop)  CMD ["nginx"]')
    ('CMD', '["nginx"]')
    >>> split_instruction("RUN /bin/sh -c apt-get update # buildkit")
    ('RUN', 'apt-get update')
    """
    text = _BUILDKIT.sub("", created_by[:_TEXT_LIMIT].strip())
    plain = _NOTHING.sub("", text)
    if plain == text:
        shell = _SHELL.sub("", text)
        if shell != text:
            return "RUN", shell.strip()
    word, _, rest = plain.partition(" ")
    return (word, rest.strip()) if word.isascii() and word.isalpha() and word.isupper() else ("", plain)


def restore_line(created_by: str) -> str:
    """The line of a Dockerfile that left this, as well as it can be known; "" where it is none.

    >>> restore_line("EXPOSE map[80/tcp:{} 443/tcp:{}]")
    'EXPOSE 80/tcp 443/tcp'
    """
    keyword, rest = split_instruction(created_by)
    return f"{keyword} {_RESTORERS[keyword](rest) if keyword in _RESTORERS else rest}" if keyword else ""


def find_instruction(created_by: str) -> Instruction | None:
    """The instruction that left this; None where it cannot be read as one."""
    try:
        found = parse_instructions(restore_line(created_by))
    except CapasError:
        return None
    return found[0] if len(found) == 1 else None


def _command(rest: str) -> str:
    """`["sh" "-c" "x"]` of Go, or a JSON list."""
    if not rest.startswith("["):
        return rest
    words = [json.loads(found) for found in _STRING.findall(rest)] if _is_go_list(rest) else None
    if words is None:
        return rest
    if words[:2] == ["/bin/sh", "-c"] and len(words) == 3:
        return str(words[2])
    return json.dumps(words, ensure_ascii=False)


def _is_go_list(rest: str) -> bool:
    try:
        return not _STRING.sub("", rest).strip("[], ") and all(
            isinstance(json.loads(one), str) for one in _STRING.findall(rest)
        )
    except ValueError:
        return False


def _ports(rest: str) -> str:
    found = re.fullmatch(r"map\[(.*)\]", rest)
    return " ".join(part.removesuffix(":{}") for part in found[1].split()) if found else rest


def _words(rest: str) -> str:
    """`[/data /logs]`: the words of a list without their quotes."""
    if not (rest.startswith("[") and rest.endswith("]")) or '"' in rest:
        return rest
    return json.dumps(rest[1:-1].split(), ensure_ascii=False)


def _paths(rest: str) -> str:
    return rest[1:-1] if rest.startswith("[") and rest.endswith("]") and '"' not in rest else rest


def _pairs(rest: str) -> str:
    """Pairs whose values lost their quotes: what stands before the next `name=` is the value."""
    parts = re.split(r"(?<! ) +(?=[A-Za-z_][\w.\-/]*=)", rest)
    if any("=" not in part for part in parts):
        return rest
    return " ".join(f"{key}={_quoted(value)}" for key, _, value in (part.partition("=") for part in parts))


def _quoted(value: str) -> str:
    return value if value.startswith('"') and value.endswith('"') and len(value) > 1 else quote_value(value)


def _places(rest: str) -> str:
    found = _OLD_SOURCE.match(rest)
    return f"{found[1]} {found[2].strip()}" if found else rest


def _health(rest: str) -> str:
    found = _TEST.match(rest) or _OLD_TEST.match(rest)
    if found is None:
        return rest
    words = [json.loads(one) for one in _STRING.findall(found[1])] if _is_go_list(found[1]) else found[1].split()
    if not words or words == ["NONE"]:
        return " ".join(words) or rest
    times = zip(("interval", "timeout", "start-period", "start-interval"), found.groups()[1:5], strict=True)
    flags = "".join(f"--{name}={value} " for name, value in times if value and value != "0s")
    command = " ".join(words[1:]) if words[0] == "CMD-SHELL" else json.dumps(words[1:], ensure_ascii=False)
    retries = f"--retries={found[6]} " if found[6].isdecimal() and found[6] != "0" else ""
    return f"{flags}{retries}CMD {command}"


_RESTORERS: Mapping[str, Callable[[str], str]] = MappingProxyType({
    "CMD": _command, "ENTRYPOINT": _command, "EXPOSE": _ports, "VOLUME": _paths, "SHELL": _words, "ENV": _pairs,
    "LABEL": _pairs, "ARG": _pairs, "COPY": _places, "ADD": _places, "HEALTHCHECK": _health,
})  # fmt: skip
