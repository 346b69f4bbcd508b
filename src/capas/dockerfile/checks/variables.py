"""Variables: used before they are there, in FROM and in a stage; a secret in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from capas.dockerfile.checks.finding import Finding, note
from capas.dockerfile.checks.rule import Severity, docker_rule, hadolint_rule
from capas.dockerfile.checks.subject import StageText, Step, Subject
from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.instructions import Arg, ArgPair, Env, Expose, Instruction
from capas.errors import CapasError

UNDEFINED_IN_FROM = docker_rule(
    "UndefinedArgInFrom", "FROM sees only what an ARG before the first FROM declares", "undefined-arg-in-from"
)
UNDEFINED_VAR = docker_rule(
    "UndefinedVar", "A variable that nothing sets is empty, and seldom meant so", "undefined-var"
)
SECRET_VARIABLE = docker_rule(
    "SecretsUsedInArgOrEnv",
    "ARG and ENV stay readable in the image and its history",
    "secrets-used-in-arg-or-env",
    "DL3064",
)
SAME_ENV = hadolint_rule("DL3044", Severity.ERROR, "One ENV sees variables as they were before it")
RULES = (UNDEFINED_IN_FROM, UNDEFINED_VAR, SECRET_VARIABLE, SAME_ENV)

# what FROM and ARG see of the platforms; the values are those of an ordinary build
AUTOMATIC = {
    "TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64", "TARGETVARIANT": "",
    "BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
    "TARGETSTAGE": "default",
}  # fmt: skip
_DEFAULT_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_NEAR = 0.75
_MOST_GUESSES = 50  # a guess among more names than this would take longer than it is worth
_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE)


class Sight(NamedTuple):
    """What one instruction sees: itself expanded, and the variables it names that nothing has set or declared.

    `known` are the names it could have used: only kept where one is unset.
    """

    step: Step
    expanded: Instruction | None
    unset: tuple[str, ...]
    known: tuple[str, ...] = ()


class Seen(NamedTuple):
    """A stage, what its instructions see, and whether all that its base sets is known."""

    stage: StageText
    sights: tuple[Sight, ...]
    variables: Mapping[str, str | None]  # at its end; None: an ARG without a value
    complete: bool


def look(subject: Subject) -> list[Seen]:
    """Every stage, walked once."""
    outer = global_variables(subject)
    found: list[Seen] = []
    for stage in subject.stages:
        found.append(_look_at(subject, stage, outer, found))
    return found


def check_from(subject: Subject) -> Iterator[Finding]:
    """FROM's variables are declared."""
    values = {**AUTOMATIC, **global_variables(subject)}
    declared = set(values) | _global_names(subject)
    for stage in subject.stages:
        expander = Expander(values, subject.escape)
        for text in (stage.stage.base, stage.stage.platform):
            try_word(expander, text)
        for name in sorted(expander.missing - declared):
            meant = _nearest(name, declared)
            yield note(
                UNDEFINED_IN_FROM, stage.request.position,
                "FROM argument '{name}' is not declared (did you mean {meant}?)" if meant
                else "FROM argument '{name}' is not declared", name=name, meant=meant,
                hint="write ARG {name} before the first FROM",
            )  # fmt: skip


def check_variables(subject: Subject) -> Iterator[Finding]:
    """Variables in instructions of a stage are set."""
    outer = _global_names(subject)
    for seen in look(subject):
        for sight in seen.sights:
            # docker looks for no variables in EXPOSE
            for name in () if isinstance(sight.expanded, Expose) else sight.unset:
                meant = _nearest(name, sight.known)
                # what an unknown base sets is not known: there only what is plainly wrong is told
                if seen.complete or meant or name in outer or name in seen.variables:
                    yield note(
                        UNDEFINED_VAR, sight.step.request.position,
                        "Usage of undefined variable '${name}' (did you mean ${meant}?)" if meant
                        else "Usage of undefined variable '${name}'", name=name, meant=meant,
                        hint="declare it above with ARG or ENV",
                    )  # fmt: skip


