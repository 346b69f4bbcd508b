"""What a tree takes on disk."""

from __future__ import annotations

import os
from pathlib import Path

from capas.snapshot.contract import Usage


def tree_usage(root: Path) -> Usage:
    """Bytes on disk and inodes of a tree, each file once. Neither its root counts nor what goes away meanwhile."""
    size = 0
    seen: set[int] = set()
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            try:
                status = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                size += status.st_blocks * 512
    return Usage(size, len(seen))
