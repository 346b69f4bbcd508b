"""Results: the images of a build for those that stand on it, kept until the last of them is done.

Who knows a result's token may use it: it is drawn for each build, and told to its client alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from capas.errors import NotFound
from capas.image.image import Image
from capas.oci.platform import Platform
from capas.store.lease import Lease
from capas.store.store import Store


class GivenImages(NamedTuple):
    """The images of results, as a named context of another build."""

    images: Sequence[Image]

    def find(self, platform: Platform) -> Image:
        """The one for the platform, or the only one. Raises: NotFound, with the platforms there are."""
        found = self.images if len(self.images) == 1 else [one for one in self.images if one.platform == platform]
        if not found:
            known = ", ".join(str(one.platform) for one in self.images)
            raise NotFound("there is no image for {platform} here, only for {known}", platform=platform, known=known)
        return found[0]


class Result:
    """What one build gives. Its methods belong to the event loop, but for `keep`."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._users: set[object] = set()
        self._ended = asyncio.Event()
        self._images: Sequence[Image] = ()
        self._lease: Lease | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether somebody stands on it."""
        return bool(self._users)

    def want(self, user: object) -> None:
        """Somebody stands on it, until `release`. Raises: NotFound where the build is over and nothing was kept."""
        if self._ended.is_set() and not self._images:
            raise NotFound(
                "what a build gave is not there any more", hint="builds that stand on each other are begun together"
            )
        self._users.add(user)

    def keep(self, images: Sequence[Image], store: Store) -> None:
        """Hold the images of the build, whose blobs are still held by it. In its thread. Raises: Exhausted."""
        lease = store.lease()
        for image in images:
            lease.hold(image.digest, image.manifest.config.digest, *(one.digest for one in image.manifest.layers))
        self._images = [Image(lease.blobs, image.manifest_bytes, image.media_type) for image in images]
        self._lease = lease
        if self._ended.is_set():  # nobody waited for the thread
            lease.release()

    def end(self, *, well: bool) -> None:
        """The build is over. Idempotent."""
        if not self._ended.is_set():
            if not well:
                self._images = ()
            self._ended.set()
            self._let_go()

    def release(self, user: object) -> None:
        """This one needs it no more. Idempotent."""
        self._users.discard(user)
        self._let_go()

    async def get(self) -> Sequence[Image]:
        """The images, once the build is over. Raises: NotFound where it failed."""
        await self._ended.wait()
        if not self._images:
            raise NotFound("the build that this one stands on gave nothing", hint="its own error says why")
        return self._images

    def _let_go(self) -> None:
        if self._ended.is_set() and not (self._users and self._images):
            self._images = ()
            if self._lease is not None:
                self._lease.release()
