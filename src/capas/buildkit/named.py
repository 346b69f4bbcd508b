"""Named contexts that are images of the client's: what another of its builds gives, or an OCI layout that it has.

Spec: moby/buildkit, frontend/dockerui, named contexts: `context:NAME` or `context:NAME::PLATFORM`, each `input:KEY` or
`oci-layout://STORE@DIGEST`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from capas.build.request import Images
from capas.buildkit.content import ClientBlobs
from capas.buildkit.job import Job
from capas.buildkit.results import GivenImages
from capas.buildkit.telling import Telling
from capas.errors import Invalid
from capas.image.image import Image
from capas.image.index import open_image
from capas.oci.digest import Digest
from capas.oci.platform import Platform

_INPUT, _LAYOUT = "input:", "oci-layout://"
Inputs = Mapping[str, str | Sequence[Image]]


class LayoutImages(NamedTuple):
    """The images of a layout that the client has, behind one digest."""

    name: str
    blobs: ClientBlobs
    digest: Digest
    telling: Telling

    def find(self, platform: Platform) -> Image:
        """The one for the platform. Raises: NotFound; Corrupt; Interrupted."""
        with self.telling.doing(f"[context {self.name}] OCI load from client"):
            return open_image(self.blobs, self.digest, platform)


def find_images(contexts: Mapping[str, str], job: Job) -> dict[str, Images]:
    """The contexts that are images which the client has, by their names. Raises: Invalid."""
    given: dict[str, list[Image]] = defaultdict(list)
    for key, place in contexts.items():
        if place.startswith(_INPUT):
            name, _, word = key.partition("::")
            given[name] += _of_input(place, Platform.parse(word) if word else None, job.order.inputs)
    found: dict[str, Images] = {name: GivenImages(images) for name, images in given.items() if images}
    return found | {key: _layout(key, place, job) for key, place in contexts.items() if place.startswith(_LAYOUT)}


def list_places(contexts: Mapping[str, str], inputs: Inputs) -> Iterator[tuple[str, str]]:
    """The other contexts, as the build knows them: `local:NAME` is a directory of the client."""
    for key, place in contexts.items():
        source = inputs.get(place.removeprefix(_INPUT)) if place.startswith(_INPUT) else place
        if isinstance(source, str) and not source.startswith(_LAYOUT):
            yield key, source


def _of_input(place: str, platform: Platform | None, inputs: Inputs) -> Sequence[Image]:
    """Raises: Invalid for an input that did not come."""
    images = inputs.get(place.removeprefix(_INPUT))
    if images is None:
        raise Invalid("a build context is {place}, and there is no such input", place=place[:200])
    if isinstance(images, str):
        return ()
    return [image for image in images if platform is None or image.platform == platform]


def _layout(name: str, place: str, job: Job) -> LayoutImages:
    """Raises: Invalid for an address without a digest."""
    store, at, digest = place.removeprefix(_LAYOUT).rpartition("@")
    if not at or not store:
        raise Invalid("the build context {name} is {place}, without a digest", name=name, place=place[:200])
    blobs = ClientBlobs(job.caller, store.partition(":")[0], "oci")
    return LayoutImages(name, blobs, Digest.parse(digest), job.telling)
