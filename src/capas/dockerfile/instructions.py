"""Instructions as values: what each line of a Dockerfile asks for, before its variables are replaced.

Words that may hold variables (see `expand.expand_instruction`) are kept as written, quotes and all. `original` is the
instruction as one line, for the history; `position` is where it stands.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from capas.dockerfile.position import NOWHERE, Position
from capas.dockerfile.source import Source

_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


class Heredoc(NamedTuple):
    """A document written in the Dockerfile itself: `<<EOF … EOF`."""

    name: str  # the delimiter without quotes: COPY makes a file of this name
    content: str  # as written, each line ended by "\n"
    expand: bool  # the delimiter was not quoted: COPY and ADD replace variables inside
    chomp: bool  # `<<-`: leading tabs go
    position: Position = NOWHERE

    @property
    def data(self) -> str:
        """The content as the reader of the document sees it (leading tabs gone for `<<-`)."""
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


class Command(NamedTuple):
    """A command line: one text for the shell, or (exec form) the words themselves."""

    args: tuple[str, ...]
    shell: bool

    def argv(self, shell: tuple[str, ...]) -> tuple[str, ...]:
        """What is executed, given the stage's SHELL."""
        return (*shell, *self.args) if self.shell else self.args


class RunMount(NamedTuple):
    """One `--mount` of RUN. Numbers still written as a variable are None until expansion."""

    type: str = "bind"  # bind, cache, tmpfs, secret or ssh
    target: str = ""
    source: str = ""
    origin: str = ""  # from=: a stage, an image or a named context; "" is the build context (bind) or empty (cache)
    id: str = ""
    sharing: str = "shared"  # shared, private or locked
    read_only: bool = True
    required: bool = False
    env: str = ""
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    size: int | None = None
    text: str = ""  # as written, variables and all


class Pair(NamedTuple):
    """A key and a value, each a word as written."""

    key: str
    value: str


class ArgPair(NamedTuple):
    """A build argument and its default (None: none given)."""

    key: str
    value: str | None


class Run(NamedTuple):
    """RUN: a command whose changes make a layer."""

    position: Position
    original: str
    command: Command
    mounts: tuple[RunMount, ...] = ()
    network: str = "default"  # default, none or host
    security: str = "sandbox"  # sandbox or insecure
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def script(self) -> Heredoc | None:
        """The one heredoc that is the whole command (`RUN <<EOF`), if it is."""
        if len(self.heredocs) != 1 or not self.command.shell:
            return None
        words = self.command.args[0].split()
        return self.heredocs[0] if len(words) == 1 and words[0].lstrip("0123456789").startswith("<<") else None

    @property
    def executable(self) -> Heredoc | None:
        """The script, if it begins with `#!`: it is to be run as a file, not given to the shell."""
        script = self.script
        return script if script is not None and script.content.startswith("#!") else None

    @property
    def full_command(self) -> Command:
        """The command with its heredocs, as the shell is to read it."""
        if not self.heredocs:
            return self.command
        if self.script is not None:
            return Command((self.script.data,), shell=True)
        tail = "".join(f"\n{doc.content}{doc.name}" for doc in self.heredocs)
        return Command((self.command.args[0] + tail,), shell=True)


class Cmd(NamedTuple):
    """CMD: the default command. No words at all clears it."""

    position: Position
    original: str
    command: Command


class Entrypoint(NamedTuple):
    """ENTRYPOINT: the program that the command is given to."""

    position: Position
    original: str
    command: Command


class Label(NamedTuple):
    """LABEL: words kept in the image's config. `legacy` as with ENV."""

    position: Position
    original: str
    pairs: tuple[Pair, ...]
    legacy: bool = False


class Env(NamedTuple):
    """ENV: variables of later steps and of containers. `legacy` is the form without `=`."""

    position: Position
    original: str
    pairs: tuple[Pair, ...]
    legacy: bool = False


