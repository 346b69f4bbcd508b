"""RUN --mount: what a step is lent while it runs, and what is not in the layer."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.instructions import RunMount
from capas.dockerfile.meaning.sentence import Fact, Plain, Risk, Sentence, beware, told

_SHARING = {
    "shared": told("builds at the same time may use it together (`sharing=shared`)"),
    "private": told("each build at the same time has one of its own (`sharing=private`)"),
    "locked": told("builds at the same time wait for each other (`sharing=locked`)"),
}
_CACHES = {
    "/root/.cache/pip": "pip", "/root/.npm": "npm", "/root/.cache/go-build": "go", "/go/pkg/mod": "go",
    "/var/cache/apt": "apt-get", "/var/lib/apt": "apt-get", "/root/.m2": "mvn", "/root/.gradle": "gradle",
    "/usr/local/cargo/registry": "cargo", "/root/.cache/uv": "uv", "/var/cache/apk": "apk", "/var/cache/dnf": "dnf",
    "/usr/local/share/.cache/yarn": "yarn",
}  # fmt: skip


def explain_mount(mount: RunMount) -> Iterator[Sentence | Risk]:
    """A `--mount`, by its type."""
    if "$" in mount.text and mount.type == "bind" and not mount.target:
        yield told("With {mount} lent to it, which is decided when it is built", mount=f"--mount={mount.text}")
        return
    yield from _TYPES[mount.type](mount)


def _bind(mount: RunMount) -> Iterator[Sentence | Risk]:
    source: Fact = mount.source or Plain("/")
    if mount.origin:
        yield told("Lends it {source} of {origin} at {target}, without copying it into a layer (`type=bind`)",
                   source=source, origin=mount.origin, target=mount.target)  # fmt: skip
    else:
        yield told("Lends it {source} of the build context at {target}, without copying it into a layer (`type=bind`)",
                   source=source, target=mount.target)  # fmt: skip
    if not mount.read_only:
        yield told("It may write there (`rw`), but what it writes is thrown away")


def _cache(mount: RunMount) -> Iterator[Sentence | Risk]:
    yield told("Lends it a cache at {target} that outlives the build and is in no layer (`type=cache`)",
               target=mount.target)  # fmt: skip
    program = next((name for path, name in _CACHES.items() if mount.target.rstrip("/").startswith(path)), "")
    if program:
        yield told("{program} finds there what it downloaded last time", program=Plain(program))
    if mount.id:
        yield told("The cache is called {id}: every step that says so has the same one", id=mount.id)
    if mount.origin:
        yield told("An empty cache begins with {source} of {origin}", source=mount.source or Plain("/"),
                   origin=mount.origin)  # fmt: skip
    if "sharing=" in mount.text:
        yield _SHARING[mount.sharing]
    if mount.read_only:
        yield told("It may only read there (`ro`)")
    yield from _rights(mount)


def _tmpfs(mount: RunMount) -> Iterator[Sentence | Risk]:
    yield told("Lends it an empty place in memory at {target}, which is gone after the step (`type=tmpfs`)",
               target=mount.target)  # fmt: skip
    if mount.size is not None:
        yield told("of at most {size} bytes", size=mount.size)


def _secret(mount: RunMount) -> Iterator[Sentence | Risk]:
    name = mount.id or mount.source or mount.target.rpartition("/")[2]
    if mount.env and not mount.target:
        yield told("Lends it the secret {name} in the variable {variable}: it is in no layer and no history",
                   name=name, variable=mount.env)  # fmt: skip
    else:
        yield told("Lends it the secret {name} as the file {target}: it is in no layer and no history",
                   name=name, target=mount.target or f"/run/secrets/{name}")  # fmt: skip
        if mount.env:
            yield told("and in the variable {variable}", variable=mount.env)
    yield told("`capas build --secret id={name},src=FILE` gives it", name=Plain(name))
    if mount.required:
        yield told("Without it the build fails (`required`)")
    else:
        yield beware("Without the secret {name} the step runs all the same; `required=true` would stop it", name=name)
    yield from _rights(mount)


def _ssh(mount: RunMount) -> Iterator[Sentence | Risk]:
    yield told("Lends it the keys of your ssh agent, which it can use and not see (`type=ssh`)")
    if mount.id:
        yield told("It is the agent called {id}: `capas build --ssh {plain}=…`", id=mount.id, plain=Plain(mount.id))
    else:
        yield told("`capas build --ssh default` gives it")
    if mount.target:
        yield told("Its socket is {target}", target=mount.target)
    if mount.required:
        yield told("Without it the build fails (`required`)")
    yield from _rights(mount)


def _rights(mount: RunMount) -> Iterator[Sentence]:
    if mount.uid is not None and mount.gid is not None:
        yield told("It belongs to the user {uid} and the group {gid}", uid=mount.uid, gid=mount.gid)
    elif mount.uid is not None:
        yield told("It belongs to the user {uid}", uid=mount.uid)
    elif mount.gid is not None:
        yield told("It belongs to the group {gid}", gid=mount.gid)
    if mount.mode is not None:
        yield told("Its permissions are {mode}", mode=Plain(f"{mount.mode:04o}"))


_TYPES = {"bind": _bind, "cache": _cache, "tmpfs": _tmpfs, "secret": _secret, "ssh": _ssh}
