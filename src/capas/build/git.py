"""Repositories: a shallow checkout that runs no hook, reads no configuration of the host, and stays in its root.

A password goes to git by a helper that reads it from git's environment: it is in no argument, no file of the checkout
and no error, and only the host that the address names is told it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from capas.build.git_address import GitAddress, Login
from capas.build.logins import find_git_header, find_git_login
from capas.build.scratch import Scratch
from capas.build.secrets import Secrets
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.build.sources.walk import clean, resolve
from capas.build.urls import without_credentials
from capas.errors import Corrupt, Invalid, NotFound, Unavailable, Unsupported
from capas.layer.entry import DIRECTORY

_PASSED_ON = (
    "PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
)  # fmt: skip
_PROTOCOLS = "https:http:ssh:git"  # not file: a submodule must not read the host
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$CAPAS_GIT_USER" "$CAPAS_GIT_PASSWORD"; }; f'
)
_UMASK = 0o022  # files are 0644 or 0755 then, whoever fetches them


class Repositories:
    """The repositories of one build, each ref looked up once and each commit fetched once. Safe from many threads."""

    def __init__(self, scratch: Scratch, environ: Mapping[str, str], secrets: Secrets) -> None:
        self._scratch = scratch
        self._environ = environ
        self._secrets = secrets
        self._lock = threading.Lock()
        self._commits: dict[GitAddress, _Found] = {}
        self._places: dict[tuple[GitAddress, bool], Path] = {}

    def find_commit(self, address: GitAddress) -> str:
        """The id of the commit that the address means now, or "" where only a fetch can tell.

        Raises: NotFound for a ref that is not there; Unavailable; Corrupt for another commit than the address says.
        """
        with self._lock:
            return self._find(address).commit

    def known(self) -> list[GitAddress]:
        """The addresses that this build has looked up."""
        with self._lock:
            return list(self._commits)

    def check_out(self, address: GitAddress, *, keep: bool = False) -> Path:
        """The directory that the address names, its links followed inside the checkout only; `keep` its `.git` too.

        Raises: as `find_commit`; NotFound for a subdirectory that is not there; Unsupported without git.
        """
        if keep and address.subdirectory:
            raise Invalid("a subdirectory of a repository has no .git to keep", hint="leave out --keep-git-dir")
        with self._lock:
            place = self._places.get((address, keep))
            if place is None:
                found = self._find(address)
                git = self._git(address)
                place = self._places[address, keep] = git.root
                _fetch(git, address, found)
                if keep:
                    _tidy(git, address)
        return _subdirectory(place, address.subdirectory)

    def _find(self, address: GitAddress) -> _Found:
        found = self._commits.get(address)
        if found is None:
            found = _look_up(self._git(address), address)
            _check(address, found.commit)
            self._commits[address] = found
        return found

    def _git(self, address: GitAddress) -> _Git:
        program = shutil.which("git", path=self._environ.get("PATH", os.defpath))
        if program is None:
            raise Unsupported("a repository needs the git command", hint="install git")
        home = self._scratch.new_path()
        root = home / "checkout"
        root.mkdir(parents=True)
        git = _Git(program, root, self._environment(home, address))
        git("init", "-q", "--template=")
        return git

    def _environment(self, home: Path, address: GitAddress) -> dict[str, str]:
        known = address.url.startswith(("http://", "https://"))
        header = find_git_header(self._secrets, address.url) if known else ""
        login = address.login
        if known and not login.user:
            login = find_git_login(self._secrets, address.url)
        passed_on = {name: self._environ[name] for name in _PASSED_ON if name in self._environ}
        return passed_on | _settings(home, address.url, login, header)


class _Found(NamedTuple):
    """A ref by its whole name, and its commit; "" for what is not known before everything is fetched."""

    commit: str = ""
    ref: str = ""


class _Git(NamedTuple):
    program: str
    root: Path
    environ: Mapping[str, str]

    def __call__(self, *args: str) -> str:
        done = subprocess.run(
            [self.program, *args], cwd=self.root, env=dict(self.environ), stdin=subprocess.DEVNULL,
            capture_output=True, check=False, umask=_UMASK,
        )  # fmt: skip
        if done.returncode:
            lines = without_credentials(done.stderr.decode(errors="replace")).strip().splitlines()
            raise Unavailable("git {verb} failed: {why}", verb=args[0], why=lines[-1] if lines else "no reason given")
        return done.stdout.decode(errors="surrogateescape")


def _look_up(git: _Git, address: GitAddress) -> _Found:
    """Ask the remote; of a branch and a tag of one name the branch is meant, as with git checkout."""
    if address.is_commit:
        return _Found(address.ref.lower())
    ref = address.ref or "HEAD"
    short = ref.removeprefix("refs/")
    names = [ref] if ref.startswith("refs/") or ref == "HEAD" else [f"refs/heads/{short}", f"refs/tags/{short}"]
    names += [] if ref == "HEAD" or ref in names else [f"refs/{short}"]
    listed = git("ls-remote", "-q", "origin", *(word for name in names for word in (name, f"{name}^{{}}")))
    commits = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines())}
    for name in names:
        if name in commits:
            return _Found(commits.get(f"{name}^{{}}", commits[name]), name)
    if address.may_be_commit:
        return _Found()
    raise NotFound("no branch or tag {ref} in the git repository {url}", ref=ref, url=address.url)


def _fetch(git: _Git, address: GitAddress, found: _Found) -> None:
    """Bring the commit alone, or all branches and tags where the server gives no commit by its id."""
    commit = _fetch_alone(git, found) or _fetch_all(git, found.commit or address.ref, address)
    _check(address, commit)
    git("checkout", "-q", "--force", "--detach", commit)
    if address.submodules and (git.root / ".gitmodules").is_file():
        git("submodule", "-q", "update", "--init", "--recursive", "--depth=1")


def _fetch_alone(git: _Git, found: _Found) -> str:
    if not found.commit:
        return ""
    try:
        git("fetch", "-q", "--depth=1", "--no-tags", "origin", *_wanted(found))
        return git("rev-parse", "-q", "--verify", f"{found.commit}^{{commit}}").strip()
    except Unavailable:
        return ""


def _fetch_all(git: _Git, name: str, address: GitAddress) -> str:
    git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    try:
        return git("rev-parse", "-q", "--verify", f"{name}^{{commit}}").strip()
    except Unavailable:
        raise NotFound("no commit {ref} in the git repository {url}", ref=name, url=address.url) from None


def _wanted(found: _Found) -> list[str]:
    if found.ref.startswith("refs/tags/"):
        return [f"+{found.ref}:{found.ref}"]
    if found.ref.startswith("refs/heads/"):
        return [f"+{found.ref}:refs/remotes/origin/{found.ref.removeprefix('refs/heads/')}"]
    return [found.commit]


def _check(address: GitAddress, commit: str) -> None:
    """Raises: Corrupt where the address says another commit."""
    if address.commit and commit and not commit.startswith(address.commit):
        raise Corrupt(
            "{ref} of {url} is the commit {commit}, not {expected}", ref=address.ref or "HEAD", url=address.url,
            commit=commit, expected=address.commit,
        )  # fmt: skip


def _tidy(git: _Git, address: GitAddress) -> None:
    """Make a `.git` that is kept one that tells where it came from, and nothing of when and on which machine."""
    git("config", "remote.origin.url", address.url)
    git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    folder = git.root / ".git"
    for name in ("FETCH_HEAD", "ORIG_HEAD"):
        for path in folder.rglob(name):
            path.unlink()
    (folder / "index").unlink()
    git("read-tree", "HEAD")  # an index without the times and inodes of this machine


def _settings(home: Path, url: str, login: Login, header: str) -> dict[str, str]:
    """Git's environment: its configuration, which it reads from there alone, and what it may tell the remote's host."""
    host = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    settings = {
        "remote.origin.url": url,
        "core.hooksPath": "/dev/null",
        "core.attributesFile": "/dev/null",
        "core.fsmonitor": "false",
        "core.symlinks": "true",
        "core.logAllRefUpdates": "false",
        "protocol.file.allow": "never",
        "http.lowSpeedLimit": "1000",  # bytes a second
        "http.lowSpeedTime": "60",
        "advice.detachedHead": "false",
        "init.defaultBranch": "main",
        "gc.auto": "0",
    }
    found: dict[str, str] = {}
    if header:
        settings[f"http.{host}/.extraHeader"] = f"Authorization: {header}"
    elif login.user:
        settings[f"credential.{host}.helper"] = _HELPER
        found = {"CAPAS_GIT_USER": login.user, "CAPAS_GIT_PASSWORD": login.password}
    found |= {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
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
