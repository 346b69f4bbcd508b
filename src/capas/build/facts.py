"""What a step was made of, as flat facts with names: two runs of a step are compared fact by fact.

A fact's name is its kind, and after a space what it is about: `user`, `env MODE`, `mount /cache id`. Whatever part an
op gives its key becomes a fact, so a new part is named without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from capas.build.selection import Picked
from capas.build.vertex import encode_key
from capas.layer.entry import DIRECTORY, FILE, SYMLINK, Entry

Facts = Mapping[str, str]

_LONGEST = 200
_DIGITS = 24
_CONTEXT = "the build context"
_VARIABLES = ("env", "arg")
_SECRET = re.compile(r"pass(w|phrase)|secret|token|credential|api_?key|private_?key|access_?key|auth", re.IGNORECASE)
_LABELS = ("target", "id", "name", "type")  # what tells members of a list apart
_KINDS = {FILE: "file", DIRECTORY: "directory", SYMLINK: "link"}


def flatten(parts: Mapping[str, object]) -> dict[str, str]:
    """The parts of a key as facts. Long values are cut, what is called like a secret is kept as a digest only."""
    return {name: _value(name, text) for kind, part in parts.items() for name, text in _flat(kind, part)}


def file_facts(picked: Iterable[Picked], *, fixed_mode: bool, keep_owner: bool) -> dict[str, str]:
    """A fact for each file that a copy takes, by its path: kind, mode, owner, size and digest, as far as they count."""
    found: dict[str, str] = {}
    first: dict[Hashable, str] = {}
    for one in picked:
        where = "" if one.files.label == _CONTEXT else f" ({one.files.label})"
        for path, entry in ((one.entry.path, one.entry), *((child.path, child) for _, child in one.iter_below())):
            name = (path.decode(errors="replace") or ".") + where
            digest = one.files.digest(entry) if entry.kind == FILE else ""
            found[name] = _describe(entry, digest, fixed_mode=fixed_mode, keep_owner=keep_owner)
            inode = one.inode(entry)
            if inode is not None and first.setdefault(inode, name) != name:
                found[name] += f" hardlink={first[inode].replace(' ', '%20')}"
    return found


def list_attributes(text: str) -> dict[str, str]:
    """What a file's fact says, by attribute."""
    kind, _, rest = text.partition(" ")
    pairs = (item.partition("=") for item in rest.split(" ") if item)
    return {"kind": kind, **{name: value for name, _, value in pairs}}


def _describe(entry: Entry, digest: str, *, fixed_mode: bool, keep_owner: bool) -> str:
    words = [_KINDS.get(entry.kind, "special")]
    words += [] if fixed_mode or entry.kind == SYMLINK else [f"mode={entry.mode:o}"]
    words += [f"owner={entry.uid}:{entry.gid}"] if keep_owner and (entry.uid or entry.gid) else []
    words += [f"size={entry.size}", f"digest={digest[:_DIGITS]}"] if digest else []
    words += [f"target={entry.target.decode(errors='replace').replace(' ', '%20')}"] if entry.kind == SYMLINK else []
    words += [f"attributes={_digest(repr(sorted(entry.xattrs.items())))}"] if entry.xattrs else []
    words += [f"device={entry.device[0]}:{entry.device[1]}"] if entry.device != (0, 0) else []
    return " ".join(words)


def _flat(kind: str, part: object) -> Iterator[tuple[str, str]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield f"{kind} {key}", _text(value)
    elif isinstance(part, Sequence) and not isinstance(part, str) and all(isinstance(one, Mapping) for one in part):
        for number, one in enumerate(part):
            label = next((str(one[name]) for name in _LABELS if one.get(name)), str(number + 1))
            for key, value in one.items():
                yield f"{kind} {label} {key}", _text(value)
    else:
        yield kind, _text(part)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return str(value) if isinstance(value, str) else encode_key(value)[1:-1]


def _value(name: str, text: str) -> str:
    kind, _, about = name.partition(" ")
    if kind in _VARIABLES and _SECRET.search(about):
        return f"hidden:{_digest(text)}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({_digest(text)})"


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
