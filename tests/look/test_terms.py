"""Words explained: found by any name in either language, with a drawing of the reader's own store."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.dockerfile.meaning.sentence import write
from capas.engine.engine import Engine
from capas.errors import NotFound
from capas.look.terms.explained import explain_term
from capas.look.terms.glossary import TERMS, find_term, get_term
from capas.look.terms.term import Term
from support.changesets import file
from support.features import FEATURES
from support.looking import make_engine, put_image


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def test_every_name_finds_its_own_term() -> None:
    for term in TERMS:
        for name in (*term.names, *term.spanish):
            assert find_term(name) is term, name


def test_every_instruction_of_the_language_is_a_term() -> None:
    names = {term.names[0] for term in TERMS}
    assert {name for name in FEATURES if name.isalpha() and name.isupper()} <= names


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.names[0])
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_term_is_told_and_drawn_in_both_languages(term: Term, language: str) -> None:
    explained = explain_term(term, None, language)
    assert all(write(sentence, language) for sentence in term.says)
    assert bool(explained.drawing) == bool(term.drawing)
    assert len(explained.see) == len(term.see), "each related word is a term itself"
    assert all(example.does and "No builder" not in write(example.does[0]) for example in explained.examples)


@pytest.mark.parametrize(
    ("word", "name"), [("capa", "layer"), ("ETIQUETA", "tag"), ("indice", "index"), ("layers", "layer"),
                       ("copy", "COPY"),
                       ("chain-id", "chain_id"), ("resúmenes", "digest"), ("entrypoint vs cmd", "ENTRYPOINT vs CMD")],
)  # fmt: skip
def test_a_word_is_found_in_any_case_number_and_language(word: str, name: str) -> None:
    found = find_term(word)
    assert found is not None
    assert found.name == name


def test_an_unknown_word_suggests_near_ones() -> None:
    with pytest.raises(NotFound) as caught:
        get_term("layyer", "en")
    assert "layer" in caught.value.hint
    with pytest.raises(NotFound) as caught:
        get_term("manifesto", "es")
    assert "manifiesto" in caught.value.hint


def test_layers_are_drawn_to_scale_from_the_largest_image_here(engine: Engine) -> None:
    put_image(engine, "small", [file("a", b"a")])
    put_image(engine, "large", [file("a", bytes(4000))], [file("b", bytes(1000))], steps=("RUN big", "COPY b /"),
              compression="none")  # fmt: skip
    explained = engine.look.explain_term("layer")
    assert explained.of == "large:latest"
    assert [line.rpartition("  ")[2] for line in explained.drawing[1:3]] == ["COPY b /", "RUN big"]
    bars = [line.count("▇") for line in explained.drawing[1:3]]
    assert bars[0] < bars[1] == 24


def test_tags_are_drawn_with_the_images_that_they_point_at(engine: Engine) -> None:
    image = put_image(engine, "app", [file("a", b"a")])
    engine.images.tag("app", "app:1.0")
    drawing = "\n".join(engine.look.explain_term("tag").drawing)
    assert f"──▶ {image.id.short}" in drawing
    assert "──▶ the same image" in drawing


def test_the_parts_of_a_name_are_drawn_under_it(engine: Engine) -> None:
    put_image(engine, "localhost:5000/team/app:1.0", [file("a", b"a")])
    name, words = engine.look.explain_term("reference").drawing
    assert name.split()[:5] == ["localhost:5000", "/", "team/app", ":", "1.0"]
    assert words.split() == ["registry", "repository", "tag", "digest"]


def test_an_empty_store_is_drawn_as_an_example(engine: Engine) -> None:
    explained = engine.look.explain_term("layer")
    assert explained.of == ""
    assert "me/app:1.0" in explained.drawing[0]