def check_secrets(subject: Subject) -> Iterator[Finding]:
    """Names that sound secret in ARG and ENV."""
    steps = [*subject.global_steps, *(step for _, step in subject.iter_steps())]
    for step in steps:
        if not isinstance(step.instruction, Arg | Env):
            continue
        for pair in step.instruction.pairs:
            if _SECRET.search(pair.key) and not _PUBLIC.search(pair.key):
                yield note(
                    SECRET_VARIABLE, step.request.position,
                    'Do not use ARG or ENV instructions for sensitive data ({instruction} "{name}")',
                    instruction=step.request.name, name=pair.key,
                    hint="give it to the step that needs it: RUN --mount=type=secret,id={name},env={name}",
                )  # fmt: skip


def check_same_env(subject: Subject) -> Iterator[Finding]:
    """ENV a=1 b=$a."""
    for seen in look(subject):
        for sight in seen.sights:
            env = sight.step.instruction
            if isinstance(env, Env):
                own = {pair.key for pair in env.pairs} & set(sight.unset)
                for name in sorted(name for name in own if _used_beside(env, name, subject.escape)):
                    yield note(
                        SAME_ENV, sight.step.request.position, "${name} is used in the ENV that sets it", name=name,
                        hint="split it: an ENV for {name}, and another one after it for what uses it",
                    )  # fmt: skip


def _used_beside(env: Env, name: str, escape: str) -> bool:
    for pair in env.pairs:
        expander = Expander({}, escape)
        try_word(expander, pair.value)
        if pair.key != name and name in expander.missing:
            return True
    return False


def _global_names(subject: Subject) -> set[str]:
    args = (step.instruction for step in subject.global_steps)
    return {pair.key for arg in args if isinstance(arg, Arg) for pair in arg.pairs}


def global_variables(subject: Subject) -> dict[str, str]:
    """The defaults of the ARGs before the first FROM."""
    values: dict[str, str] = {}
    for step in subject.global_steps:
        if isinstance(step.instruction, Arg):
            for pair in step.instruction.pairs:
                value = try_word(Expander({**AUTOMATIC, **values}, subject.escape), pair.value or "")
                if pair.value is not None:
                    values[pair.key] = value
    return values


def _look_at(subject: Subject, stage: StageText, outer: Mapping[str, str], before: list[Seen]) -> Seen:
    variables, complete = _begin(subject, stage, outer, before)
    sights = tuple(_look(step, variables, outer, subject.escape) for step in stage.steps)
    return Seen(stage, sights, variables, complete)


def _begin(
    subject: Subject, stage: StageText, outer: Mapping[str, str], before: list[Seen]
) -> tuple[dict[str, str | None], bool]:
    word = try_word(Expander({**AUTOMATIC, **outer}, subject.escape), stage.stage.base)
    below = subject.find_stage(word, stage.stage.index)
    if below is not None:
        seen = before[below.stage.index]
        return dict(seen.variables), seen.complete
    facts = subject.find_base(word)
    known = word == "scratch" or facts is not None
    return {**_DEFAULT_PATH, **(facts.env if facts else {})}, known


def _look(step: Step, variables: dict[str, str | None], outer: Mapping[str, str], escape: str) -> Sight:
    """What it sees; `variables` are then those after it."""
    expander = Expander(_Set(variables), escape)
    instruction = step.instruction
    values: dict[str, str | None] = {}
    if isinstance(instruction, Arg):
        values = {pair.key: _arg_value(expander, pair, outer, variables) for pair in instruction.pairs}
    elif instruction is not None:
        try:
            instruction = expand_instruction(instruction, expander)
        except CapasError:
            pass  # as it is: without --build-arg there is not always a value
    unset = tuple(sorted(name for name in expander.missing if name not in variables))
    sight = Sight(step, instruction, unset, tuple(islice(reversed(variables), _MOST_GUESSES)) if unset else ())
    if isinstance(instruction, Env):
        values = {pair.key: pair.value for pair in instruction.pairs}
    variables.update(values)
    return sight


class _Set(Mapping[str, str]):
    """The variables that have a value, without copying them for every instruction."""

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        value = self._variables[name]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in self._variables.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _arg_value(
    expander: Expander, pair: ArgPair, outer: Mapping[str, str], variables: Mapping[str, str | None]
) -> str | None:
    if pair.value is not None:
        return try_word(expander, pair.value)
    return outer.get(pair.key, AUTOMATIC.get(pair.key, variables.get(pair.key)))


def try_word(expander: Expander, text: str) -> str:
    """The word expanded; "" where that cannot be done."""
    try:
        return expander.word(text)
    except CapasError:
        return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR) if len(name) < 60 else []
    return near[0] if near else ""
