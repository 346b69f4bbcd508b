"""The same Dockerfile built by Capas and by docker: what stands in the configs, and what is in the trees."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.trees import Seen, look

IGNORE = """# not these
ignored*
**/*.skip
!tree/kept.skip
/rooted
nested/**/only
"""
PACKERS = {"packed.tar": "w", "packed.tar.gz": "w:gz", "packed.tar.xz": "w:xz", "packed.tar.bz2": "w:bz2"}


def write_context(root: Path) -> Path:
    """Files of every kind that a context can hold, with modes and owners that must, or must not, reach the image."""
    texts = {
        "one.txt": "one\n", "two.txt": "two\n", "tree/a.txt": "a\n", "tree/b.tst": "b\n", "tree/c": "c\n",
        "tree/sub/x": "x\n", "tree/sub/deep/y": "y\n", "tree/.hidden": "h\n", "tree/gone.skip": "",
        "tree/kept.skip": "k\n", "ignored-1": "", "ignored-2/z": "", "rooted": "", "tree/rooted": "r\n",
        "nested/one/only/q": "", "nested/one/too": "n\n", "not-a.tar.gz": "no archive\n", "links/real": "real\n",
    }  # fmt: skip
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / ".dockerignore").write_text(IGNORE)
    for name, mode in {"two.txt": 0o600, "tree/b.tst": 0o755, "tree/sub/x": 0o4711, "tree/sub/deep": 0o1777}.items():
        (root / name).chmod(mode)
    (root / "tree/empty").mkdir(mode=0o700)
    for name, target in {
        "file": "../one.txt",
        "none": "nowhere",
        "absolute": "/etc/passwd",
        "folder": "../tree",
    }.items():
        (root / "links" / name).symlink_to(target)
    os.link(root / "links/real", root / "links/twin")
    os.chown(root / "tree/c", 1000, 1000)
    for name, mode in PACKERS.items():
        pack(root / name, mode)
    return root


def pack(path: Path, mode: str) -> None:
    """A tar with owners, modes and links of its own."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, kind, bits, body in (
            ("dir", tarfile.DIRTYPE, 0o750, b""), ("dir/file", tarfile.REGTYPE, 0o4640, b"packed\n"),
            ("dir/hard", tarfile.LNKTYPE, 0o4640, b""), ("soft", tarfile.SYMTYPE, 0o777, b""),
            ("late/implied", tarfile.REGTYPE, 0o600, b"i\n"),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.size, member.uid, member.gid = kind, bits, len(body), 11, 22
            member.linkname = {tarfile.LNKTYPE: "dir/file", tarfile.SYMTYPE: "dir/file"}.get(kind, "")
            member.mtime = 1_000_000_000
            tar.addfile(member, io.BytesIO(body))


def read_archive(archive: Path, work: Path) -> tuple[dict[str, Any], dict[bytes, Seen]]:
    """The config of the one image of a docker archive, and the tree that umoci unpacks of it."""
    layout, bundle = work / "layout", work / "bundle"
    for command in (
        ["skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{archive}", f"oci:{layout}:latest"],
        ["umoci", "unpack", "--image", f"{layout}:latest", str(bundle)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(tar.extractfile(manifest[0]["Config"]))  # type: ignore[arg-type]
    return config, look(bundle / "rootfs", times=False)


def differing(ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """What is not the same on both sides: ours, theirs."""
    return {
        key: (ours.get(key), theirs.get(key)) for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)
    }
