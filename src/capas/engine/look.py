"""The verbs that look at images, each a thin method over the room `look`: wherever an image is, nothing is pulled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from capas.engine.platforms import host_platform
from capas.events import Report, ignore
from capas.look.opening import Places, opened_image
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.dockerfile.ignore import Ignore
    from capas.engine.engine import Engine
    from capas.engine.explaining import ExplainedFile
    from capas.image.image import Image
    from capas.layer.tree import Tree
    from capas.look.difference import ImageDiff
    from capas.look.explaining import ExplainedImage
    from capas.look.finding import Wanted
    from capas.look.listing import Files
    from capas.look.picture import Picture
    from capas.look.recovery import Line
    from capas.look.terms.explained import ExplainedTerm
    from capas.look.waste import Waste


class Look:
    """`engine.look`. A name is one of this store or its registry, `docker://NAME`, a path to an archive, or `oci:DIR`.

    Layers that are not here are read once, as a stream, verified; their tables of contents are kept by digest.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def opened(self, name: str, platform: Platform | None = None) -> Iterator[Image]:
        """The image, good for the block. Raises: NotFound; Invalid; Unavailable; Unauthenticated; Denied; Corrupt."""
        with opened_image(self._places, name, platform) as image:
            yield image

    @contextmanager
    def opened_tree(
        self, name: str, platform: Platform | None = None, *, report: Report = ignore
    ) -> Iterator[tuple[Image, Tree]]:
        """The image and the tree that its layers make, with what each layer brought and hid. Raises: as `opened`."""
        from capas.image.contents import opened_tree
        from capas.layer.files import layer_files

        root = self._engine.settings.root
        with self.opened(name, platform) as image:
            folder, files = root / "cache" / "contents", layer_files(root)
            with opened_tree(image, folder, files, digested=True, report=report) as tree:
                yield image, tree

    def draw(self, *names: str, platform: Platform | None = None, containers: bool = False) -> Picture:
        """The layers of these images to scale, shared ones once; with `containers`, what those wrote on top of them."""
        from capas.engine.drawing import draw_images

        return draw_images(self._engine, names, platform, containers=containers)

    def draw_store(self) -> Picture:
        """All images here, and what deleting each would free: the build cache keeps what it would use again."""
        from capas.engine.drawing import draw_store

        return draw_store(self._engine)

    def recover(self, name: str, *, platform: Platform | None = None, report: Report = ignore) -> Sequence[Line]:
        """A Dockerfile of its history, config and layers, each line with how sure it is. Raises: as `opened`."""
        from capas.engine.explaining import list_named
        from capas.look.recovery import recover

        with self.opened_tree(name, platform, report=report) as (image, tree):
            bases = ((known, one) for known, one in list_named(self._engine) if one.id != image.id)
            return recover(image, tree, bases)

    def files(
        self,
        name: str,
        path: str = "/",
        *,
        layer: str = "",
        wanted: Wanted | None = None,
        platform: Platform | None = None,
        report: Report = ignore,
    ) -> Files:
        """The files of the merged tree beneath a path, or with `layer` (a number or digest) that layer's entries.

        `wanted` leaves out what does not fit. Order: by path; those of a layer in its order.
        Raises: as `opened`; NotFound, also for a path or layer; Invalid for words in `wanted` that mean nothing.
        """
        from capas.layer.contents import uncollected
        from capas.look.files import find_layer
        from capas.look.listing import list_files, list_layer

        tests = wanted.compile() if wanted else ()
        with self.opened_tree(name, platform, report=report) as (image, tree), uncollected():
            found = list_layer(tree, find_layer(image.layers, layer), path) if layer else list_files(tree, path)
            return found.where(tests)

    def read(self, name: str, path: str, *, platform: Platform | None = None, report: Report = ignore) -> bytes:
        """What a file of the image holds; links are followed, inside it. Raises: as `iter_bodies`."""
        return b"".join(self.iter_bodies(name, [path], platform=platform, report=report))

    def iter_bodies(
        self, name: str, paths: Sequence[str], *, platform: Platform | None = None, report: Report = ignore
    ) -> Iterator[bytes]:
        """What several files hold, one after another, piece by piece.

        Raises: as `opened`; NotFound; Invalid for what is no regular file; Corrupt after a file that is damaged.
        """
        from capas.look.reading import iter_body

        with self.opened_tree(name, platform, report=report) as (_, tree):
            for path in paths:
                yield from iter_body(tree, path)

    def diff(self, old: str, new: str, *, platform: Platform | None = None, report: Report = ignore) -> ImageDiff:
        """What differs from one image to another: files by content, mode and owner, packages, config, history, bytes.

        Raises: as `opened`.
        """
        from capas.layer.contents import uncollected
        from capas.look.difference import Opened, compare

        with (
            self.opened_tree(old, platform, report=report) as before,
            self.opened_tree(new, platform, report=report) as after,
            uncollected(),
        ):
            return compare(Opened(*before), Opened(*after))

    def waste(self, name: str, *, platform: Platform | None = None, report: Report = ignore) -> Waste:
        """What of an image's bytes later layers hide, tools left behind, or is there more than once, exactly.

        Raises: as `opened`.
        """
        from capas.layer.contents import uncollected
        from capas.look.waste import find_waste

        with self.opened_tree(name, platform, report=report) as (image, tree), uncollected():
            return find_waste(image, tree)

    def explain(self, what: str, language: str = "en") -> ExplainedFile | ExplainedImage | ExplainedTerm:
        """A Dockerfile (or the directory of one), a word like `layer`, or an image, in words.

        Raises: NotFound, with what was perhaps meant; Invalid; as `opened`.
        """
        from capas.engine.explaining import explain

        return explain(self._engine, what, language)

    def explain_file(self, text: str, name: str = "Dockerfile", *, ignore: Ignore | None = None) -> ExplainedFile:
        """A Dockerfile's text in words, line by line, with what its steps cost when it was last built here.

        `ignore`: what its context leaves out. Raises: Invalid, Unsupported for what cannot be read at all.
        """
        from capas.engine.explaining import explain_file

        return explain_file(self._engine, text, name, ignore=ignore)

    def explain_image(self, name: str, platform: Platform | None = None) -> ExplainedImage:
        """What an image is, what it runs, and what each step of its history did. Raises: as `opened`."""
        from capas.engine.explaining import list_known
        from capas.look.explaining import explain_image

        with self.opened(name, platform) as image:
            return explain_image(image, name, list_known(self._engine, image))

    def explain_term(self, word: str, language: str = "en") -> ExplainedTerm:
        """A word of images and containers, drawn with the largest image here. Raises: NotFound, with near words."""
        from capas.engine.explaining import find_own
        from capas.look.terms.explained import explain_term
        from capas.look.terms.glossary import get_term

        return explain_term(get_term(word, language), find_own(self._engine), language)

    @cached_property
    def _places(self) -> Places:
        engine = self._engine
        return Places(engine.images.find, lambda: engine.client, engine.store.blobs, host_platform())
