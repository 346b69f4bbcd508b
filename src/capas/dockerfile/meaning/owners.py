"""Owners and permissions in words: `--chown`, `--chmod`, USER."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.meaning.sentence import Listed, Plain, Risk, Sentence, beware, told

_DIGITS = {
    "0": told("do nothing"), "1": told("execute"), "2": told("write"), "3": told("write and execute"),
    "4": told("read"),
    "5": told("read and execute"), "6": told("read and write"), "7": told("read, write and execute"),
}  # fmt: skip
_SPECIAL = {
    "4": told("a program in it runs as its owner (setuid)"),
    "2": told("its group is passed on (setgid)"),
    "1": told("only owners may delete there (sticky)"),
}
_WHO = {"u": told("the owner"), "g": told("the group"), "o": told("the others"), "a": told("everybody")}
_HOW = {"+": told("adds"), "-": told("takes away"), "=": told("sets")}


def explain_chown(text: str) -> Iterator[Sentence | Risk]:
    """`--chown=user:group`."""
    user, colon, group = text.partition(":")
    if not user:
        yield told("They belong to the group {group} (`--chown`)", group=group)
    elif colon and group:
        yield told("They belong to the user {user} and the group {group} (`--chown`)", user=user, group=group)
    else:
        yield told("They belong to the user {user} and to the group of the same number (`--chown`)", user=user)
    if not user.isdecimal() and user not in ("", "root") and "$" not in user:
        yield beware("{user} must be a user of the image: its number is looked up in /etc/passwd there", user=user)


def explain_chmod(text: str) -> Iterator[Sentence | Risk]:
    """`--chmod=755`, `--chmod=u+x,go-w`."""
    digits = text.lstrip("0").rjust(3, "0") if text.isdecimal() else ""
    if digits and len(digits) <= 4 and set(digits) <= set("01234567"):
        owner, group, others = (_DIGITS[digit] for digit in digits[-3:])
        yield told("The owner may {owner}; the group may {group}; others may {others} (`--chmod={mode}`)",
                   owner=owner, group=group, others=others, mode=Plain(text))  # fmt: skip
        if len(digits) == 4 and digits[0] in _SPECIAL:
            yield told("and {special}", special=_SPECIAL[digits[0]])
        if digits[-1] in "2367":
            yield beware("Everybody may change these files: {mode} gives others the right to write", mode=text)
        return
    for clause in text.split(","):
        who, how, what = _clause(clause)
        if how:
            yield told("{how} for {who}: {what} (`--chmod={mode}`)", how=_HOW[how], mode=Plain(text),
                       who=Listed(tuple(_WHO[each] for each in who or "a" if each in _WHO)),
                       what=_letters(what))  # fmt: skip
        else:
            yield told("The permissions are {mode} (`--chmod`)", mode=text)


def _clause(text: str) -> tuple[str, str, str]:
    for place, char in enumerate(text):
        if char in "+-=":
            return text[:place], char, text[place + 1 :]
    return text, "", ""


def _letters(text: str) -> Listed:
    names = {
        "r": told("read"), "w": told("write"), "x": told("execute"),
        "X": told("execute what is executable already, and enter directories"), "s": told("setuid or setgid"),
        "t": told("sticky"),
    }  # fmt: skip
    return Listed(tuple(names.get(char, char) for char in text))
