"""HCL's values as Python's, and how one kind becomes another.

Spec: HCL Syntax-Agnostic Information Model, "Type Conversions and Unification".
"""

from __future__ import annotations

from capas.bake.hcl.syntax import Value
from capas.errors import Invalid


def kind_of(value: Value) -> str:
    """What a value is, in HCL's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def to_text(value: Value) -> str:
    """A text, number or truth value as text. Raises: Invalid for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
    raise Invalid("a string is needed here, not {kind}", kind=kind_of(value))


def to_number(value: Value) -> int | float:
    """A number, or a text that is one. Raises: Invalid."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            raise Invalid("not a number: {text!r}", text=value[:100]) from None
        return whole(found) if "." in value or "e" in value.lower() else int(value)
    raise Invalid("a number is needed here, not {kind}", kind=kind_of(value))


def to_bool(value: Value) -> bool:
    """A truth value, or a text that is one. Raises: Invalid."""
    if isinstance(value, bool):
        return value
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    raise Invalid("true or false is needed here, not {value!r}", value=str(value)[:100])


def to_list(value: Value) -> list[Value]:
    """A list. Raises: Invalid."""
    if isinstance(value, list):
        return value
    raise Invalid("a list is needed here, not {kind}", kind=kind_of(value))


def to_object(value: Value) -> dict[str, Value]:
    """An object. Raises: Invalid."""
    if isinstance(value, dict):
        return value
    raise Invalid("an object is needed here, not {kind}", kind=kind_of(value))


def to_int(value: Value) -> int:
    """A whole number. Raises: Invalid."""
    found = to_number(value)
    if isinstance(found, float):
        raise Invalid("a whole number is needed here, not {value}", value=found)
    return found


def whole(number: float) -> int | float:
    """A number as it is computed: an int where nothing is lost, else with the 15 digits that can be relied on."""
    if isinstance(number, int):
        return number
    return int(number) if number.is_integer() else float(f"{number:.15g}")


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal: of the same kind, too."""
    return kind_of(left) == kind_of(right) and left == right
