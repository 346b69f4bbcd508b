"""What a tree takes on disk."""

from __future__ import annotations

import os
from pathlib import Path

from capas.snapshot.contract import Usage


def tree_usage(root: Path) -> Usage:
    """Bytes on disk and inodes of a tree, each file once; the tree's own root is not counted."""
    size = 0
    seen: set[int] = set()
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            status = os.lstat(os.path.join(folder, name))
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                size += status.st_blocks * 512
    return Usage(size, len(seen))