class Arg(NamedTuple):
    """ARG: variables of the build alone."""

    position: Position
    original: str
    pairs: tuple[ArgPair, ...]


class Expose(NamedTuple):
    """EXPOSE: ports as written, `port[-port][/protocol]`."""

    position: Position
    original: str
    ports: tuple[str, ...]


class Copy(NamedTuple):
    """COPY: files from the context, a stage or an image. `heredocs` are sources too, after `sources`."""

    position: Position
    original: str
    sources: tuple[str, ...]
    target: str
    origin: str = ""  # --from: a stage's name or number, a named context or an image; "" is the build context
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()


class Add(NamedTuple):
    """ADD: as COPY from the context, and URLs, git repositories, archives. None: as the source's kind asks."""

    position: Position
    original: str
    sources: tuple[str, ...]
    target: str
    chown: str = ""
    chmod: str = ""
    checksum: str = ""
    link: bool = False
    keep_git_dir: bool | None = None
    unpack: bool | None = None
    exclude: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()


class Volume(NamedTuple):
    """VOLUME: paths that hold a container's data."""

    position: Position
    original: str
    paths: tuple[str, ...]


class User(NamedTuple):
    """USER: `user[:group]` for later steps and containers."""

    position: Position
    original: str
    user: str


class Workdir(NamedTuple):
    """WORKDIR: where later steps and containers begin."""

    position: Position
    original: str
    path: str


class Onbuild(NamedTuple):
    """ONBUILD: an instruction for whoever builds FROM this image. `trigger` is its text, `inner` its value."""

    position: Position
    original: str
    trigger: str
    inner: Instruction


class Stopsignal(NamedTuple):
    """STOPSIGNAL: a name or a number."""

    position: Position
    original: str
    signal: str


class Healthcheck(NamedTuple):
    """HEALTHCHECK: `test` is docker's list (`NONE`; `CMD`, …; `CMD-SHELL`, text). Times are 0 where not given."""

    position: Position
    original: str
    test: tuple[str, ...]
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0


class Shell(NamedTuple):
    """SHELL: the words before a shell-form command."""

    position: Position
    original: str
    shell: tuple[str, ...]


class Maintainer(NamedTuple):
    """MAINTAINER: the author (old; LABEL says it better)."""

    position: Position
    original: str
    author: str


Instruction = (
    Run | Cmd | Label | Expose | Env | Add | Copy | Entrypoint | Volume | User | Workdir | Arg | Onbuild | Stopsignal
    | Healthcheck | Shell | Maintainer
)  # fmt: skip
"""What can stand in a stage."""


class Stage(NamedTuple):
    """One FROM and what follows it. `name` is lower case, "" for none; `base` and `platform` are words as written."""

    name: str
    base: str
    platform: str
    instructions: tuple[Instruction, ...]
    index: int  # type: ignore[assignment]  # the word of Dockerfiles; nobody asks a stage for tuple.index
    position: Position
    original: str = ""


class Dockerfile(NamedTuple):
    """A whole file: its stages, the ARGs before the first FROM, its parser directives and its escape character."""

    stages: tuple[Stage, ...]
    global_args: tuple[Arg, ...] = ()
    directives: tuple[tuple[str, str], ...] = ()
    escape: str = "\\"
    source: Source = Source()

    def find_stage(self, word: str, *, before: int | None = None, numbers: bool = True) -> Stage | None:
        """The stage of this name (any case) or number, as `--target`, `COPY --from` and FROM (no numbers) mean it.

        Of two stages of one name, the later is meant; `before` leaves out the stage of that index and what follows.
        """
        stages = self.stages if before is None else self.stages[:before]
        lowered = word.lower()
        for stage in reversed(stages):
            if stage.name and stage.name == lowered:
                return stage
        if numbers and word.isascii() and word.isdigit() and len(word) < 6 and int(word) < len(stages):
            return stages[int(word)]
        return None
