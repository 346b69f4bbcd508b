"""From a name to an image, wherever it is: here, in a registry, in an archive or in a layout. Nothing is brought here.

debian:12, 3f2a…            an image of this store, else of its registry
docker://debian:12          of its registry, whatever is here
./app.tar, archive:FILE:NAME    of an archive of docker, podman, skopeo or Capas
./app, oci:DIRECTORY:TAG    of an OCI image layout
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from capas.errors import Invalid, NotFound, Unavailable
from capas.image.image import Image
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import BlobSource

if TYPE_CHECKING:
    from capas.image.archive_resolve import Found
    from capas.registry.client import Client

REMOTE, ARCHIVE, LAYOUT = "docker://", "archive:", "oci:"


class Places(NamedTuple):
    """Where names are looked up. `find` gives an image of the store, `client` is asked for only when it is needed.

    `blobs` are the store's: what is here of a registry's image need not be fetched. `platform` is this machine's.
    """

    find: Callable[[str, Platform | None], Image | None]
    client: Callable[[], Client]
    blobs: BlobSource
    platform: Platform


@contextmanager
def opened_image(places: Places, name: str, platform: Platform | None = None) -> Iterator[Image]:
    """The image of this name, good for the block; of several platforms the one asked for, or this machine's.

    Raises: NotFound; Invalid; Unavailable, Unauthenticated, Denied from a registry; Corrupt.
    """
    wanted = platform or places.platform
    if name.startswith(LAYOUT):
        yield _in_layout(*_split(name.removeprefix(LAYOUT)), wanted)
    elif name.startswith(ARCHIVE):
        with _in_archive(*_split(name.removeprefix(ARCHIVE)), wanted) as image:
            yield image
    elif name.startswith(("/", "./", "../")):
        path = Path(name)
        if path.is_dir():
            yield _in_layout(path, "", wanted)
        else:
            with _in_archive(path, "", wanted) as image:
                yield image
    elif name.startswith(REMOTE):
        yield _in_registry(places, Reference.parse(name.removeprefix(REMOTE)), wanted)
    else:
        yield places.find(name, platform) or _elsewhere(places, name, wanted)


def _split(text: str) -> tuple[Path, str]:
    """A path on this disk and the name inside it, if one follows."""
    if Path(text).exists():
        return Path(text), ""
    path, _, name = text.partition(":")
    return Path(path), name


def _in_layout(path: Path, tag: str, platform: Platform) -> Image:
    from capas.image.layout import Layout

    return Layout(path).find(platform, tag=tag)


@contextmanager
def _in_archive(path: Path, name: str, platform: Platform) -> Iterator[Image]:
    from capas.image.archive_file import opened_archive

    if not path.exists():
        raise NotFound("there is no file {path}", path=path)
    if not path.is_file():
        raise Invalid("{path} is neither an archive of images nor an OCI layout", path=path)
    with opened_archive(path, platform) as found:
        yield _choose(found, path, name, platform)


def _choose(found: list[Found], path: Path, name: str, platform: Platform) -> Image:
    """The image of an archive that a name is for. Raises: NotFound; Invalid where it could be several."""
    names = [reference.familiar for one in found for reference in one.names]
    if name:
        wanted = Reference.parse(name).with_default_tag()
        found = [one for one in found if wanted in one.names]
        if not found:
            raise NotFound("no image {name} in {path}", name=wanted.familiar, path=path, known=", ".join(names),
                           hint="it has {known}")  # fmt: skip
    if len(found) > 1:  # one image for several platforms, each by itself
        found = [one for one in found if platform.runs(one.image.platform)] or found
    if len(found) != 1:
        raise Invalid("{path} has {count} images", path=path, count=len(found), known=", ".join(names),
                      hint="say which: archive:{path}:NAME, of {known}")  # fmt: skip
    return found[0].image


def _elsewhere(places: Places, name: str, platform: Platform) -> Image:
    """The image of a name that is not here."""
    try:
        reference = Reference.parse(name)
    except Invalid:
        reference = None
    if reference is None or reference.familiar_name.startswith("sha256"):
        raise NotFound("no such image here: {image}", image=name)
    try:
        return _in_registry(places, reference, platform)
    except Unavailable as error:
        raise Unavailable(
            "{image} is not here, and its registry cannot be asked: {why}", image=reference.familiar, why=error.told
        ) from error


def _in_registry(places: Places, reference: Reference, platform: Platform) -> Image:
    """Its manifest is fetched, its config and layers when they are read."""
    from capas.registry.remote import RemoteSource
    from capas.registry.resolve import resolve
    from capas.store.memory import MemoryBlobs

    repository = places.client().repository(reference)
    found = resolve(repository, reference.with_default_tag(), platform, MemoryBlobs())
    return Image(_Nearest((places.blobs, RemoteSource(repository))), found.data, found.media_type)


class _Nearest:
    """Several sources as one: the first that has a blob."""

    def __init__(self, sources: tuple[BlobSource, ...]) -> None:
        self._sources = sources

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte. Raises: NotFound; Unavailable; Corrupt."""
        for source in self._sources[:-1]:
            try:
                return source.open(digest)
            except NotFound:
                pass
        return self._sources[-1].open(digest)

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""
        return any(source.contains(digest) for source in self._sources)
