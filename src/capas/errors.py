"""Every error that Capas raises on purpose: one root, eleven kinds.

CapasError
├── Invalid          what was given cannot be right: a name, a flag, a document, a Dockerfile
├── NotFound         the thing named is not there
├── AlreadyExists    the name is taken
├── Conflict         the thing is in use, or in the wrong state for this
├── Unauthenticated  who are you? (no or wrong credentials)
├── Denied           known, but not allowed
├── Unavailable      the other side is down or does not answer: trying again may help
├── Exhausted        a limit or a disk is full
├── Corrupt          bytes are not what their digest, size or format says
├── Unsupported      right, but this machine or this version cannot do it
└── Interrupted      stopped from outside, or by the failure of a sibling task
"""

from __future__ import annotations


class CapasError(Exception):
    """The root: a message template, the facts that fill it, and what to do next.

    The template stays apart from its facts so that the edges can say it in another language;
    the facts are attributes too (`error.digest`).

    >>> str(NotFound("no such image: {image}", image="nginx"))
    'no such image: nginx'
    """

    def __init__(self, message: str, *, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint_template = hint
        self.facts = facts
        self.__dict__.update({k: v for k, v in facts.items() if k not in ("message", "facts", "hint")})

    def __str__(self) -> str:
        return fill(self.message, self.facts)

    @property
    def hint(self) -> str:
        """What to do next, or an empty string."""
        return fill(self.hint_template, self.facts)

    @property
    def told(self) -> Told:
        """What it says, as a fact of another error or the words of an event."""
        return Told(self.message, self.facts)

    @property
    def advised(self) -> Told:
        """What to do next, likewise."""
        return Told(self.hint_template, self.facts)

    def as_facts(self) -> dict[str, object]:
        """What it says and what to do, as the facts `problem` and `advice` of an error that also says where."""
        return {"problem": self.told, "advice": self.advised}


class Invalid(CapasError):
    """What was given cannot be right."""


class NotFound(CapasError):
    """The thing named is not there."""


class AlreadyExists(CapasError):
    """The name is taken."""


class Conflict(CapasError):
    """The thing is in use, or in the wrong state."""


class Unauthenticated(CapasError):
    """No credentials, or wrong ones."""


class Denied(CapasError):
    """Known, but not allowed."""


class Unavailable(CapasError):
    """The other side is down: trying again may help."""


class Exhausted(CapasError):
    """A limit or a disk is full."""


class Corrupt(CapasError):
    """Bytes are not what their digest, size or format says."""


class Unsupported(CapasError):
    """Right, but this machine or version cannot do it."""


class Interrupted(CapasError):
    """Stopped from outside or by a sibling's failure."""


def fill(template: str, facts: dict[str, object]) -> str:
    """The template with its facts; a template without facts is plain text, braces and all."""
    return template.format_map(facts) if facts else template


class Told(str):
    """A filled template that can still be said in another language: what an error says, the words of an event."""

    __slots__ = ("facts", "template")
    template: str
    facts: dict[str, object]

    def __new__(cls, template: str, facts: dict[str, object]) -> Told:
        """The filled template."""
        told = super().__new__(cls, fill(template, facts))
        told.template, told.facts = template, facts
        return told

    def __reduce__(self) -> tuple[type[Told], tuple[str, dict[str, object]]]:
        return Told, (self.template, self.facts)
