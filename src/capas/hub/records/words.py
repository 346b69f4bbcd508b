"""Words: what of a repository is searched for, and what a query asks for. Pure text.

Letters count without accents and case: `España` is `espana`. A word of three letters or more is found by its
beginning, in a repository's name by any part of it; a shorter one only whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

NAME, DESCRIPTION, README = 3, 2, 1  # places, the better the higher
SHORTEST_PART = 3  # letters that are enough for a beginning or a part
_LONGEST = 40
_MOST_WORDS = 500  # of a README
_MOST_TEXT = 64 * 1024  # characters of a README
MOST_TERMS = 8

_WORD = re.compile(r"[^\W_]+")
_NOISE = re.compile(r"https?://\S+|<[^<>]{1,300}>")  # addresses and tags of HTML say nothing of what an image is
# words that say nothing of an image, in English and Spanish
_SMALL = """
a al an and are as at be by con como cuando de del desde donde el en entre es esta este for from han has hasta in is it
its la las lo los mas mi muy no not o of on or para pero por que se sin sobre son su sus te that the their this to tu un
una uno was we which will with y ya you your
"""
_STOP = frozenset(_SMALL.split())


class Named(NamedTuple):
    """What a repository is found by."""

    name: str
    description: str = ""
    readme: str = ""


def fold(text: str) -> str:
    """The text without accents and case."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def split(text: str) -> list[str]:
    """Its words in order, folded.

    >>> split("Imágenes de C++, en España_2")
    ['imagenes', 'de', 'c', 'en', 'espana', '2']
    """
    return [word[:_LONGEST] for word in _WORD.findall(fold(text))]


def terms_of(query: str) -> tuple[str, ...]:
    """The words that a query asks for: small words only where there are no others."""
    words = tuple(dict.fromkeys(split(query[:1000])))
    return (tuple(word for word in words if word not in _STOP) or words)[:MOST_TERMS]


def places_of(named: Named) -> dict[str, int]:
    """Each word of a repository, and each end of a word of its name, with the best place that has it."""
    readme = dict.fromkeys(split(_NOISE.sub(" ", named.readme[:_MOST_TEXT])))
    found = {word: README for word in list(readme)[:_MOST_WORDS] if word not in _STOP}
    found |= {word: DESCRIPTION for word in split(named.description[:_MOST_TEXT]) if word not in _STOP}
    return found | {end: NAME for word in split(named.name) for end in _ends(word)}


def short_of(name: str) -> str:
    """The words of a name's last part, by which an exact match is told."""
    return " ".join(split(name.rpartition("/")[2]))


def spellings_of(word: str) -> set[str]:
    """The word, and what is left of it without any one letter."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word)) if len(word) > 1}


def distance(one: str, other: str) -> int:
    """How many letters were left out, put in, changed or swapped with their neighbour (optimal string alignment)."""
    before, last = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def _ends(word: str) -> Iterable[str]:
    yield word
    for start in range(1, len(word) - SHORTEST_PART + 1):
        yield word[start:]
