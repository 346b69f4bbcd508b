"""Corrections: what layers unpacked apart lack to be the tree that unpacking one onto the other gives.

A directory that a layer needed but did not list has the attributes of the layer below; a hard link into a layer below
is a copy here of that file. Such things stand in a directory right above the layer, made once for each stack.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from capas.errors import Corrupt
from capas.layer.applied import Applied


def needs_correction(notes: Applied) -> bool:
    """Whether a layer can look different above others than alone."""
    return bool(notes.implicit or notes.links)


def correct(notes: Applied, below: Path, layer: Path, target: Path) -> bool:
    """Write the correction of `layer` over the tree `below` into `target`. Whether there is anything in it."""
    folders: dict[bytes, Path] = {}  # each directory of the correction, and the tree that knows its attributes
    for path in notes.implicit:
        if _is_directory(below, path):
            _note(folders, path, layer, set(notes.implicit), below)
            folders[path] = below
    links = {link.path: link.target for link in notes.links}
    for target_path in set(links.values()):  # every other name of that file below is a name of the copy too
        links |= {name: target_path for name in _names(below, target_path) if not _hidden(layer, notes, name)}
    for path, source in links.items():
        for name in (path, source):
            _note(folders, os.path.dirname(name), layer, set(notes.implicit), below)
    for path in sorted(folders):
        os.makedirs(_join(target, path), exist_ok=True)
    for path, source in links.items():
        _link(path, source, below, target)
    for path in sorted(folders, reverse=True):  # times of a directory change while something is made in it
        _attributes(_join(folders[path], path), _join(target, path))
    return bool(folders)


def _names(below: Path, path: bytes) -> set[bytes]:
    """The other names of a file that has several. Looked for only then: it reads the whole tree."""
    try:
        status = os.lstat(_join(below, path))
    except (FileNotFoundError, NotADirectoryError):
        return set()
    if status.st_nlink == 1:
        return set()
    top = os.fsencode(below)
    found = set()
    for folder, _, _ in os.walk(top):
        with os.scandir(folder) as entries:
            same = [entry.path for entry in entries if entry.inode() == status.st_ino]
        found |= {os.path.relpath(name, top) for name in same if os.path.samestat(os.lstat(name), status)}
    return found - {path}


def _hidden(layer: Path, notes: Applied, path: bytes) -> bool:
    """Whether the layer itself deletes or replaces the name."""
    parts = path.split(b"/")
    above = {b"/".join(parts[: i + 1]) for i in range(len(parts))}
    return bool(above & (set(notes.whiteouts) | set(notes.opaques))) or os.path.lexists(_join(layer, path))


def _note(folders: dict[bytes, Path], path: bytes, layer: Path, implicit: set[bytes], below: Path) -> None:
    """A directory and those above it: the layer knows those it lists, the tree below the others."""
    while True:
        known = not _is_directory(below, path) or (path not in implicit and _is_directory(layer, path))
        folders.setdefault(path, layer if known else below)
        if not path:
            return
        path = os.path.dirname(path)


def _join(root: Path, path: bytes) -> bytes:
    return os.path.join(os.fsencode(root), path) if path else os.fsencode(root)


def _is_directory(root: Path, path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(_join(root, path)).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _attributes(source: bytes, place: bytes) -> None:
    status = os.lstat(source)
    os.chown(place, status.st_uid, status.st_gid)
    os.chmod(place, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        if not name.startswith(("trusted.overlay.", "user.overlay.")):
            os.setxattr(place, name, os.getxattr(source, name))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(path: bytes, source: bytes, below: Path, target: Path) -> None:
    """Both names of the file: the copy in the correction, so that they stay one file."""
    found, original, place = _join(below, source), _join(target, source), _join(target, path)
    if not os.path.lexists(found):
        raise Corrupt("{path} is a hard link to nothing", path=path.decode(errors="replace"))
    if not os.path.lexists(original):
        status = os.lstat(found)
        shutil.copy2(found, original, follow_symlinks=False)
        os.chown(original, status.st_uid, status.st_gid, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            os.chmod(original, stat.S_IMODE(status.st_mode))
    os.link(original, place, follow_symlinks=False)
