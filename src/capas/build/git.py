"""Contexts from git: a shallow checkout that runs no hook, reads no configuration of the host, and stays in its root.

The address may hold a password: it goes to git by its environment, never by its arguments, and never into an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.build.sources.walk import clean, resolve
from capas.build.urls import without_credentials
from capas.errors import Invalid, NotFound, Unavailable, Unsupported
from capas.layer.entry import DIRECTORY

_PASSED_ON = (
    "PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
)  # fmt: skip
_PROTOCOLS = "https:http:ssh:git"  # not file: a submodule must not read the host


class GitAddress(NamedTuple):
    """`url#ref:subdirectory`; an empty ref is the remote's HEAD."""

    url: str
    ref: str = ""
    subdirectory: str = ""

    @classmethod
    def parse(cls, text: str) -> GitAddress:
        """The address in docker's form. Raises: Invalid."""
        url, _, fragment = text.partition("#")
        ref, _, subdirectory = fragment.partition(":")
        if ref.startswith("-") or any(char.isspace() or ord(char) < 32 for char in ref):
            raise Invalid("not a git ref: {ref!r}", ref=ref[:100])
        if url.startswith("github.com/"):
            url = f"https://{url}"
        return cls(url, ref, subdirectory)


def check_out(text: str, scratch: Path, *, environ: Mapping[str, str]) -> Path:
    """Fetch what the address names beneath `scratch`; the directory that is the context.

    Raises: Unsupported without git; Unavailable where the repository or the ref cannot be fetched; NotFound for a
        subdirectory that is not there.
    """
    address = GitAddress.parse(text)
    git = shutil.which("git", path=environ.get("PATH", os.defpath))
    if git is None:
        raise Unsupported("a context from git needs the git command", hint="install git")
    root = scratch / "checkout"
    root.mkdir()
    run = _Git(git, root, _environment(scratch, address, environ))
    run("init", "-q")
    run("fetch", "-q", "--depth=1", "--no-tags", "origin", address.ref or "HEAD")
    run("checkout", "-q", "--force", "FETCH_HEAD")
    if (root / ".gitmodules").is_file():
        run("submodule", "-q", "update", "--init", "--recursive", "--depth=1")
    return _subdirectory(root, address.subdirectory)


class _Git(NamedTuple):
    program: str
    root: Path
    environ: Mapping[str, str]

    def __call__(self, *args: str) -> None:
        done = subprocess.run(
            [self.program, *args], cwd=self.root, env=dict(self.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        if done.returncode:
            lines = without_credentials(done.stderr.decode(errors="replace")).strip().splitlines()
            raise Unavailable("git {verb} failed: {why}", verb=args[0], why=lines[-1] if lines else "no reason given")


def _environment(scratch: Path, address: GitAddress, environ: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "remote.origin.url": address.url,
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "core.symlinks": "true",
        "protocol.file.allow": "never",
        "advice.detachedHead": "false",
        "init.defaultBranch": "main",
    }
    found = {name: environ[name] for name in _PASSED_ON if name in environ}
    found |= {
        "HOME": str(scratch),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "LC_ALL": "C",
    }
    for number, (key, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _subdirectory(root: Path, name: str) -> Path:
    """The directory of this name, links followed inside the checkout only."""
    if not name:
        return root
    files = DirectoryFiles(root, ignore=None, digests=FileDigests(None, lambda: 0), mtime_ns=0)
    try:
        path = resolve(files.find, clean(name.encode(errors="surrogateescape")))
        entry = files.find(path)
    finally:
        files.close()
    if entry is None or entry.kind != DIRECTORY:
        raise NotFound("no directory {name} in the git repository", name=name)
    return root / os.fsdecode(path)
