"""A tiny tree that runs: Debian's static busybox, links for its applets, a few users."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

BUSYBOX = "/bin/busybox"
APPLETS = [
    "sh", "cat", "ls", "id", "env", "sleep", "true", "false", "echo", "mount", "umount", "ps", "kill", "touch", "rm",
    "mkdir", "ln", "ip", "nc", "wget", "httpd", "stat", "head", "tail", "grep", "tr", "pwd", "hostname", "printf", "dd",
    "chmod", "chown", "readlink", "wc", "trap", "stty", "tty", "seq", "date", "cp", "mv", "rmdir", "test", "ping",
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
