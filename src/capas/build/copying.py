"""COPY and ADD as planned: which op, from where, and what the history says."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from itertools import groupby

from capas.build.ops.files import CopyOp
from capas.build.ops.origin import ContextOrigin, HeredocOrigin, Origin, StageOrigin, UrlOrigin
from capas.build.urls import is_git, is_http
from capas.dockerfile.instructions import Add, Copy
from capas.errors import CapasError, Invalid, Unsupported
from capas.oci.digest import Digest

Locate = Callable[[CapasError], CapasError]


def plan_copy(copy: Copy, workdir: str, locate: Locate, *, label: str, context: str = "", use_cache: bool) -> CopyOp:
    """The op of a COPY (expanded). With `label` it copies from the vertex's second input, else from that context.

    Raises: Invalid for sources that COPY does not take.
    """
    for source in copy.sources:
        if is_http(source) or is_git(source):
            raise Invalid("COPY does not take the URL {source}", source=source, hint="ADD does")
    origins: list[Origin] = []
    if copy.sources and label:
        origins.append(StageOrigin(1, label, copy.sources, copy.exclude, copy.parents))
    elif copy.sources:
        origins.append(ContextOrigin(copy.sources, copy.exclude, copy.parents, name=context))
    if copy.heredocs:
        origins.append(_heredocs(copy))
    return _op(copy, workdir, locate, origins, use_cache=use_cache)


def plan_add(add: Add, workdir: str, locate: Locate, *, use_cache: bool) -> CopyOp:
    """The op of an ADD (expanded). Raises: Invalid; Unsupported."""
    _check_add(add)
    origins: list[Origin] = []
    for remote, sources in groupby(add.sources, key=is_http):
        if remote:
            origins += [UrlOrigin(source, add.checksum, add.unpack or False) for source in sources]
        else:
            origins.append(ContextOrigin(tuple(sources), add.exclude, unpack=add.unpack is not False))
    if add.heredocs:
        origins.append(_heredocs(add))
    return _op(add, workdir, locate, origins, use_cache=use_cache)


def plan_whole(context: str, locate: Locate, *, use_cache: bool) -> CopyOp:
    """The op that makes a layer of all that is in a named context: what FROM it begins with."""
    origin = ContextOrigin((".",), name=context)
    return CopyOp(f"[context {context}]", locate, (origin,), "/", use_cache=use_cache)


def history_text(instruction: Copy | Add) -> str:
    """What the history says of it."""
    words = ["COPY" if isinstance(instruction, Copy) else "ADD"]
    if isinstance(instruction, Copy) and instruction.parents:
        words.append("--parents")
    words += [f"--chown={instruction.chown}"] if instruction.chown else []
    words += [f"--chmod={instruction.chmod}"] if instruction.chmod else []
    words += [_public(source) for source in instruction.sources]
    words += [f"<<{document.name}" for document in instruction.heredocs]
    return " ".join([*words, instruction.target, "# buildkit"])


def absolute(path: str, workdir: str) -> str:
    """The path from the root; a slash or dot at its end stays a slash."""
    joined = posixpath.join("/", workdir, path)
    ends = path.endswith(("/", "/.", "/..")) or path in ("", ".", "..")
    clean = posixpath.normpath(joined)
    clean = "/" + clean.lstrip("/")
    return clean + "/" if ends and clean != "/" else clean


def _op(instruction: Copy | Add, workdir: str, locate: Locate, origins: list[Origin], *, use_cache: bool) -> CopyOp:
    if len(instruction.sources) + len(instruction.heredocs) > 1 and not instruction.target.endswith(("/", ".")):
        raise Invalid(
            "several sources need a directory to go to: {target} does not end with a slash",
            target=instruction.target, hint=f"write {instruction.target}/",
        )  # fmt: skip
    return CopyOp(
        title=_public(instruction.original),
        locate=locate,
        origins=tuple(origins),
        target=absolute(instruction.target, workdir),
        chown=instruction.chown,
        chmod=instruction.chmod,
        link=instruction.link,
        use_cache=use_cache,
    )


def _heredocs(instruction: Copy | Add) -> HeredocOrigin:
    return HeredocOrigin(tuple((document.name, document.data) for document in instruction.heredocs))


def _check_add(add: Add) -> None:
    git = [source for source in add.sources if is_git(source)]
    if git:
        raise Unsupported(
            "ADD of a git repository is not there yet: {source}", source=_public(git[0]),
            hint="give the repository as the build context, or clone it in a RUN",
        )  # fmt: skip
    if add.keep_git_dir is not None:
        raise Invalid("--keep-git-dir needs a git repository to add")
    if not add.checksum:
        return
    if len(add.sources) != 1 or not is_http(add.sources[0]):
        raise Invalid("--checksum needs exactly one source, a URL")
    Digest.parse(add.checksum)


def _public(text: str) -> str:
    from capas.build.urls import without_credentials

    return without_credentials(text)
