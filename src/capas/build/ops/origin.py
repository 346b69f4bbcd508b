"""What a COPY or ADD reads from: each kind of source finds its files in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from capas.build.archives import is_archive
from capas.build.bench import Bench
from capas.build.git_address import GitAddress
from capas.build.selection import Exclusion, Picked, pick
from capas.build.sources.contract import Files
from capas.build.sources.loose import LooseFile, LooseFiles
from capas.build.urls import name_in, without_credentials
from capas.build.vertex import Solved
from capas.errors import Corrupt
from capas.layer.entry import Entry


class Origin(Protocol):
    """A source, or several from one place."""

    @property
    def definition(self) -> object:
        """What is asked for, without its content."""

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """A cheap name for everything it could read, where there is one."""

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """The files. Raises: NotFound."""


class ContextOrigin(NamedTuple):
    """Paths of the build context, or of the context called `name`; `unpack` lets a tar among them be unpacked."""

    patterns: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    parents: bool = False
    unpack: bool = False
    name: str = ""

    @property
    def definition(self) -> object:
        """What is asked for."""
        return ("context", *self)

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """None: a directory has no cheap name."""
        return None

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """The files."""
        picked = pick(bench.files_of(self.name), self.patterns, exclude=Exclusion(self.exclude), parents=self.parents)
        return [_marked(one) for one in picked] if self.unpack else picked


class StageOrigin(NamedTuple):
    """Paths of another input of the vertex: a stage or an image."""

    index: int  # type: ignore[assignment]  # the input's number
    label: str
    patterns: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    parents: bool = False

    @property
    def definition(self) -> object:
        """What is asked for; the stage's name is not part of it."""
        return ("input", self.index, self.patterns, self.exclude, self.parents)

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """The stack's chain id."""
        return inputs[self.index].chain

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """The files."""
        source = inputs[self.index]
        files = bench.tree_files(self.label, source.layers, source.chain)
        return pick(files, self.patterns, exclude=Exclusion(self.exclude), parents=self.parents)


class HeredocOrigin(NamedTuple):
    """Files written in the Dockerfile itself."""

    documents: tuple[tuple[str, str], ...]  # (name, content)

    @property
    def definition(self) -> object:
        """The documents whole."""
        return ("heredoc", self.documents)

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """The definition says it all."""
        return "heredoc"

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """The files."""
        loose = [LooseFile.of(name.encode(), 0o644, text.encode()) for name, text in self.documents]
        files = LooseFiles("the Dockerfile", loose, mtime_ns=bench.mtime_ns)
        return [Picked(name.encode(), _get(files, name.encode()), files, name.encode()) for name, _ in self.documents]


class UrlOrigin(NamedTuple):
    """A download. With a checksum nothing is fetched when the result is known."""

    url: str
    checksum: str = ""
    unpack: bool = False
    exclude: tuple[str, ...] = ()

    @property
    def definition(self) -> object:
        """The address without its credentials."""
        return ("url", without_credentials(self.url), self.checksum, self.unpack, self.exclude)

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """The checksum."""
        return self.checksum or None

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """Download it. Raises: Corrupt when the checksum is another; NotFound; Unavailable."""
        shown = without_credentials(self.url)
        file = LooseFile.at(name_in(self.url), 0o600, bench.opening.download(self.url))
        if self.checksum and self.checksum != f"sha256:{file.digest}":
            raise Corrupt(
                "{url} has the digest sha256:{digest}, not {expected}",
                url=shown, digest=file.digest, expected=self.checksum,
            )  # fmt: skip
        if Exclusion(self.exclude).leaves_out(file.name):
            return []
        files = LooseFiles(shown, [file], mtime_ns=bench.mtime_ns)
        picked = Picked(file.name, _get(files, file.name), files, file.name)
        return [_marked(picked) if self.unpack else picked]


class GitOrigin(NamedTuple):
    """A repository, with its `.git` if `keep`. Nothing is fetched when the commit's result is known."""

    address: GitAddress
    keep: bool = False
    exclude: tuple[str, ...] = ()

    @property
    def definition(self) -> object:
        """The address without its credentials."""
        return ("git", *self.address[:-1], self.keep, self.exclude)

    def chain(self, inputs: Sequence[Solved], bench: Bench) -> str | None:
        """The commit, asked of the remote."""
        return bench.opening.repositories.find_commit(self.address) or None

    def pick(self, inputs: Sequence[Solved], bench: Bench) -> list[Picked]:
        """Fetch it. Raises: NotFound; Unavailable; Corrupt when it is another commit than asked for."""
        label = f"the git repository {self.address.url}"
        files = bench.opening.repository(self.address, label, keep=self.keep)
        return pick(files, (".",), exclude=Exclusion(self.exclude))


def _marked(picked: Picked) -> Picked:
    return picked._replace(archive=is_archive(picked.files, picked.entry))


def _get(files: Files, name: bytes) -> Entry:
    entry = files.find(name)
    assert entry is not None
    return entry
