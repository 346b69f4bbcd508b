"""RUN --mount, option by option."""

from __future__ import annotations

import pytest

from capas.dockerfile.instructions import RunMount
from capas.dockerfile.mount import parse_mount
from capas.errors import Invalid


def test_a_bind_is_the_default_and_read_only() -> None:
    mount = parse_mount("target=/x,source=a,from=build")
    assert (mount.type, mount.target, mount.source, mount.origin) == ("bind", "/x", "a", "build")
    assert mount.read_only


def test_a_cache_is_writable_and_shared() -> None:
    mount = parse_mount("type=cache,dst=/c,id=pip,sharing=LOCKED,uid=5,gid=6,mode=0700")
    assert (mount.read_only, mount.id, mount.sharing) == (False, "pip", "locked")
    assert (mount.uid, mount.gid, mount.mode) == (5, 6, 0o700)


def test_a_tmpfs_has_a_size() -> None:
    sizes = [parse_mount(f"type=tmpfs,target=/t,size={size}").size for size in ("512", "1k", "2m", "1.5GiB", "1gb")]
    assert sizes == [512, 1024, 2 * 1024**2, 3 * 1024**3 // 2, 1024**3]


def test_a_secret_and_an_ssh_socket_may_be_required() -> None:
    secret = parse_mount("type=secret,id=token,env=TOKEN,required")
    assert (secret.id, secret.env, secret.required, secret.target) == ("token", "TOKEN", True, "")
    assert parse_mount("type=ssh,required=false") == RunMount(type="ssh", text="type=ssh,required=false")


@pytest.mark.parametrize(
    ("text", "read_only"), [("rw", False), ("readwrite=true", False), ("rw=false", True), ("ro", True), ("ro=0", False)]
)
def test_writing_is_switched(text: str, read_only: bool) -> None:
    assert parse_mount(f"target=/x,{text}").read_only is read_only


def test_a_field_in_quotes_may_hold_a_comma() -> None:
    assert parse_mount('target=/x,"source=a,b"').source == "a,b"


def test_a_value_with_a_variable_waits_for_its_expansion() -> None:
    waiting = parse_mount("type=cache,target=$T,uid=$U")
    assert (waiting.type, waiting.target, waiting.uid) == ("cache", "", None)
    ready = parse_mount(waiting.text, lambda word: {"$T": "/t", "$U": "3"}.get(word, word))
    assert (ready.target, ready.uid) == ("/t", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=bnd,target=/x", "unknown type of mount"),
        ("target=/x,bind-propagation=shared", "unknown option"),
        ("type=cache", "needs a target"),
        ("source=a", "needs a target"),
        ("type=secret", "needs an id"),
        ("type=secret,id=a,source=b", "not both"),
        ("type=secret,id=a,from=b", "has no option from"),
        ("type=bind,target=/x,sharing=private", "has no option sharing"),
        ("type=bind,target=/x,uid=0", "has no option uid"),
        ("type=cache,target=/x,size=5", "has no option size"),
        ("type=tmpfs,target=/x,required", "has no option required"),
        ("type=cache,target=/x,sharing=lockd", "unknown sharing"),
        ("type=cache,target=/x,uid=-1", "is a number"),
        ("type=cache,target=/x,uid=4294967296", "is a number"),
        ("type=cache,target=/x,uid=٣", "is a number"),
        ("type=cache,target=/x,mode=0888", "in octal"),
        ("type=cache,target=/x,mode=", "in octal"),
        ("type=tmpfs,target=/x,size=big", "size of a mount"),
        ("target=/x,ro=maybe", "true or false"),
        ("target", "needs a value"),
        ("target=/x,from=$STAGE", "holds no variable"),
        ('target=/x,"open', "cannot read"),
        ("type=cache,target=/x,id=../../etc", "cannot hold"),
        ("type=cache,target=/x,id=a/../b", "cannot hold"),
        ("type=cache,target=/x,id=..", "cannot hold"),
    ],
)
def test_an_option_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_mount(text)
