"""The keys by which a client leaves a container's terminal while the container goes on: docker's `--detach-keys`."""

from __future__ import annotations

from capas.errors import Invalid

DEFAULT = "ctrl-p,ctrl-q"
LEFT = "read escape sequence"  # docker's words for it


class DetachKeys:
    """Looks for them in what is typed, which comes in pieces."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def look(self, typed: bytes) -> tuple[bytes, bool]:
        """What to hand on (the beginning of the keys is held back until more comes), and whether they were typed."""
        data, self._held = self._held + typed, b""
        if not self._keys:
            return data, False
        before, found, _ = data.partition(self._keys)
        if found:
            return before, True
        for length in range(len(self._keys) - 1, 0, -1):
            if data.endswith(self._keys[:length]):
                self._held = data[-length:]
                return data[:-length], False
        return data, False


def parse_keys(text: str) -> bytes:
    """`ctrl-p,ctrl-q`, `a,b`: what is sent for them; "" is for none. Raises: Invalid."""
    return b"".join(_parse_key(word, text) for word in text.split(",")) if text else b""


def _parse_key(word: str, text: str) -> bytes:
    if len(word) == 1 and word.isascii():
        return word.encode()
    control = word.removeprefix("ctrl-")
    if control != word and len(control) == 1 and ((control.isalpha() and control.isascii()) or control in "@[\\]^_"):
        return bytes((ord(control.upper()) & 0x1F,))
    raise Invalid("invalid detach keys ({keys}) provided", keys=text[:100],
                  hint="a key is a letter, or ctrl- with a letter or one of @[\\]^_; commas stand between")  # fmt: skip
