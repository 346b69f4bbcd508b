"""An image explained: what it is, what it runs, and what each step of its history did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from capas.dockerfile.meaning.past import Past, explain_past
from capas.dockerfile.meaning.sentence import Listed, Plain, Sentence, Size, counted, told
from capas.image.image import Image
from capas.image.steps import Step, list_steps
from capas.oci.config import Execution
from capas.oci.digest import DiffID

_BASE_LABEL = "org.opencontainers.image.base.name"


class Known(NamedTuple):
    """An image that is here: what it is called, and its layers."""

    name: str
    diff_ids: tuple[DiffID, ...]


class ExplainedStep(NamedTuple):
    """A step of the history, with the layer that it made, and what it did in words."""

    step: Step
    past: Past


class ExplainedImage(NamedTuple):
    """An image in words. `sure`: how far its history can be relied on."""

    name: str
    summary: tuple[Sentence, ...]
    sure: tuple[Sentence, ...]
    steps: tuple[ExplainedStep, ...]


def explain_image(image: Image, name: str, known: Iterable[Known] = ()) -> ExplainedImage:
    """The image in words; `known` are images that it may stand on. Raises: Corrupt; NotFound without its config."""
    steps = list_steps(image.manifest, image.config)
    pasts = explain_past([step.words for step in steps])
    return ExplainedImage(
        name,
        (*_what(image, name), *_base(image, known), *_runs(image.config.execution)),
        tuple(_sure(image, steps)),
        tuple(map(ExplainedStep, steps, pasts)),
    )


def _what(image: Image, name: str) -> Iterator[Sentence]:
    layers = [layer.size for layer in image.manifest.layers]
    yield counted(
        "{name} is an image for {platform}: {n} layer, {size} to pull",
        "{name} is an image for {platform}: {n} layers, {size} to pull", map(str, layers),
        name=name, platform=Plain(image.platform), n=len(layers), size=Size(image.size_compressed),
    )  # fmt: skip
    yield told("Its image id is {id}: the digest of its config, which lists the layers and what a container runs",
               id=image.id.short)  # fmt: skip
    if image.config.created:
        yield told("It says that it was made at {time}", time=Plain(image.config.created[:19].replace("T", " ")))


def _base(image: Image, known: Iterable[Known]) -> Iterator[Sentence]:
    own = image.config.rootfs.diff_ids
    below = [one for one in known if one.diff_ids and len(one.diff_ids) < len(own)
             and own[: len(one.diff_ids)] == one.diff_ids]  # fmt: skip
    said = (image.config.execution.labels or {}).get(_BASE_LABEL, "")
    if below:
        base = max(below, key=lambda one: len(one.diff_ids))
        yield counted("Its first layer is that of {base}, which is here: it stands on that image, that is certain",
                      "Its first {n} layers are those of {base}, which is here: it stands on that image, that is "
                      "certain",
                      [""] * len(base.diff_ids), base=base.name, n=len(base.diff_ids))  # fmt: skip
    elif said:
        yield told("A label says that it stands on {base}; nobody checks a label", base=said)
    else:
        yield told("What it stands on is not written in it; its first steps are perhaps those of another image")


def _runs(execution: Execution) -> Iterator[Sentence]:
    words = [*(execution.entrypoint or ()), *(execution.cmd or ())]
    if words:
        yield told("A container of it runs {command}", command=" ".join(words))
    else:
        yield told("It names no command: `capas run` needs one after its name")
    user = execution.user.partition(":")[0]
    yield told("as the user {user}", user=execution.user) if user not in ("", "0", "root") else told("as root")
    if execution.working_dir:
        yield told("in the directory {path}", path=execution.working_dir)
    if execution.exposed_ports:
        yield counted("It listens on port {items}", "It listens on the ports {items}", execution.exposed_ports)
    if execution.volumes:
        yield counted("Its data are in {items}", "Its data are in {items}", execution.volumes)
    if execution.env:
        yield told(
            "It sets the variables {items}", items=Listed(tuple(item.partition("=")[0] for item in execution.env))
        )
    if execution.stop_signal:
        yield told("`capas stop` asks it to end with {signal}", signal=execution.stop_signal)
    if execution.on_build:
        yield counted("Whoever builds FROM it has one more step: {items}",
                      "Whoever builds FROM it has {n} more steps: {items}", execution.on_build,
                      n=len(execution.on_build))  # fmt: skip


def _sure(image: Image, steps: Sequence[Step]) -> Iterator[Sentence]:
    layers = len(image.manifest.layers)
    told_of = sum(not step.empty_layer for step in image.config.steps)
    yield told("What a container runs is certain: it is in the config, whose digest is the image id")
    if not image.config.steps:
        yield told("It has no history: which steps made its layers is not known")
    elif told_of == layers:
        yield counted("Its history has {n} step with files, and there is {n} layer: which step made it is certain",
                      "Its history has {n} steps with files for as many layers: which step made which is certain",
                      [""] * layers, n=layers)  # fmt: skip
    else:
        yield told("Its history has {told} steps with files for {layers} layers: which step made which is a guess",
                   told=told_of, layers=layers)  # fmt: skip
    if any(step.instruction for step in steps):
        yield told("The text of a step is what the builder wrote down; only the files of its layer prove it")
