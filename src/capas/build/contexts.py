"""Named contexts: what `--build-context name=…` puts in the place of a stage, an image or a source of that name.

`FROM name`, `COPY --from=name` and `RUN --mount=from=name` ask here before they look for a stage or an image. A name is
compared as a reference is: `debian` and `docker.io/library/debian:latest` are the same.

Spec: docker's documentation, "docker buildx build", `--build-context`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from capas.build.opening import Opening
from capas.build.request import Images
from capas.build.sources.contract import Files
from capas.errors import CapasError, Invalid, Told
from capas.image.bring import bring
from capas.image.image import Image
from capas.image.layout import Layout
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import BlobStore

if TYPE_CHECKING:
    from capas.build.stage import StageState

T = TypeVar("T")
_IMAGE, _LAYOUT, _TARGET = "docker-image://", "oci-layout://", "target:"


class LayoutAddress(NamedTuple):
    """`path[:tag][@digest]` of an image in an OCI layout."""

    path: Path
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> LayoutAddress:
        """The address. Raises: Invalid for a digest that is none."""
        rest, at, digest = text.rpartition("@")
        path = rest if at else text
        tag = ""
        if not Path(path).is_dir() and ":" in path.rpartition("/")[2]:
            path, _, tag = path.rpartition(":")
        return cls(Path(path), tag, Digest.parse(digest) if at else None)


class NamedContexts:
    """The named contexts of one build, each opened when it is first asked for. Safe from many threads."""

    def __init__(self, opening: Opening, blobs: BlobStore) -> None:
        """Raises: Invalid for a name that nothing could ask for."""
        self.opening = opening
        self._blobs = blobs
        self._lock = threading.Lock()
        self._values = _by_name(opening.request.build_contexts)
        self._images: Mapping[str, Images] = _by_name(opening.request.context_images)
        self._files: dict[str, Files] = {}
        self.targets: Mapping[str, Sequence[StageState]] = {}  # what other builds of the same run give, by their names

    def find(self, word: str) -> str | None:
        """The context that this word of a FROM or a from= means, by the name that the others here take."""
        if not self._values and not self._images:
            return None
        name = _plain(word)
        return name if name in self._values or name in self._images else None

    def is_target(self, name: str) -> bool:
        """Whether it is what another build of the same run gives."""
        value = self._values.get(name, "")
        return value.removeprefix(_TARGET) in self.targets and value.startswith(_TARGET)

    def target(self, name: str, platform: Platform) -> StageState:
        """What the other build gives for a platform, or for its only one."""
        states = self.targets[self._values[name].removeprefix(_TARGET)]
        return next((state for state in states if state.platform == platform), states[0])

    def is_files(self, name: str) -> bool:
        """Whether it is files: neither an image nor another build."""
        return not self.is_image(name) and not self.is_target(name)

    def is_image(self, name: str) -> bool:
        """Whether it is an image of a registry, a layout, or one that the caller has."""
        return name in self._images or self._values[name].startswith((_IMAGE, _LAYOUT))

    def reference(self, name: str) -> Reference | None:
        """The reference of this context, where it is an image of a registry."""
        value = self._values.get(name, "")
        return Reference.parse(value.removeprefix(_IMAGE)).with_default_tag() if value.startswith(_IMAGE) else None

    def image(self, name: str, platform: Platform) -> Image:
        """The image of this context, with its blobs in the store. Raises: NotFound; Unavailable; Corrupt; Invalid."""
        reference = self.reference(name)
        if reference is not None:
            return self.opening.ports.resolve_image(reference, platform, self.opening.request.pull)
        if name in self._images:
            found = self._images[name].find(platform)
        else:
            address = LayoutAddress.parse(self._values[name].removeprefix(_LAYOUT))
            found = Layout(address.path).find(platform, tag=address.tag, digest=address.digest)
        return bring(found, self.opening.ports.store, self._blobs)

    def files(self, name: str) -> Files:
        """The files of this context. Raises: NotFound; Unavailable; Invalid; Corrupt."""
        with self._lock:
            found = self._files.get(name)
            if found is None:
                found = self._files[name] = self.opening.place(
                    self._values[name], Told("the build context {name}", {"name": name})
                )
            return found


def _by_name(given: Mapping[str, T]) -> dict[str, T]:
    for name, value in given.items():
        if not value:
            raise Invalid("--build-context {name} is empty", name=name, hint="give a directory, an address or an image")
    return {_plain(name): value for name, value in given.items()}


def _plain(word: str) -> str:
    try:
        return Reference.parse(word.lower()).familiar.removesuffix(":latest")
    except CapasError:
        return word.lower()
