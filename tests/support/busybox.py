"""A tiny tree that runs: Debian's static busybox, links for its applets, a few users."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest

from capas.layer.diff import iter_tree, write_changes
from capas.layer.writer import TarWriter
from capas.oci.digest import ChainID, DiffID
from capas.snapshot.contract import Snapshotter

BUSYBOX = "/bin/busybox"
APPLETS = [
    "sh", "cat", "ls", "id", "env", "sleep", "true", "false", "echo", "mount", "umount", "ps", "kill", "touch", "rm",
    "mkdir", "ln", "ip", "nc", "wget", "httpd", "stat", "head", "tail", "grep", "tr", "pwd", "hostname", "printf", "dd",
    "chmod", "chown", "cmp", "readlink", "wc", "trap", "stty", "tty", "seq", "date", "cp", "mv", "rmdir", "test",
    "ping",
]  # fmt: skip
PASSWD = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nana:x:1000:1000::/home/ana:/bin/sh\n"
GROUP = "root:x:0:\ndaemon:x:1:\nana:x:1000:\naudio:x:29:ana\nvideo:x:44:ana,daemon\n"


def make_tree(path: Path) -> Path:
    """Fill `path` with the tree and give it back."""
    if not os.path.exists(BUSYBOX):
        pytest.fail("busybox-static is not installed: `make test` installs it")
    for name in ("bin", "etc", "tmp", "root", "home/ana", "var"):
        (path / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, path / "bin/busybox")
    for applet in APPLETS:
        (path / "bin" / applet).symlink_to("busybox")
    (path / "etc/passwd").write_text(PASSWD)
    (path / "etc/group").write_text(GROUP)
    (path / "tmp").chmod(0o1777)
    return path


def stack_tree(snapshotter: Snapshotter, folder: Path) -> ChainID:
    """The tree as one layer, stacked: what containers in tests stand on. `folder` is for the tree itself."""
    tar = io.BytesIO()
    writer = TarWriter(tar.write)
    write_changes(iter_tree(make_tree(folder)), writer)
    writer.finish()
    diff_id = DiffID.of(tar.getvalue())
    tar.seek(0)
    snapshotter.add_layer(diff_id, tar)
    return snapshotter.stack([diff_id])
