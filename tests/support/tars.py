"""Small tars for tests."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping


def make_tar(files: Mapping[str, bytes | str | None]) -> bytes:
    """A tar of files by path: bytes are a body, text a link's target, None a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, what in files.items():
            member = tarfile.TarInfo(path)
            if what is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(what, str):
                member.type, member.linkname = tarfile.SYMTYPE, what
            else:
                member.size = len(what)
            tar.addfile(member, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()
