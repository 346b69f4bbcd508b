"""A tree as a plain dict, and what applying a changeset to it means: the words of the OCI spec, slowly and plainly.

A path is a tuple of names. Hard links share one `Node`. Whiteouts are taken at their place in the stream and leave
alone what the same layer has brought before.
"""

from __future__ import annotations

from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK, Entry

Path = tuple[bytes, ...]
OPAQUE = b".wh..wh..opq"


class Node:
    def __init__(self, entry: Entry, data: bytes = b"") -> None:
        self.kind, self.mode, self.mtime_ns = entry.kind, entry.mode, entry.mtime_ns
        self.target, self.xattrs, self.data = entry.target, dict(entry.xattrs), data


class ModelTree:
    def __init__(self) -> None:
        self.nodes: dict[Path, Node] = {(): Node(Entry(b"", DIRECTORY, 0o755))}
        self._mine: set[Path] = set()

    def copy(self) -> ModelTree:
        """The same tree, in the middle of the same layer."""
        copied = ModelTree()
        copied.nodes, copied._mine = dict(self.nodes), set(self._mine)
        return copied

    def begin_layer(self) -> None:
        """What comes is another layer's."""
        self._mine = set()

    def add(self, entry: Entry, data: bytes) -> None:
        """Raises: LookupError for a hard link to nothing; RecursionError for links in a circle."""
        *above, name = entry.path.split(b"/")
        if name.startswith(b".wh."):
            self._white_out(tuple(above), name)
            return
        place = (*self._enter(tuple(above)), name)
        if entry.kind == HARDLINK:
            source = self._find(tuple(entry.target.split(b"/")))
            if source is None or source.kind == DIRECTORY:
                raise LookupError(entry.target)
            if self.nodes.get(place) is not source:
                self._remove(place)
                if source not in self.nodes.values():
                    raise LookupError(entry.target)
            self.nodes[place] = source
        elif entry.kind == DIRECTORY and place in self.nodes and self.nodes[place].kind == DIRECTORY:
            self.nodes[place] = Node(entry)
        else:
            self._remove(place)
            self.nodes[place] = Node(entry, data)
        self._mine.update(place[:length] for length in range(len(place) + 1))

    def shown(self) -> dict[bytes, tuple[object, ...]]:
        """Every path with what can be seen of it; `first` is the first name of the same file."""
        first: dict[int, bytes] = {}
        found = {}
        for path, node in sorted(self.nodes.items(), key=lambda item: item[0]):
            text = b"/".join(path)
            name = first.setdefault(id(node), text)
            found[text] = (node.kind, node.mode, node.mtime_ns, node.target, node.data, node.xattrs, name)
        return found

    def _white_out(self, above: Path, name: bytes) -> None:
        folder = self._walk(above)
        if folder is None:
            return
        top = folder if name == OPAQUE else (*folder, name.removeprefix(b".wh."))
        for path in [path for path in self.nodes if path[: len(top)] == top]:
            if path not in self._mine and (path != top or name != OPAQUE):
                del self.nodes[path]

    def _find(self, path: Path) -> Node | None:
        folder = self._walk(path[:-1])
        return None if folder is None else self.nodes.get((*folder, path[-1]))

    def _enter(self, path: Path) -> Path:
        """The directory at a path, links followed, made where it is missing or something else."""
        return self._walk(path, make=True) or ()

    def _walk(self, path: Path, *, make: bool = False) -> Path | None:
        here: Path = ()
        links = 0
        parts = list(reversed(path))
        while parts:
            part = parts.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                here = here[:-1]
                continue
            node = self.nodes.get((*here, part))
            if node is not None and node.kind == SYMLINK:
                parts += reversed(node.target.split(b"/"))
                here = () if node.target.startswith(b"/") else here
                links += 1
                if links > 40:
                    raise RecursionError
                continue
            here = (*here, part)
            if node is None or node.kind != DIRECTORY:
                if not make:
                    return None
                self._remove(here)
                self.nodes[here] = Node(Entry(b"", DIRECTORY, 0o755))
        return here

    def _remove(self, top: Path) -> None:
        for path in [path for path in self.nodes if path[: len(top)] == top]:
            del self.nodes[path]
