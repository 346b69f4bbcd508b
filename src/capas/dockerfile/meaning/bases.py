"""FROM: where a stage begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from capas.dockerfile.checks.subject import StageText
from capas.dockerfile.checks.variables import AUTOMATIC
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Listed, Risk, Sentence, beware, told

_VARIABLE = re.compile(r"\$\{?(\w+)")
_SLIM = {
    "alpine": told("`alpine` is a small Linux with musl instead of glibc, and apk as its package manager"),
    "slim": told("`slim` is the variant without what most programs do not need: fewer packages, fewer bytes"),
    "busybox": told("busybox is one small program that stands in for the usual commands"),
}


class ImageWords(NamedTuple):
    """The parts of an image's name as it is written; "" for what is not said."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry that it names, or docker's."""
        first, slash, _ = self.name.partition("/")
        return first if slash and (first == "localhost" or "." in first or ":" in first) else "docker.io"


def split_image(text: str) -> ImageWords:
    """The parts of `name:tag@digest`. (The room of references is above this one.)"""
    rest, _, digest = text.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return ImageWords(folder + slash + name, tag, digest)


def explain_from(stage: StageText, scene: Scene) -> Iterator[Sentence | Risk]:
    """A FROM. `scene` has the variables that FROM lines see."""
    base = scene.expand(stage.stage.base)
    below = scene.subject.find_stage(base, stage.stage.index) if scene.subject else None
    if base == "scratch":
        yield told("Starts from nothing: {base} is the empty image, without files, shell or packages", base=base)
        yield beware("RUN, and CMD or ENTRYPOINT in shell form, need a shell, and {base} has none", base=base)
    elif below is not None:
        yield told(
            "Goes on from the stage {name} of line {line}: its files and settings are here too",
            name=below.name, line=below.request.position.line,
        )  # fmt: skip
    else:
        yield from _image(base)
    yield from _variables(stage.stage.base, scene)
    if stage.stage.platform:
        yield from _platform(stage.stage.platform)
    if stage.name:
        yield told(
            "Calls this stage {name}: `FROM {name}`, `COPY --from={name}` and `--target {name}` mean it",
            name=stage.name
        )  # fmt: skip


def _image(base: str) -> Iterator[Sentence | Risk]:
    words = split_image(base)
    yield told(
        "Starts from the image {image} of the registry {registry}: its files and its settings are the ground of "
        "this stage",
        image=f"{words.name}:{words.tag}" if words.tag else words.name, registry=words.registry,
    )  # fmt: skip
    if words.digest:
        yield told("The digest {digest} means exactly these bytes: nobody can put others in their place",
                   digest=words.digest)  # fmt: skip
    elif not words.tag:
        yield told("No tag is written, so {image} means {whole}", image=words.name, whole=f"{words.name}:latest")
    else:
        yield told("{tag} is a tag, a name that its makers may move to a newer image", tag=words.tag)
    for word, sentence in _SLIM.items():
        if word in f"{words.name.rpartition('/')[2]}-{words.tag}".split("-") or words.tag.startswith(word):
            yield sentence


def _variables(word: str, scene: Scene) -> Iterator[Sentence]:
    for name in dict.fromkeys(_VARIABLE.findall(word)):
        value, line = scene.variables.get(name), scene.origins.get(name, 0)
        if value is not None and line:
            yield told(
                "{name} is {value}, the default of line {line}; `--build-arg {name}=…` gives another",
                name=name, value=value, line=line,
            )  # fmt: skip


def _platform(platform: str) -> Iterator[Sentence | Risk]:
    names = _VARIABLE.findall(platform)
    if "BUILDPLATFORM" in names:
        yield told("Takes the variant for the machine that builds ({flag}), whatever the image is for: "
                   "compilers run at full speed", flag=f"--platform={platform}")  # fmt: skip
    elif names and not set(names) & AUTOMATIC.keys():
        yield told("Takes the variant for the platform that {names} gives", names=Listed(tuple(names)))
    elif names:
        yield told("Takes the variant for the platform that the image is for ({flag})", flag=f"--platform={platform}")
    else:
        yield told("Takes the variant for {platform}, whatever machine builds", platform=platform)
        yield beware("On a machine of another kind than {platform} its programs need an emulator, and are slow",
                     platform=platform)  # fmt: skip
