"""COPY and ADD: where files come from, where they go, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capas.dockerfile.instructions import Add, Copy, Heredoc
from capas.dockerfile.meaning.owners import explain_chmod, explain_chown
from capas.dockerfile.meaning.scene import ROOT, Scene
from capas.dockerfile.meaning.sentence import Listed, Risk, Sentence, beware, counted, told

_ARCHIVE = re.compile(r".*\.(?:tar|tar\.\w+|tgz|tbz2?|txz|tzst)", re.IGNORECASE)
_GIT = re.compile(r"(?:git@|git://|ssh://.*|https?://.*\.git(?:[#?].*)?$).*")
_URL = re.compile(r"https?://")
_WILD = re.compile(r"[*?\[]")


def explain_copy(copy: Copy, scene: Scene) -> Iterator[Sentence | Risk]:
    """A COPY, its variables replaced."""
    if copy.sources:
        yield _what(copy, scene)
    yield from _heredocs(copy.heredocs, copy.target, scene)
    yield from _origin(copy, scene)
    yield from _shape(copy, scene)
    if copy.parents:
        yield told("Keeps the folders that the sources stand in ({flag}): {source} becomes {target}",
                   flag="--parents", source=copy.sources[0] if copy.sources else "",
                   target=_under(copy.target, copy.sources))  # fmt: skip
    yield from _flags(copy, scene)


def explain_add(add: Add, scene: Scene) -> Iterator[Sentence | Risk]:
    """An ADD, its variables replaced."""
    groups: dict[str, list[str]] = {}
    for source in add.sources:
        groups.setdefault(_kind(source), []).append(source)
    for kind, sources in groups.items():
        yield from _ADDED[kind](add, sources, scene)
    yield from _heredocs(add.heredocs, add.target, scene)
    yield from _shape(add, scene)
    if add.checksum:
        yield told("Fails unless what came has the digest {digest} (`--checksum`): nobody can slip in other bytes",
                   digest=add.checksum)  # fmt: skip
    if add.keep_git_dir:
        yield told("Keeps the folder {folder} with the history of the repository (`--keep-git-dir`)", folder=".git")
    yield from _flags(add, scene)


def _kind(source: str) -> str:
    if _GIT.match(source):
        return "git"
    if _URL.match(source):
        return "url"
    return "archive" if _ARCHIVE.fullmatch(source) else "files"


def _added_git(add: Add, sources: list[str], scene: Scene) -> Iterator[Sentence | Risk]:
    yield counted(
        "Fetches the git repository {items} and puts its files in {target}",
        "Fetches the git repositories {items} and puts their files in {target}", sources,
        target=scene.place(add.target),
    )  # fmt: skip
    loose = [source for source in sources if "#" not in source and "?" not in source]
    if loose:
        yield beware("{source} names no commit: what is built is whatever the branch holds that day; "
                     "`#v1.2` after the address pins it", source=loose[0])  # fmt: skip


def _added_url(add: Add, sources: list[str], scene: Scene) -> Iterator[Sentence | Risk]:
    yield counted("Downloads {items} into {target}", "Downloads {items} into {target}", sources,
                  target=scene.place(add.target))  # fmt: skip
    if add.unpack:
        yield told("Unpacks what was downloaded (`--unpack`)")
    else:
        yield told("What is downloaded is not unpacked; only the owner may read it, unless `--chmod` says otherwise")
    if not add.checksum:
        yield beware("Nothing says which bytes must come from {source}: `--checksum=sha256:…` would", source=sources[0])


def _added_archive(add: Add, sources: list[str], scene: Scene) -> Iterator[Sentence | Risk]:
    if add.unpack is False:
        yield counted("Copies the archive {items} as it is to {target} (`--unpack=false`)",
                      "Copies the archives {items} as they are to {target} (`--unpack=false`)", sources,
                      target=scene.place(add.target))  # fmt: skip
        return
    yield counted(
        "Unpacks the archive {items} of the build context into {target}: the archive itself is not kept",
        "Unpacks the archives {items} of the build context into {target}: the archives themselves are not kept",
        sources, target=scene.place(add.target),
    )  # fmt: skip


def _added_files(add: Add, sources: list[str], scene: Scene) -> Iterator[Sentence | Risk]:
    yield counted("Copies {items} of the build context to {target}, as COPY would",
                  "Copies {items} of the build context to {target}, as COPY would", sources,
                  target=scene.place(add.target))  # fmt: skip


_ADDED = {"git": _added_git, "url": _added_url, "archive": _added_archive, "files": _added_files}


def _what(copy: Copy, scene: Scene) -> Sentence:
    target = scene.place(copy.target)
    if not copy.origin:
        if copy.sources in ((".",), ("./",)):
            return told("Copies the whole build context, but for what .dockerignore leaves out, to {target}",
                        target=target)  # fmt: skip
        return told("Copies {items} of the build context to {target}", items=Listed(copy.sources), target=target)
    if _stage(copy, scene):
        return told("Copies {items} of the stage {origin} to {target}", items=Listed(copy.sources), origin=copy.origin,
                    target=target)  # fmt: skip
    return told("Copies {items} of {origin} to {target}", items=Listed(copy.sources), origin=copy.origin, target=target)


def _origin(copy: Copy, scene: Scene) -> Iterator[Sentence]:
    if not copy.origin:
        return
    line = _stage(copy, scene)
    if scene.subject is None:
        yield told("{origin} was a stage, an image or a context of that build", origin=copy.origin)
    elif line:
        yield told(
            "Only these files come along from the stage {origin} (line {line}); all else it holds stays out of the "
            "image", origin=copy.origin, line=line,
        )  # fmt: skip
    else:
        yield told("{origin} is no stage of this file: it is an image, or a context given as `--build-context "
                   "{origin}=…`",
                   origin=copy.origin)  # fmt: skip


def _stage(copy: Copy, scene: Scene) -> int:
    """The line of the stage that `--from` means; 0 for none."""
    if scene.subject is None or scene.stage is None:
        return 0
    found = scene.subject.find_stage(copy.origin, scene.stage.stage.index)
    if found is None and copy.origin.isdecimal() and int(copy.origin) < len(scene.subject.stages):
        found = scene.subject.stages[int(copy.origin)]
    return found.request.position.line if found else 0


def _heredocs(docs: tuple[Heredoc, ...], target: str, scene: Scene) -> Iterator[Sentence]:
    for doc in docs:
        path = scene.place(target) + (doc.name if target.endswith("/") else "")
        lines = doc.content.count("\n")
        yield counted("Writes the line that stands here, up to {name}, as the file {path}",
                      "Writes the {count} lines that stand here, up to {name}, as the file {path}",
                      [""] * lines, name=doc.name, path=path, count=lines)  # fmt: skip
        if doc.expand:
            yield told('Variables in it are replaced; <<"{name}" with quotes would leave them alone', name=doc.name)
        else:
            yield told("{name} is in quotes, so that variables in it are left alone", name=doc.name)
        if doc.chomp:
            yield told("Tabs at the beginning of its lines go (`<<-`)")


def _shape(step: Copy | Add, scene: Scene) -> Iterator[Sentence | Risk]:
    """What the form of the paths says."""
    if _is_list(step.original):
        yield told("Written as a JSON list, so that paths may hold blanks")
    wild = [source for source in step.sources if _WILD.search(source) and not _URL.match(source)]
    if wild:
        yield counted("{items} is a pattern: every file that it fits is taken",
                      "{items} are patterns: every file that they fit is taken", wild)  # fmt: skip
    folders = [source for source in step.sources if source.endswith("/") and not _URL.match(source)]
    if folders:
        yield counted(
            "Of the directory {items} its contents are copied, not the directory itself",
            "Of the directories {items} their contents are copied, not the directories themselves",
            folders,
        )
    if not step.target.startswith("/") and "$" not in step.target:
        if scene.workdir:
            yield told("{target} is counted from the working directory {workdir}", target=step.target,
                       workdir=scene.workdir)  # fmt: skip
        else:
            yield told("{target} is counted from the working directory of the base image", target=step.target)
    if not step.target.endswith(("/", ".")) and len(step.sources) == 1 and not step.heredocs:
        yield told("Without a slash at its end, {target} is what a single file is called there; of a directory the "
                   "contents go into it",
                   target=step.target)  # fmt: skip


def _is_list(original: str) -> bool:
    words = [word for word in original.split()[1:] if not word.startswith("--")]
    return bool(words) and words[0].startswith("[")


def _flags(step: Copy | Add, scene: Scene) -> Iterator[Sentence | Risk]:
    if step.chown:
        yield from explain_chown(step.chown)
    elif scene.user and scene.user.partition(":")[0] not in ROOT:
        yield beware(
            "What is copied belongs to root, not to {user}: `--chown={user}` would make it theirs", user=scene.user
        )
    if step.chmod:
        yield from explain_chmod(step.chmod)
    if step.link:
        yield told("Makes the layer without looking at what is below (`--link`): it stays the same, and in the cache, "
                   "when the base image changes")  # fmt: skip
        yield beware("With `--link` a link in the image on the way to {target} is not followed: it is replaced",
                     target=step.target)  # fmt: skip
    if step.exclude:
        yield counted("Leaves out what fits {items} (`--exclude`)", "Leaves out what fits {items} (`--exclude`)",
                      step.exclude)  # fmt: skip


def _under(target: str, sources: tuple[str, ...]) -> str:
    first = sources[0] if sources else ""
    _, found, kept = first.partition("/./")
    return target.rstrip("/") + "/" + (kept if found else first.removeprefix("./"))
