"""Scopes: which variables an instruction sees, and whose value wins.

- An ARG before the first FROM is seen by FROM lines, and by a stage that declares it again without a default.
- In a stage, ARG is seen from its own line on. `--build-arg` wins over the default; the default over the global one.
- ENV and ARG of one name: the later line wins for what follows it, and only ENV is kept in the image.
- The proxy variables need no ARG: RUN sees them, the image and the cache do not.

Spec: Dockerfile reference, "Understand how ARG and FROM interact", "Scope", "Using ARG variables", "Predefined ARGs".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capas.dockerfile.expand import expand_word
from capas.dockerfile.instructions import Arg, Dockerfile, Instruction, Pair
from capas.errors import CapasError

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


def global_scope(dockerfile: Dockerfile, build_args: Mapping[str, str], automatic: Mapping[str, str]) -> dict[str, str]:
    """The variables that FROM lines see. `automatic` are the platform's (TARGETPLATFORM, BUILDARCH, …).

    Raises: Invalid, at its place, for a default that cannot be expanded.
    """
    values = {**automatic, **{name: build_args[name] for name in automatic if name in build_args}}
    for arg in dockerfile.global_args:
        for pair in arg.pairs:
            value = build_args.get(pair.key)
            if value is None and pair.value is not None:
                value = _expand(dockerfile, arg, pair.value, values)
            if value is not None:
                values[pair.key] = value
    return values


def list_known_args(dockerfile: Dockerfile, automatic: Iterable[str] = ()) -> frozenset[str]:
    """Every name that `--build-arg` can set in this Dockerfile: others were given for nothing."""
    always = {name for proxy in PROXIES for name in (proxy, proxy.lower())}
    declared = {pair.key for arg in dockerfile.global_args for pair in arg.pairs}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                declared |= {pair.key for pair in instruction.pairs}
    return frozenset(declared | always | set(automatic))


def proxy_args(build_args: Mapping[str, str]) -> dict[str, str]:
    """The proxy variables among the build arguments, as RUN sees them without any ARG."""
    return {name: value for name, value in build_args.items() if name.upper() in PROXIES}


class Scope(NamedTuple):
    """The variables at one line of a stage. `env` is what the image keeps; `args` are the build's own.

    `variables` is what words are expanded with, and with it what RUN finds in its environment.
    """

    env: Mapping[str, str]
    args: Mapping[str, str]
    variables: Mapping[str, str]
    build_args: Mapping[str, str]
    outer: Mapping[str, str]

    @classmethod
    def begin(cls, env: Mapping[str, str], build_args: Mapping[str, str], outer: Mapping[str, str]) -> Scope:
        """The start of a stage: the base's environment, and `global_scope` as `outer`."""
        return cls(dict(env), {}, dict(env), build_args, outer)

    def with_env(self, pairs: Iterable[Pair]) -> Scope:
        """After an ENV, already expanded."""
        new = {pair.key: pair.value for pair in pairs}
        return self._replace(env={**self.env, **new}, variables={**self.variables, **new})

    def with_arg(self, dockerfile: Dockerfile, arg: Arg) -> Scope:
        """After an ARG; each of its pairs sees the ones before it. Raises: Invalid, at its place."""
        args, variables = dict(self.args), dict(self.variables)
        for pair in arg.pairs:
            value = self.build_args.get(pair.key)
            if value is None and pair.value is not None:
                value = _expand(dockerfile, arg, pair.value, variables)
            if value is None:
                value = self.outer.get(pair.key)
            if value is not None:
                args[pair.key] = variables[pair.key] = value
        return self._replace(args=args, variables=variables)


def _expand(dockerfile: Dockerfile, at: Instruction, text: str, variables: Mapping[str, str]) -> str:
    try:
        return expand_word(text, variables, dockerfile.escape)
    except CapasError as error:
        raise dockerfile.source.locate(error, at.position) from None
