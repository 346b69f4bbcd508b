"""Checks on anything: they raise nothing, take linear time, and what they mend means what it meant."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.dockerfile.checks.linting import lint, mend
from capas.dockerfile.checks.shell import read_script
from capas.dockerfile.checks.subject import read_subject
from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.instructions import Copy, Dockerfile, Env, Instruction, Label, Onbuild, Run
from capas.dockerfile.parse import parse_dockerfile
from capas.dockerfile.position import NOWHERE
from capas.errors import CapasError
from support.lint_samples import SAMPLES, whole

WORDS = st.sampled_from(
    ["from", "FROM", "as", "AS", "a", "Bee", "ENV", "env", "LABEL", "k v", "k=v", "$x", "EXPOSE", "80/TCP",
     "1.2.3.4:5:6",
     "RUN", "run", "apt-get", "install", "&&", "apt", "-y", "pip", "\\\n", "\n", "\n", "\n", "\n\n", "\r\n", '"q"', "'",
     "\\", "COPY", ".", "CMD", "[", "MAINTAINER", "ONBUILD", "--platform=$TARGETPLATFORM", "# c\n", "<<E", "\nE\n", "`",
     "WORKDIR", "\ufeff", "\t", "é", "$(", ")", "zypper", "yum", "apk", "add"]
)  # fmt: skip
FILES = st.lists(WORDS, max_size=25).map(lambda words: "FROM scratch\n" + " ".join(words))
REAL = st.sampled_from([whole(sample) for samples in SAMPLES.values() for sample in samples])


def meaning(dockerfile: Dockerfile) -> list[object]:
    """What is built: names, places and the old form of pairs put aside, and what mends may add to a RUN."""
    return [
        (stage.name, stage.base, _platform(stage.platform), [_meaning(one) for one in stage.instructions])
        for stage in dockerfile.stages
    ]


def _platform(text: str) -> str:
    return "" if text in ("$TARGETPLATFORM", "${TARGETPLATFORM}") else text


def _meaning(instruction: Instruction) -> object:
    bare = instruction._replace(position=NOWHERE, original="")
    if isinstance(bare, Onbuild):
        return _meaning(bare.inner)
    if isinstance(bare, Env | Label):
        bare = bare._replace(legacy=False)
    try:
        bare = expand_instruction(bare, Expander({"x": "1 2"}))
    except CapasError as error:
        return type(bare), str(error).partition("}")[0][:12]
    if isinstance(bare, Run):
        text = " ".join(bare.command.args) + "".join(doc.content for doc in bare.heredocs)
        words = [word for word in text.replace("apt-get", "apt").split() if not word.startswith("-")]
        return "RUN", words, bare.mounts, bare.network
    if isinstance(bare, Copy):
        return bare._replace(heredocs=tuple(doc._replace(position=NOWHERE) for doc in bare.heredocs))
    return bare


@given(FILES)
@settings(max_examples=800, deadline=None)
def test_no_mixture_of_words_makes_checks_fail(text: str) -> None:
    for finding in lint(text).findings:
        assert str(finding) and isinstance(finding.hint, str)
        assert 1 <= finding.position.line <= finding.position.end_line <= text.count("\n") + 1


@given(FILES)
@settings(max_examples=800, deadline=None)
def test_what_is_mended_means_what_it_meant(text: str) -> None:
    try:
        before = parse_dockerfile(text)
    except CapasError:
        return
    mended = mend(text)
    assert meaning(parse_dockerfile(mended.text)) == meaning(before)
    assert not any(finding.edits for finding in mended.findings)
    assert mend(mended.text).text == mended.text


@given(REAL)
@settings(max_examples=200, deadline=None)
def test_real_samples_mean_the_same_when_mended(text: str) -> None:
    try:
        before = parse_dockerfile(text)
    except CapasError:
        return
    assert meaning(parse_dockerfile(mend(text).text)) == meaning(before)


@given(st.text("abc ;&|()<>$`'\"\\#{}\n=2", max_size=60))
@settings(max_examples=800, deadline=None)
def test_words_of_any_script_lie_in_its_text(text: str) -> None:
    subject = read_subject(f"FROM a\nRUN <<'EOF'\n{text}\nEOF\n")
    for _, step in subject.iter_steps():
        if step.run is not None:
            for command in read_script(step.request, step.run).commands:
                for word in (command.name, *command.words):
                    assert 0 <= word.start < word.end <= len(text) + 1


SHAPES = {
    "variables": lambda size: "FROM a\n" + "".join(f"ENV a{number}=$b{number}\n" for number in range(size // 16)),
    "commands": lambda size: "FROM a\nRUN " + "cd x;" * (size // 5),
    "substitutions": lambda size: "FROM a\nRUN " + "$(cd x) " * (size // 8),
    "open substitutions": lambda size: "FROM a\nRUN " + "$(" * (size // 2),
    "installs": lambda size: "FROM a\n" + "RUN apt-get install x\n" * (size // 22),
    "stages": lambda size: "".join(f"FROM a AS S{n}\nCOPY --from=S{n - 1} a b\n" for n in range(size // 36)),
    "old pairs": lambda size: "FROM a\n" + "ENV a b\n" * (size // 8),
    "heredocs": lambda size: "FROM a\nRUN <<E\n" + "cd x\n" * (size // 5) + "E\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_text_takes_about_four_times_the_time(shape: str) -> None:
    taken = []
    for size in (30_000, 120_000):
        text = SHAPES[shape](size)
        begin = time.process_time()
        mend(text)
        taken.append(time.process_time() - begin)
    assert taken[1] < 10 * taken[0] + 0.5  # quadratic would be 16 times
