"""The glossary: every term, found by any of its names in either language."""

from __future__ import annotations

from capas.errors import NotFound
from capas.look.terms import building, images, instructions, running
from capas.look.terms.term import Term

TERMS: tuple[Term, ...] = (*images.TERMS, *running.TERMS, *building.TERMS, *instructions.TERMS)
_LEAST_ALIKE = 0.6


def find_term(word: str) -> Term | None:
    """The term of this name, in any case, with or without accents, one or several; None where there is none.

    What is written exactly as a name comes first: `VOLUME` is an instruction, `volume` is not.
    """
    for term in TERMS:
        if word in (*term.names, *term.spanish):
            return term
    for wanted in dict.fromkeys((_fold(word), _fold(word).removesuffix("s"), _fold(word).removesuffix("es"))):
        for term in TERMS:
            if wanted in map(_fold, (*term.names, *term.spanish)):
                return term
    return None


def get_term(word: str, language: str) -> Term:
    """The same. Raises: NotFound, naming what was perhaps meant."""
    found = find_term(word)
    if found is None:
        near = ", ".join(list_near(word, language))
        hint = "did you mean {near}?" if near else "`capas explain` alone lists the words that can be explained"
        raise NotFound("there is nothing to explain that is called {word}", word=word[:60], near=near, hint=hint)
    return found


def list_near(word: str, language: str) -> list[str]:
    """The names that were perhaps meant, the nearest first."""
    import difflib

    names = {_fold(name): term.name_in(language) for term in TERMS for name in (*term.names, *term.spanish)}
    near = difflib.get_close_matches(_fold(word), list(names), n=3, cutoff=_LEAST_ALIKE)
    return list(dict.fromkeys(names[name] for name in near))


def _fold(word: str) -> str:
    """Without case, accents and the signs between words."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
    return " ".join(plain.replace("_", " ").replace("-", " ").split())
