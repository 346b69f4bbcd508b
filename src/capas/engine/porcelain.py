"""The verbs for people: `capas.pull("debian")`. Each works on an engine with this process's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from capas.engine.engine import Engine
from capas.events import Report, ignore
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.engine.capture import Completed
    from capas.engine.container_request import ContainerRequest
    from capas.engine.explaining import ExplainedFile
    from capas.engine.listing import ImageSummary
    from capas.image.image import Image
    from capas.look.difference import ImageDiff
    from capas.look.explaining import ExplainedImage
    from capas.look.files import ImageFile
    from capas.look.picture import Picture
    from capas.look.terms.explained import ExplainedTerm
    from capas.look.waste import Waste
    from capas.oci.digest import Digest
    from capas.registry.search import Hit, Order


@cache
def default_engine() -> Engine:
    """The engine that the functions of `capas` share."""
    return Engine()


def pull(name: str, *, platform: str | None = None, report: Report = ignore) -> Image:
    """Bring an image from its registry.

    Raises: CapasError of the kind that fits; nothing half-done is kept as an image.
    """
    wanted = Platform.parse(platform) if platform else None
    return _shown(default_engine().images.pull(name, platform=wanted, report=report).image, name)


def draw(*names: str, containers: bool = False) -> Picture:
    """The layers of images to scale, shared ones once; a notebook shows it, `.save(path)` keeps it."""
    return default_engine().look.draw(*names, containers=containers)


def push(name: str, *, report: Report = ignore) -> Digest:
    """Send the image of this name to its registry. The manifest's digest."""
    return default_engine().images.push(name, report=report)


def search(term: str, *, order: Order = "relevance", official: bool | None = None, limit: int = 25) -> Sequence[Hit]:
    """Repositories that have all the words of `term`; a registry may come first: "localhost:5000/nginx".

    Raises: Unavailable; Unsupported for a registry that cannot be searched.
    """
    from capas.registry.search import Wanted

    wanted = Wanted(term, order=order, official=official, limit=limit)
    return default_engine().images.search(wanted).hits


def tag(source: str, target: str) -> None:
    """Give an image another name. Nothing is copied."""
    default_engine().images.tag(source, target)


def images(name: str | None = None, *, filters: Sequence[str] = ()) -> Sequence[ImageSummary]:
    """The images here, newest first."""
    return default_engine().images.list(name, filters=filters)


def files(name: str, path: str = "/", *, layer: str = "") -> Sequence[ImageFile]:
    """The files of an image beneath a path, or one layer's entries (`layer`: a number, 0 at the bottom, or a digest).

    The image may be here, in its registry ("docker://debian"), an archive ("./app.tar") or a layout ("oci:DIR:TAG").
    Raises: NotFound; Unavailable; Corrupt.
    """
    return default_engine().look.files(name, path, layer=layer)


def diff(old: str, new: str) -> ImageDiff:
    """What differs from one image to another, wherever they are: files by content, packages, config, history."""
    return default_engine().look.diff(old, new)


def waste(name: str) -> Waste:
    """The bytes of an image that later layers hide, tools left behind, or that are there more than once."""
    return default_engine().look.waste(name)


def build(
    context: str = ".",
    *,
    tags: Sequence[str] = (),
    dockerfile: str | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str = "",
    report: Report = ignore,
) -> Image:
    """Build the Dockerfile of a context: a directory, a git or http address."""
    from capas.build.request import BuildRequest

    request = BuildRequest(context=context, file=dockerfile, build_args=build_args or {}, target=target)
    return _shown(default_engine().images.build(request, tags=tags, report=report).image, *tags[:1])


def explain(what: str, language: str = "en") -> ExplainedFile | ExplainedImage | ExplainedTerm:
    """What a Dockerfile, an image or a word like "layer" means. `str()` of its sentences is English.

    `capas.dockerfile.meaning.sentence.write` gives them in another language.
    """
    return default_engine().look.explain(what, language)


def run(
    image: str,
    command: Sequence[str] = (),
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    volumes: Sequence[str] = (),
    workdir: str | None = None,
    user: str | None = None,
    network: str = "",
    entrypoint: str | None = None,
    options: ContainerRequest | None = None,
    report: Report = ignore,
) -> Completed:
    """Run a container to its end, and remove it: its exit code and what it printed.

    The image is pulled where it is not here. `volumes` are docker's `-v`; `options` has every other flag of `run`.
    Raises: NotFound, Denied for a command that cannot be run; see `engine.containers.create`.
    """
    from capas.engine.container_request import ContainerRequest

    request = options or ContainerRequest()
    whole = request._replace(
        env=(*request.env, *(f"{name}={value}" for name, value in (env or {}).items())),
        volumes=(*request.volumes, *volumes),
        workdir=request.workdir if workdir is None else workdir,
        user=request.user if user is None else user,
        network=network or request.network,
        entrypoint=request.entrypoint if entrypoint is None else entrypoint,
    )
    return default_engine().containers.run_captured(image, command, whole, stdin=stdin, report=report)


def _shown(image: Image, name: str = "") -> Image:
    """The image, as a notebook shows it."""
    from capas.look.shown import ShownImage

    return ShownImage(image, name)
