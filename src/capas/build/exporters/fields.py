"""`type=image,"name=a,b",push=true`: attributes of a flag, as BuildKit reads them: one line of CSV."""

from __future__ import annotations

import csv

from capas.errors import Invalid

_YES, _NO = ("true", "1", "t"), ("false", "0", "f")


class Fields:
    """The attributes of one flag, each taken once; `finish` refuses what nobody took."""

    def __init__(self, flag: str, text: str) -> None:
        self._flag = flag
        self._text = text
        self._known: list[str] = []
        self._values = dict(self._pair(field) for field in _split(flag, text))

    def take(self, key: str, default: str = "") -> str:
        """The value of an attribute."""
        self._known.append(key)
        return self._values.pop(key, default)

    def take_bool(self, key: str, default: bool) -> bool:
        """An attribute that is true or false. Raises: Invalid."""
        value = self.take(key, "true" if default else "false").lower()
        if value not in _YES + _NO:
            raise Invalid("{flag}: {key} is true or false, not {value!r}", flag=self._flag, key=key, value=value)
        return value in _YES

    def take_number(self, key: str) -> int | None:
        """An attribute that is a whole number. Raises: Invalid."""
        value = self.take(key)
        if value and not (value.isascii() and value.isdigit() and len(value) < 4):
            raise Invalid("{flag}: {key} is a number, not {value!r}", flag=self._flag, key=key, value=value)
        return int(value) if value else None

    def take_choice(self, key: str, *choices: str) -> str:
        """One of several words; the first is the default. Raises: Invalid."""
        value = self.take(key, choices[0])
        if value not in choices:
            raise Invalid(
                "{flag}: {key} is {choices}, not {value!r}",
                flag=self._flag, key=key, choices=" or ".join(filter(None, choices)), value=value,
            )  # fmt: skip
        return value

    def take_prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """Every attribute whose name begins so."""
        self._known.append(f"{prefix}…")
        return [(key, self._values.pop(key)) for key in list(self._values) if key.startswith(prefix)]

    def need(self, key: str) -> str:
        """An attribute that must be there. Raises: Invalid."""
        value = self.take(key)
        if not value:
            raise Invalid("{flag} {text} lacks {key}=", flag=self._flag, text=self._text, key=key)
        return value

    def finish(self) -> None:
        """Raises: Invalid for an attribute that this kind has not."""
        for key in self._values:
            raise Invalid(
                "{flag} {text}: there is no attribute {key!r} here", flag=self._flag, text=self._text, key=key,
                hint="there are: " + ", ".join(dict.fromkeys(self._known)),
            )  # fmt: skip

    def _pair(self, field: str) -> tuple[str, str]:
        key, equals, value = field.partition("=")
        if not equals or not key:
            raise Invalid("{flag} {text}: {field!r} is not key=value", flag=self._flag, text=self._text, field=field)
        return key.strip() if key.startswith("annotation") else key.strip().lower(), value


def _split(flag: str, text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise Invalid("{flag} {text!r} cannot be read: {why}", flag=flag, text=text, why=str(error)) from None
    if not rows or not rows[0]:
        raise Invalid("{flag} is empty", flag=flag)
    return rows[0]
