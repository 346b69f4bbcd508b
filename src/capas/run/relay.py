"""An error of a keeper as JSON, and back: whoever asked raises it as it was, for its own language and exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capas import errors
from capas.errors import CapasError
from capas.run.exits import exit_code_of


def dump_error(error: CapasError) -> dict[str, Any]:
    """What `load_error` reads."""
    facts = {name: fact if isinstance(fact, int | float) else str(fact) for name, fact in error.facts.items()}
    return {"error": type(error).__name__, "message": error.message, "hint": error.hint_template, "facts": facts,
            "code": exit_code_of(error)}  # fmt: skip


def load_error(told: Mapping[str, Any]) -> CapasError:
    """The error; of a kind that is not ours, a plain one."""
    kind = getattr(errors, str(told["error"]), CapasError)
    facts = {str(name): fact for name, fact in told.get("facts", {}).items()}
    made = kind(str(told["message"]), hint=str(told.get("hint", "")), **facts)
    assert isinstance(made, CapasError)
    return made
