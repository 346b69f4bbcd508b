"""Repositories: ADD of them, contexts of them, the forms of their addresses, and what they must not be able to do."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.build.git_address import GitAddress
from capas.build.secrets import SecretSource
from capas.build.urls import is_git, is_git_context, without_credentials
from capas.errors import Corrupt, Invalid, NotFound, Unavailable
from capas.image.image import Image
from support.building import Workshop, write_files
from support.git import Host, Repository, served

pytestmark = pytest.mark.peer("git")
SHA = "be1f38efe73c6a93cc429a0488ad6e1db663398c"


# addresses


@pytest.mark.parametrize(
    ("text", "git"),
    [
        ("https://example.com/foo.git", True),
        ("https://example.com/foo.git#main", True),
        ("https://example.com/foo.git?branch=main&subdir=a", True),
        ("http://me:pw@example.com/foo.git", True),
        ("git://example.com/foo", True),
        ("ssh://git@example.com/foo", True),
        ("git@github.com:moby/buildkit", True),
        ("me@example.com:foo.git", True),
        ("https://example.com/", False),
        ("https://example.com/foo", False),
        ("https://example.com/foo.git/", False),
        ("https://example.com/foo.git.bar", False),
        ("https://example.com/x?y=foo.git", False),
        ("custom.xyz/moby/buildkit.git", False),
        ("./.git", False),
        (".git", False),
        ("src/a", False),
    ],
)
def test_addresses_are_told_from_files_and_downloads(text: str, git: bool) -> None:
    assert is_git(text) is git


def test_only_a_context_may_leave_out_the_scheme_of_github() -> None:
    assert is_git_context("github.com/moby/buildkit#main")
    assert not is_git("github.com/moby/buildkit")
    assert GitAddress.parse("github.com/moby/buildkit#main") == GitAddress("https://github.com/moby/buildkit", "main")


URL = "https://example.com/a.git"


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("", GitAddress(URL)),
        ("#main", GitAddress(URL, "main")),
        ("#release/1.2:docs/x", GitAddress(URL, "release/1.2", "docs/x")),
        ("#:docs", GitAddress(URL, "", "docs")),
        ("?branch=main&subdir=docs", GitAddress(URL, "refs/heads/main", "docs")),
        ("?branch=refs/heads/main", GitAddress(URL, "refs/heads/main")),
        ("?tag=v1", GitAddress(URL, "refs/tags/v1")),
        ("?ref=pull/42/head", GitAddress(URL, "pull/42/head")),
        (f"?commit={SHA}", GitAddress(URL, SHA, commit=SHA)),
        (f"?tag=v1&checksum={SHA[:7]}", GitAddress(URL, "refs/tags/v1", commit=SHA[:7])),
        ("?keep-git-dir=true", GitAddress(URL, keep_git_dir=True)),
        ("?keep-git-dir", GitAddress(URL, keep_git_dir=True)),
        ("?keep-git-dir=0&submodules=false", GitAddress(URL, keep_git_dir=False, submodules=False)),
        ("?subdir=docs#main", GitAddress(URL, "main", "docs")),
    ],
)
def test_an_address_is_read(tail: str, expected: GitAddress) -> None:
    assert GitAddress.parse(URL + tail) == expected


@pytest.mark.parametrize(
    "tail",
    [
        "#--upload-pack=touch", "#a b", "#a\nb", "#a..b~1", "?ref=", "?what=1", "?tag=a&branch=b", "?ref=a#b",
        "?subdir=a#:b", "?commit=xyz", "?ref=a&ref=b", "?commit=a&checksum=b", "?submodules=perhaps",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused(tail: str) -> None:
    with pytest.raises(Invalid):
        GitAddress.parse(URL + tail)


def test_a_password_is_taken_out_of_the_address_and_never_shown() -> None:
    address = GitAddress.parse("https://me:pa%2Fss@example.com/a.git#main")
    assert (address.url, address.login.user, address.login.password) == (URL, "me", "pa/ss")
    assert "pa/ss" not in repr(address)
    with pytest.raises(Invalid):
        GitAddress.parse("https://me:x%0Ahost=evil@example.com/a.git")


@pytest.mark.parametrize("url", ["https://u:p@h/x", "https://u:p@q@h/x", "https://u@h/x"])
def test_text_with_addresses_is_shown_without_their_passwords(url: str) -> None:
    assert without_credentials(f'ADD ["{url}", "/"]') == 'ADD ["https://h/x", "/"]'


# ADD


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "git" / "it.git")
    found.commit({"a": "1", "docs/b": "b", "tool": "t"})
    (found.path / "tool").chmod(0o700)
    found.commit({})
    found.git("tag", "v1")
    return found


@pytest.fixture
def host(repository: Repository) -> Iterator[Host]:
    with served(repository.path.parent) as host:
        yield host


def add(workshop: Workshop, context: Path, line: str, **wishes: object) -> Image:
    return workshop.build(context, dockerfile_text=f"FROM base\n{line}", environ=dict(os.environ), **wishes).image


def paths(workshop: Workshop, image: Image) -> list[str]:
    return [entry.path.decode() for entry in workshop.layer_entries(image)]


@pytest.mark.covers("ADD", "git repository")
def test_a_repository_is_added_without_its_history(workshop: Workshop, tmp_path: Path, host: Host) -> None:
    image = add(workshop, tmp_path, f"ADD {host.url('it.git')} /src")
    assert paths(workshop, image) == ["src", "src/a", "src/docs", "src/docs/b", "src/tool"]


def test_files_of_a_repository_have_one_mode_whatever_the_umask(workshop: Workshop, tmp_path: Path, host: Host) -> None:
    before = os.umask(0o077)
    try:
        image = add(workshop, tmp_path, f"ADD {host.url('it.git')} /src/")
    finally:
        os.umask(before)
    modes = {entry.path: entry.mode for entry in workshop.layer_entries(image)}
    assert (modes[b"src/docs"], modes[b"src/a"], modes[b"src/tool"]) == (0o755, 0o644, 0o755)


@pytest.mark.parametrize("tail", ["#v1:docs", "#:docs", "?tag=v1&subdir=docs", "?branch=main&subdir=/docs/"])
def test_a_part_of_a_repository_is_added(workshop: Workshop, tmp_path: Path, host: Host, tail: str) -> None:
    image = add(workshop, tmp_path, f"ADD {host.url('it.git')}{tail} /src/")
    assert paths(workshop, image) == ["src", "src/b"]


def test_an_older_commit_is_added_by_its_whole_or_short_id(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    old = repository.git("rev-parse", "HEAD")
    repository.commit({"a": "2"})
    for ref in (old, old[:8]):
        assert workshop.read(add(workshop, tmp_path, f"ADD {host.url('it.git')}#{ref} /src/"), "src/a") == b"1"


def test_an_annotated_tag_is_its_commit(workshop: Workshop, tmp_path: Path, host: Host, repository: Repository) -> None:
    repository.git("tag", "-a", "-m", "x", "v2")
    commit = repository.git("rev-parse", "HEAD")
    add(workshop, tmp_path, f"ADD --checksum={commit} {host.url('it.git')}#v2 /src/")


def test_a_branch_that_has_not_moved_is_not_fetched_again(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    line = f"ADD {host.url('it.git')}#main /src/"
    first = add(workshop, tmp_path, line)
    host.requests.clear()
    assert add(workshop, tmp_path, line).id == first.id
    assert len(host.requests) <= 2  # what the remote has, and the refs: no pack
    repository.commit({"a": "2"})
    assert workshop.read(add(workshop, tmp_path, line), "src/a") == b"2"


def test_a_commit_that_was_added_before_needs_no_remote(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    line = f"ADD {host.url('it.git')}#{repository.git('rev-parse', 'HEAD')} /src/"
    first = add(workshop, tmp_path, line)
    host.requests.clear()
    assert add(workshop, tmp_path, line).id == first.id
    assert host.requests == []


@pytest.mark.covers("ADD", "--checksum")
def test_a_checksum_is_the_beginning_of_the_commit(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    assert add(workshop, tmp_path, f"ADD --checksum={commit[:7]} {host.url('it.git')} /src/")
    wrong = "0" * 7 if commit[0] != "0" else "1" * 7
    with pytest.raises(Corrupt, match=f"is the commit {commit}, not {wrong}"):
        add(workshop, tmp_path, f"ADD --checksum={wrong} {host.url('it.git')}#main /src/")


@pytest.mark.covers("ADD", "--keep-git-dir")
def test_the_history_is_kept_on_demand_and_is_a_repository(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    image = add(workshop, tmp_path, f"ADD --keep-git-dir {host.url('it.git')}#v1 /src/")
    folder = tmp_path / "got"
    for entry in workshop.layer_entries(image):
        path = folder / entry.path.decode()
        if entry.kind == b"5":
            path.mkdir(parents=True)
        else:
            path.write_bytes(workshop.read(image, entry.path.decode()))
            path.chmod(entry.mode)
    got = Repository.__new__(Repository)
    got.path = folder / "src"
    assert got.git("describe", "--tags") == "v1"
    assert got.git("status", "--porcelain") == ""
    assert got.git("remote", "get-url", "origin") == host.url("it.git")


@pytest.mark.parametrize("flag", ["--keep-git-dir=false", "--keep-git-dir=false --link"])
def test_the_history_is_left_out_when_that_is_said(workshop: Workshop, tmp_path: Path, host: Host, flag: str) -> None:
    image = add(workshop, tmp_path, f"ADD {flag} {host.url('it.git')} /src/")
    assert not any(".git" in path for path in paths(workshop, image))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ADD --keep-git-dir {url}#:docs /src/", "no .git to keep"),
        ("ADD --keep-git-dir=true {url}?keep-git-dir=false /src/", "do not agree"),
        ("ADD --checksum=abcd {url}?commit=1234 /src/", "do not agree"),
        ("ADD --checksum=abcd {url} a /src/", "exactly one source"),
        ("COPY {url} /src/", "COPY does not take the URL"),
    ],
)
def test_what_makes_no_sense_is_refused(workshop: Workshop, tmp_path: Path, host: Host, line: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        add(workshop, tmp_path, line.format(url=host.url("it.git")))


@pytest.mark.parametrize("ref", ["nowhere", "deadbeef"])
def test_a_ref_that_is_not_there_is_named(workshop: Workshop, tmp_path: Path, host: Host, ref: str) -> None:
    with pytest.raises(NotFound, match=f"Dockerfile:2:1: no .* {ref} in the git repository"):
        add(workshop, tmp_path, f"ADD {host.url('it.git')}#{ref} /src/")


@pytest.mark.covers("ADD", "--exclude")
def test_exclude_leaves_out_files_of_a_repository(workshop: Workshop, tmp_path: Path, host: Host) -> None:
    image = add(workshop, tmp_path, f"ADD --exclude=docs --exclude=too* {host.url('it.git')} /src/")
    assert paths(workshop, image) == ["src", "src/a"]


def test_a_repository_can_be_a_named_context(workshop: Workshop, tmp_path: Path, host: Host) -> None:
    wishes = {"build_contexts": {"it": host.url("it.git") + "#v1"}}
    image = add(workshop, tmp_path, "COPY --from=it a /x", **wishes)
    assert workshop.read(image, "x") == b"1"


@pytest.mark.covers("ARG", "BUILDKIT_CONTEXT_KEEP_GIT_DIR")
def test_the_history_of_a_context_is_there_only_when_asked_for(
    workshop: Workshop, host: Host, repository: Repository
) -> None:
    repository.commit({"Dockerfile": "FROM base\nCOPY . /app/\n"})
    kept = {"build_args": {"BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"}}
    for url, wishes, there in (("", {}, False), ("", kept, True), ("?keep-git-dir=1", {}, True)):
        built = workshop.build(host.url("it.git") + url, environ=dict(os.environ), **wishes)
        assert ("app/.git/HEAD" in paths(workshop, built.image)) is there


# what a repository must not be able to do


def test_submodules_come_along_unless_they_are_not_wanted(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    inner = Repository(tmp_path / "git" / "inner.git")
    inner.commit({"in": "inner"})
    repository.git("submodule", "-q", "add", "../inner.git", "sub")
    repository.git("config", "-f", ".gitmodules", "submodule.sub.url", "../inner.git")
    repository.commit({})
    image = add(workshop, tmp_path, f"ADD {host.url('it.git')} /src/")
    assert workshop.read(image, "src/sub/in") == b"inner"
    assert not any(path.endswith(".git") for path in paths(workshop, image))
    image = add(workshop, tmp_path, f"ADD {host.url('it.git')}?submodules=false /src/")
    assert "src/sub/in" not in paths(workshop, image)


def test_a_submodule_cannot_be_a_directory_of_the_host(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository
) -> None:
    secret = Repository(tmp_path / "private")
    secret.commit({"secret": "s"})
    repository.git("submodule", "-q", "add", str(secret.path), "sub")
    repository.git("config", "-f", ".gitmodules", "submodule.sub.url", f"file://{secret.path}")
    repository.commit({})
    with pytest.raises(Unavailable, match="git submodule failed"):
        add(workshop, tmp_path, f"ADD {host.url('it.git')} /src/")


def test_hooks_and_configuration_of_the_host_do_nothing(
    workshop: Workshop, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = write_files(
        tmp_path / "home",
        {
            ".gitconfig": f"[core]\nhooksPath = {tmp_path}/home/hooks\nattributesFile = {tmp_path}/home/attributes\n"
            f'[filter "x"]\nsmudge = touch {tmp_path}/filtered\n[init]\ntemplateDir = {tmp_path}/home/template\n',
            "attributes": "* filter=x\n",
            "hooks/post-checkout": f"#!/bin/sh\ntouch {tmp_path}/hooked\n",
            "template/hooks/post-checkout": f"#!/bin/sh\ntouch {tmp_path}/hooked\n",
        },
    )
    for hook in home.rglob("post-checkout"):
        hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home / "template"))
    image = add(workshop, tmp_path, f"ADD --keep-git-dir {host.url('it.git')} /src/")
    assert not (tmp_path / "hooked").exists()
    assert not (tmp_path / "filtered").exists()
    assert not any("hooks" in path for path in paths(workshop, image))


@pytest.mark.parametrize("target", ["/etc", "../../../../../../etc", ".git"])
def test_a_subdirectory_that_is_a_link_outwards_is_not_there(
    workshop: Workshop, tmp_path: Path, host: Host, repository: Repository, target: str
) -> None:
    (repository.path / "away").symlink_to(target)
    repository.commit({})
    with pytest.raises(NotFound, match=r"away|passwd"):
        image = add(workshop, tmp_path, f"ADD {host.url('it.git')}#:away /src/")
        assert workshop.read(image, "src/passwd")


PASSWORD = "hunter2/verysecret"


def test_a_password_in_an_address_leaves_no_trace(
    workshop: Workshop, tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Repository(tmp_path / "git" / "inner.git")
    inner.commit({"in": "inner"})
    repository.git("submodule", "-q", "add", "../inner.git", "sub")
    repository.git("config", "-f", ".gitmodules", "submodule.sub.url", "../inner.git")
    repository.commit({})
    calls = _traced_git(tmp_path, monkeypatch)
    with served(repository.path.parent, login=f"me:{PASSWORD}") as host:
        url = host.url("it.git", "me:" + PASSWORD.replace("/", "%2F"))
        image = add(workshop, tmp_path, f"ADD --keep-git-dir {url} /src/")
    assert workshop.read(image, "src/sub/in") == b"inner"
    assert calls.stat().st_size > 0
    workshop.close()
    said = "".join(map(str, workshop.events)).encode()
    told = [calls.read_bytes(), image.config_bytes, said]
    told += [workshop.read(image, path) for path in paths(workshop, image) if path.endswith(("config", "HEAD", "logs"))]
    told += [path.read_bytes() for path in workshop.root.rglob("*") if path.is_file()]
    for data in told:
        assert b"verysecret" not in data


def test_a_password_goes_to_no_other_host(workshop: Workshop, tmp_path: Path, repository: Repository) -> None:
    other = Repository(tmp_path / "other" / "x.git")
    other.commit({"x": "x"})
    with served(tmp_path / "other", login="nobody:knows") as stranger:
        repository.git("submodule", "-q", "add", str(other.path), "sub")
        repository.git("config", "-f", ".gitmodules", "submodule.sub.url", stranger.url("x.git"))
        repository.commit({})
        with served(repository.path.parent, login="me:pw") as host, pytest.raises(Unavailable):
            add(workshop, tmp_path, f"ADD {host.url('it.git', 'me:pw')} /src/")
    assert stranger.requests
    assert set(stranger.authorizations) == {None}


@pytest.mark.parametrize("name", ["GIT_AUTH_TOKEN", "GIT_AUTH_TOKEN.127.0.0.1", "GIT_AUTH_HEADER"])
def test_a_secret_opens_a_repository_and_leaves_no_trace(
    workshop: Workshop, tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    header = "Basic " + b64encode(f"x-access-token:{PASSWORD}".encode()).decode()
    secret = header if name == "GIT_AUTH_HEADER" else PASSWORD
    monkeypatch.setenv("TOKEN", secret)
    calls = _traced_git(tmp_path, monkeypatch)
    with served(repository.path.parent, login=f"x-access-token:{PASSWORD}") as host:
        line = f"ADD --keep-git-dir {host.url('it.git')} /src/"
        with pytest.raises(Unavailable):
            add(workshop, tmp_path, line)
        image = add(workshop, tmp_path, line, secrets={name: SecretSource(variable="TOKEN")})
    assert workshop.read(image, "src/a") == b"1"
    workshop.close()
    told = [calls.read_bytes(), image.config_bytes]
    told += [workshop.read(image, path) for path in paths(workshop, image) if path.endswith(("config", "HEAD"))]
    told += [path.read_bytes() for path in workshop.root.rglob("*") if path.is_file()]
    assert not [data for data in told if secret.encode() in data]


def test_a_failed_fetch_does_not_say_the_password(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        add(workshop, tmp_path, "ADD http://me:hunter2@127.0.0.1:1/x.git /src/")
    assert "hunter2" not in str(caught.value) + caught.value.hint
    assert "hunter2" not in "".join(map(str, workshop.events))


def _traced_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that writes down every process that it starts, with its arguments."""
    calls = tmp_path / "calls"
    folder = write_files(tmp_path / "bin", {"git": f'#!/bin/sh\nGIT_TRACE={calls} exec /usr/bin/git "$@"\n'})
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return calls
