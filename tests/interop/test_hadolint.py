"""Checks against hadolint itself: where both know a rule, they agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from capas.dockerfile.checks.checking import BY_NAME
from capas.dockerfile.checks.linting import lint
from support.lint_samples import SAMPLES, whole

# where we know better, and why
DIFFERENT = {
    ("DL3006", "FROM localhost:5000/app"): "a port is no tag",
    ("DL3007", "FROM x:5000/debian:latest"): "a host with a port and no dot is one",
    ("DL3021", "COPY a b ."): "docker takes . for a directory",
    ("DL3033", "RUN yum install -y ./x.rpm"): "a file has the version that it has",
    ("DL3041", "RUN dnf install -y x.rpm"): "a file has the version that it has",
}

HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, int]]]:
    """What hadolint finds in each sample: its codes with their lines."""
    folder = tmp_path_factory.mktemp("samples")
    texts = sorted({whole(sample) for samples in SAMPLES.values() for sample in samples})
    paths = {str(folder / f"{number}.Dockerfile"): text for number, text in enumerate(texts)}
    for path, text in paths.items():
        Path(path).write_text(text)
    done = subprocess.run([HADOLINT, "--no-fail", "-f", "json", *paths], capture_output=True, check=True)
    found: dict[str, set[tuple[str, int]]] = {text: set() for text in texts}
    for one in json.loads(done.stdout):
        found[paths[one["file"]]].add((one["code"], one["line"]))
    return found


@pytest.mark.parametrize(("code", "sample"), [(code, sample) for code, all_of in SAMPLES.items() for sample in all_of])
def test_hadolint_says_the_same_but_where_it_is_wrong(
    code: str, sample: str, verdicts: dict[str, set[tuple[str, int]]]
) -> None:
    ours = {finding.rule.name for finding in lint(whole(sample)).findings}
    theirs = {found for found, _ in verdicts[whole(sample)]}
    agree = (BY_NAME[code].name in ours) == (code in theirs)
    assert agree == ((code, sample) not in DIFFERENT), (sorted(ours), sorted(theirs))


def test_every_rule_of_hadolint_that_is_here_has_samples_of_both_kinds(
    verdicts: dict[str, set[tuple[str, int]]],
) -> None:
    assert set(SAMPLES) == {name for name in BY_NAME if name.startswith("DL")}
    for code, samples in SAMPLES.items():
        assert {code in {found for found, _ in verdicts[whole(sample)]} for sample in samples} == {True, False}, code
