"""Each feature of the Dockerfile language has its sentence, in both languages."""

from __future__ import annotations

import pytest

from capas.dockerfile.meaning.explaining import explain_dockerfile
from capas.dockerfile.meaning.faults import problem_of
from capas.dockerfile.meaning.ignoring import explain_ignore
from capas.dockerfile.meaning.sentence import write
from support.explain_samples import SAMPLES
from support.explaining import say
from support.features import FEATURES


def test_every_feature_of_the_language_has_a_sample() -> None:
    features = {(name, feature) for name, features in FEATURES.items() for feature in features}
    assert features - SAMPLES.keys() == set()


@pytest.mark.parametrize("feature", SAMPLES, ids=" ".join)
def test_a_feature_has_its_sentence_in_both_languages(feature: tuple[str, str]) -> None:
    text, english, spanish = SAMPLES[feature]
    name = "app.dockerignore" if feature[1].startswith("<name>") else ".dockerignore"
    explanation = explain_ignore(text, name) if feature[0] == ".dockerignore" else explain_dockerfile(text)
    for language, words in (("en", english), ("es", spanish)):
        told = [write(sentence, language) for sentence in explanation.summary]
        told += [say(line, language) for line in explanation.lines]
        told += [write(problem_of(finding), language) for line in explanation.lines for finding in line.findings]
        assert words in "\n".join(told)
