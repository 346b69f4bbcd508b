"""COPY and ADD as planned: which op, from where, and what the history says."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from itertools import groupby

from capas.build.git_address import GitAddress
from capas.build.ops.files import CopyOp
from capas.build.ops.origin import ContextOrigin, GitOrigin, HeredocOrigin, Origin, StageOrigin, UrlOrigin
from capas.build.urls import is_git, is_http, without_credentials
from capas.dockerfile.instructions import Add, Copy
from capas.errors import CapasError, Invalid
from capas.oci.digest import Digest

_GIT, _HTTP = "git", "http"
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
    for kind, sources in groupby(add.sources, key=_kind):
        if kind == _GIT:
            origins += [_git_origin(add, source) for source in sources]
        elif kind == _HTTP:
            origins += [UrlOrigin(source, add.checksum, add.unpack or False, add.exclude) for source in sources]
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


def _kind(source: str) -> str:
    return _GIT if is_git(source) else _HTTP if is_http(source) else ""


def _git_origin(add: Add, source: str) -> GitOrigin:
    address = GitAddress.parse(source)
    keep = add.keep_git_dir
    if None not in (keep, address.keep_git_dir) and keep != address.keep_git_dir:
        raise Invalid("--keep-git-dir and the git address do not agree")
    if add.checksum:
        if address.commit and address.commit != add.checksum.lower():
            raise Invalid("--checksum and the git address do not agree")
        address = address.with_commit(add.checksum)
    return GitOrigin(address, bool(address.keep_git_dir if keep is None else keep), add.exclude)


def _check_add(add: Add) -> None:
    """Raises: Invalid for a flag that the sources have no use for."""
    kinds = [_kind(source) for source in add.sources]
    if add.keep_git_dir is not None and _GIT not in kinds:
        raise Invalid("--keep-git-dir needs a git repository to add")
    if not add.checksum:
        return
    if kinds not in ([_GIT], [_HTTP]) or add.heredocs:
        raise Invalid("--checksum needs exactly one source, a URL or a git repository")
    if kinds == [_HTTP]:
        Digest.parse(add.checksum)


def _public(text: str) -> str:
    return without_credentials(text)
