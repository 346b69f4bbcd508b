"""Explaining a Dockerfile with what its steps cost when it was last built here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capas.dockerfile.checks.subject import StageText, Subject
from capas.dockerfile.history import split_instruction
from capas.dockerfile.ignore import Ignore
from capas.dockerfile.instructions import Add, Copy, Onbuild, Run, Workdir
from capas.dockerfile.meaning.explaining import Explanation, explain_dockerfile
from capas.dockerfile.meaning.ignoring import SUFFIX, explain_ignore
from capas.dockerfile.meaning.sentence import Sentence, told
from capas.errors import CapasError, NotFound

if TYPE_CHECKING:
    from capas.engine.costs import StepCost
    from capas.engine.engine import Engine
    from capas.image.image import Image
    from capas.look.explaining import ExplainedImage, Known
    from capas.look.terms.explained import ExplainedTerm
    from capas.look.terms.own import Own

_NAMES = ("Dockerfile", "dockerfile")
_ARCHIVES = frozenset({".tar", ".tgz", ".gz", ".zst"})
_MOST_IMAGES = 200
_LEAST_ALIKE = 0.5


class ExplainedFile(NamedTuple):
    """A Dockerfile in words. `costs`: by the line where an instruction begins; `built`: which image they are of."""

    explanation: Explanation
    costs: Mapping[int, StepCost] = {}
    built: Sentence | None = None


def explain(engine: Engine, what: str, language: str = "en") -> ExplainedFile | ExplainedImage | ExplainedTerm:
    """What this names: a Dockerfile or the directory of one comes first, then a word, then an image.

    Raises: NotFound, with what was perhaps meant; as `explain_file`; as `Look.opened` for an image.
    """
    from capas.look.terms.glossary import find_term, get_term, list_near

    path = find_dockerfile(Path(what))
    if path is not None:
        return explain_path(engine, path)
    if what.startswith((".", "/")) and Path(what).is_dir() and not (Path(what) / "oci-layout").is_file():
        raise NotFound("no Dockerfile at {path}", path=what, hint="name the file: `capas explain FILE`")
    if find_term(what) is not None:
        return engine.look.explain_term(what, language)
    if not set(what) & set(":/@.") and engine.images.find(what) is None and list_near(what, language):
        get_term(what, language)  # a word that is nearly one of ours is meant, not an image of some registry
    return engine.look.explain_image(what)


def find_dockerfile(path: Path) -> Path | None:
    """The file of that name, unless it is an archive; or the one that a build of that directory would read."""
    if path.is_file():
        return None if path.suffix in _ARCHIVES else path
    return next((path / name for name in _NAMES if (path / name).is_file()), None)


def explain_path(engine: Engine, path: Path) -> ExplainedFile:
    """A Dockerfile on this disk. Raises: as `explain_file`; Invalid for what is no text."""
    from capas.build.recipe import read_ignore, read_text

    with path.open("rb") as file:
        text = read_text(file, str(path))
    return explain_file(engine, text, str(path), ignore=read_ignore(path, path.parent))


def explain_file(engine: Engine, text: str, name: str = "Dockerfile", *, ignore: Ignore | None = None) -> ExplainedFile:
    """A Dockerfile's text in words, with the costs of the image here that was last built of it; or an ignore file's.

    Raises: Invalid, Unsupported where it cannot be read at all.
    """
    if name.endswith(SUFFIX):
        return ExplainedFile(explain_ignore(text, name))
    explanation = explain_dockerfile(text, name, ignore=ignore)
    steps = _list_steps(explanation.subject) if explanation.subject else []
    found = _find_built(engine, steps) if steps else None
    if found is None:
        return ExplainedFile(explanation)
    image, label = found
    costs = _match(engine, image, steps)
    return ExplainedFile(explanation, costs, told("What steps cost is from {image}, which was built here", image=label))


def list_known(engine: Engine, image: Image) -> Iterator[Known]:
    """The images here that another could stand on, and what they are called."""
    from capas.look.explaining import Known

    for name, one in list_named(engine):
        if one.id != image.id:
            yield Known(name, one.config.rootfs.diff_ids)


def find_own(engine: Engine) -> Own | None:
    """The largest image here, for drawings; None where there is none that has a name."""
    from capas.look.terms.own import read_own

    tags = [(row.reference.familiar, row.image_id.short) for row in engine.store.records.list_names()]
    largest = max(list_named(engine), key=lambda pair: pair[1].size_compressed, default=None)
    return None if largest is None else read_own(largest[1], largest[0], tags)


def list_named(engine: Engine) -> Iterator[tuple[str, Image]]:
    """The images here that have a name, each once; one that cannot be read is passed over."""
    seen = set()
    for row in engine.store.records.list_names()[:_MOST_IMAGES]:
        if row.image_id in seen:
            continue
        seen.add(row.image_id)
        try:
            image = engine.images.get(str(row.image_id))
            image.layers  # noqa: B018  # what cannot be read is found out here
        except CapasError:
            continue
        yield row.reference.familiar, image


class _Written(NamedTuple):
    """A step of the image in the end: its line, and its text as far as history tells it too."""

    line: int
    text: str
    makes_layer: bool


def _list_steps(subject: Subject) -> list[_Written]:
    """The steps that the history of the image has a line for, oldest first."""
    chain: list[StageText] = []
    stage = subject.stages[-1] if subject.stages else None
    while stage is not None:
        chain.append(stage)
        stage = subject.find_stage(stage.stage.base, stage.stage.index)
    return list(_written(reversed(chain)))


def _written(stages: Iterator[StageText]) -> Iterator[_Written]:
    for stage in stages:
        for step in stage.steps:
            one = step.instruction
            if one is None or isinstance(one, Onbuild):
                continue
            rest = step.request.rest
            if isinstance(one, Run):
                rest = one.full_command.args[0] if one.command.shell else " ".join(one.command.args)
            elif isinstance(one, Copy | Add):
                rest = " ".join([*one.sources, one.target])
            yield _Written(step.row, _folded(step.request.name, rest), isinstance(one, Run | Copy | Add | Workdir))


def _folded(keyword: str, rest: str) -> str:
    words = [word for word in rest.split() if not word.startswith("--")] if keyword in ("COPY", "ADD") else rest.split()
    return " ".join([keyword, *words])


def _find_built(engine: Engine, steps: Sequence[_Written]) -> tuple[Image, str] | None:
    """The newest image that was built here of these steps, or of most of them, and what it is called."""
    makers = {step.text for step in steps if step.makes_layer}
    seen = set()
    for summary in engine.images.list()[:_MOST_IMAGES]:
        if summary.image_id in seen or not engine.store.records.list_times(summary.image_id):
            continue
        seen.add(summary.image_id)
        try:
            image = engine.images.get(str(summary.image_id))
        except CapasError:
            continue
        made = set(_history(engine, image))
        if makers and len(makers & made) / len(makers) >= _LEAST_ALIKE:
            named = f"{summary.repository}:{summary.tag}" if summary.repository and summary.tag else ""
            return image, named or summary.image_id.short
    return None


def _history(engine: Engine, image: Image) -> list[str]:
    """The texts of the steps that were done here."""
    count = len(engine.store.records.list_times(image.id))
    return [_folded(*split_instruction(step.created_by)) for step in image.history[len(image.history) - count :]]


def _match(engine: Engine, image: Image, steps: Sequence[_Written]) -> dict[int, StepCost]:
    from capas.engine.costs import list_costs

    try:
        costs = list_costs(engine, image)
    except CapasError:  # a layer is not here any more: there is nothing to tell of
        return {}
    made = _history(engine, image)
    own = costs[len(costs) - len(made) :]
    matcher = SequenceMatcher(None, [step.text for step in steps], made, autojunk=False)
    return {
        steps[block.a + place].line: own[block.b + place]
        for block in matcher.get_matching_blocks()
        for place in range(block.size)
        if steps[block.a + place].makes_layer
    }
