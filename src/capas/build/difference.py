"""The first thing in which two images differ: a file of a layer and which attribute of it, or a field of the config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from capas.image.image import Image
from capas.image.reading import Verified
from capas.layer.compression import decompress
from capas.layer.entry import FILE, Entry, Layer
from capas.layer.reader import iter_entries
from capas.oci.descriptor import encode_digest

_CHUNK = 1 << 20
_BILLION = 1_000_000_000


class Difference(NamedTuple):
    """Something that is not the same: in which step's layer (or "config"), at which path, what of it, old and new.

    `attribute` is "content", "mode", "owner", "time", "size", "kind", "target", "device", "attributes", "position" (the
    same entries in another order), "presence" (None: not there) or, in the config, "value".
    """

    where: str
    path: str
    attribute: str
    old: str | None
    new: str | None


def find_difference(one: Image, two: Image) -> Difference | None:
    """The first difference, the lowest layer first and the config last; None for images of the same bytes.

    Layers that hold the same are not read. Raises: NotFound; Corrupt.
    """
    if one.digest == two.digest:
        return None
    titles = _layer_titles(one)
    for number, (a, b) in enumerate(zip_longest(one.layers, two.layers)):
        title = titles[number] if number < len(titles) else f"layer {number + 1}"
        if a is None or b is None:
            return Difference(title, "", "presence", a and str(a.diff_id), b and str(b.diff_id))
        if a.diff_id != b.diff_id:
            return _compare_layers(one, a, b, title)
        if a.descriptor.digest != b.descriptor.digest:
            return Difference(title, "", "compression", str(a.descriptor.digest), str(b.descriptor.digest))
    path, old, new = next(_compare_values("", _document(one), _document(two)), ("", one.digest, two.digest))
    return Difference("config", path, "value", old, new)


def _layer_titles(image: Image) -> list[str]:
    return [step.created_by for step in image.history if not step.empty_layer]


def _compare_layers(image: Image, one: Layer, two: Layer, title: str) -> Difference:
    old, new = _read(image, one), _read(image, two)
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        name = "/" + path.decode(errors="replace")
        if was is None or now is None:
            return Difference(title, name, "presence", was and "there", now and "there")
        for attribute, before, after in _compare_entries(was, now):
            return Difference(title, name, attribute, before, after)
    for a, b in zip_longest(old, new):
        if a != b:
            return Difference(title, _name(a or b"") or "", "position", _name(a), _name(b))
    return Difference(title, "", "tar", str(one.diff_id), str(two.diff_id))


class _Seen(NamedTuple):
    entry: Entry
    digest: str


def _read(image: Image, layer: Layer) -> dict[bytes, _Seen]:
    found: dict[bytes, _Seen] = {}
    descriptor = layer.descriptor
    with image.source.open(descriptor.digest) as blob:
        for entry, body in iter_entries(decompress(Verified(blob, descriptor.digest, descriptor.size))):
            running = sha256()
            while entry.kind == FILE and (data := body.read(_CHUNK)):
                running.update(data)
            found[entry.path] = _Seen(entry, running.hexdigest() if entry.kind == FILE else "")
    return found


def _compare_entries(old: _Seen, new: _Seen) -> Iterator[tuple[str, str, str]]:
    before, after = _attributes(old), _attributes(new)
    return ((name, value, after[name]) for name, value in before.items() if value != after[name])


def _attributes(seen: _Seen) -> dict[str, str]:
    entry = seen.entry
    return {
        "kind": entry.kind.decode(),
        "size": str(entry.size),
        "content": f"sha256:{seen.digest}",
        "target": entry.target.decode(errors="replace"),
        "mode": f"{entry.mode:o}",
        "owner": f"{entry.uid}:{entry.gid}",
        "device": f"{entry.device[0]}:{entry.device[1]}",
        "attributes": repr(sorted(entry.xattrs.items())),
        "time": f"{entry.mtime_ns // _BILLION}.{entry.mtime_ns % _BILLION:09d}",
        "holes": repr(entry.sparse),
    }


def _document(image: Image) -> object:
    return msgspec.to_builtins(image.config, enc_hook=encode_digest)


def _compare_values(path: str, old: object, new: object) -> Iterator[tuple[str, str | None, str | None]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _compare_values(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for number, (a, b) in enumerate(zip_longest(old, new)):
            yield from _compare_values(f"{path}[{number}]", a, b)
    elif old != new:
        yield path.removeprefix("."), None if old is None else str(old), None if new is None else str(new)


def _name(path: bytes | None) -> str | None:
    return None if path is None else "/" + path.decode(errors="replace")
