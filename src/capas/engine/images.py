"""The verbs about images, each a thin method over the room that does the work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from capas.engine.listing import ImageSummary, list_images
from capas.engine.lookup import Found, find_image, get_image, get_named
from capas.errors import NotFound
from capas.events import Report, ignore
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.records import ImageRecord, Records

if TYPE_CHECKING:
    from capas.build.checking import Checked
    from capas.build.forecast import Verdict
    from capas.build.repeat import Repeated
    from capas.build.request import BuildRequest, Built
    from capas.build.survey import Survey
    from capas.engine.building import Visitor, Wish
    from capas.engine.costs import StepCost
    from capas.engine.engine import Engine
    from capas.engine.inspection import Document, HistoryStep
    from capas.engine.planning import Forecast
    from capas.engine.removal import Removed
    from capas.image.image import Image
    from capas.image.index import ImageIndex
    from capas.oci.digest import Digest
    from capas.parallel import Nursery
    from capas.registry.pull import Pulled
    from capas.registry.search import Hits, Wanted


class Images:
    """`engine.images`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, name: str | None = None, *, filters: Sequence[str] = ()) -> Sequence[ImageSummary]:
        """One row a name, newest first. `filters` are docker's: dangling, label, reference, before, since."""
        return list_images(self._engine.store.records, name=name, filters=filters)

    def get(self, text: str, platform: Platform | None = None) -> Image:
        """The image of this name or id; of several platforms the one asked for, or this machine's. Raises: NotFound."""
        found = get_image(self._engine.store.records, text)
        return self._choose(found, platform) or self.open(found.record)

    def get_top(self, text: str) -> Image | ImageIndex:
        """The image of this name or id, or the index where the name is one's. Raises: NotFound."""
        from capas.image.index import open_top

        found = get_image(self._engine.store.records, text)
        return open_top(self._engine.store.blobs, self._manifest_of(found))

    def _manifest_of(self, found: Found) -> Digest:
        named = found.reference is not None and found.reference.tag and not found.reference.digest
        row = self._engine.store.records.find_name(found.reference) if found.reference and named else None
        return row.manifest if row else found.record.manifest

    def _choose(self, found: Found, platform: Platform | None) -> Image | None:
        """The image for a platform, where the name is an index that has it."""
        manifest = self._manifest_of(found)
        if platform is None or manifest == found.record.manifest:
            return None
        from capas.image.index import open_image

        try:
            return open_image(self._engine.store.blobs, manifest, platform)
        except NotFound:
            return None

    def open(self, record: ImageRecord) -> Image:
        """The image of a record."""
        from capas.image.image import Image

        return Image.open(self._engine.store.blobs, record.manifest, record.media_type)

    def pull(
        self, name: str, *, platform: Platform | None = None, unpack: bool = True, report: Report = ignore
    ) -> Pulled:
        """Bring an image from its registry: blobs, records and (`unpack`) its layers, ready to run.

        Raises: NotFound, Unauthenticated, Denied, Unavailable, Corrupt; nothing half-done is visible.
        """
        from capas.engine.keeping import settle
        from capas.engine.platforms import host_platform
        from capas.engine.rates import Meter
        from capas.registry.pull import pull

        engine = self._engine
        reference = Reference.parse(name).with_default_tag()
        receiver = engine.snapshotter if unpack and engine.settings.keep != "compressed" else None
        with Meter(engine.settings.root, "pull", reference.domain, report) as meter:
            pulled = pull(
                engine.client,
                reference,
                engine.store,
                receiver=receiver,
                platform=platform or host_platform(),
                report=meter.report,
            )
        if receiver is not None and pulled.image.layers:
            receiver.stack([layer.diff_id for layer in pulled.image.layers])
        if pulled.changed:
            settle(engine, pulled.image)
        return pulled

    def push(self, name: str, *, report: Report = ignore) -> Digest:
        """Send the image or index of this name to its registry; what is there is not sent again. Its digest."""
        from capas.engine.rates import Meter
        from capas.registry.push import push

        records = self._engine.store.records
        reference = get_named(records, name)
        top = self.get_top(name)
        with Meter(self._engine.settings.root, "push", reference.domain, report) as meter:
            digest = push(self._engine.client, reference, top, sources=records.list_sources, report=meter.report)
        _note_pushed(records, reference, top)
        return digest

    def plan_pull(self, name: str, *, platform: Platform | None = None) -> Forecast:
        """What `pull` would fetch, leave on the disk and take, before anything moves. Raises: as `pull`."""
        from capas.engine.planning import forecast_pull

        return forecast_pull(self._engine, name, platform)

    def plan_push(self, name: str) -> Forecast:
        """What `push` would send and how long that would take, before anything moves. Raises: as `push`."""
        from capas.engine.planning import forecast_push

        return forecast_push(self._engine, name)

    def tag(self, source: str, target: str) -> None:
        """Another name for an image. Nothing is copied."""
        records = self._engine.store.records
        found = get_image(records, source)
        reference = Reference.parse(target).with_default_tag()
        if reference.digest is not None:
            reference = reference.with_tag(reference.tag)  # refuses a digest without a tag, drops one beside a tag
        row = records.find_name(found.reference) if found.reference and found.reference.tag else None
        records.set_name(reference, found.record.image_id, row.manifest if row else found.record.manifest)

    def remove(self, text: str, *, force: bool = False) -> Removed:
        """Untag a name; with its last name an image goes, and what no other image uses of it."""
        from capas.engine.removal import remove_image

        return remove_image(self._engine, text, force=force)

    def prune(self, *, every: bool = False, filters: Sequence[str] = ()) -> Removed:
        """Delete images without a name, or all that no container uses."""
        from capas.engine.removal import prune_images

        return prune_images(self._engine, every=every, filters=filters)

    def history(self, text: str) -> Sequence[HistoryStep]:
        """Every step, newest first."""
        from capas.engine.inspection import list_history

        return list_history(self._engine.store.records, self.get(text))

    def costs(self, text: str) -> Sequence[StepCost]:
        """What every step took and added, oldest first, and what of it later steps waste. Raises: NotFound; Corrupt."""
        from capas.engine.costs import list_costs

        return list_costs(self._engine, self.get(text))

    def inspect(self, text: str) -> Document:
        """docker's JSON fields."""
        from capas.engine.inspection import inspect_image

        records = self._engine.store.records
        found = get_image(records, text)
        return inspect_image(
            records, found.record, self.open(found.record), driver=self._engine.driver_name, top=self.get_top(text)
        )

    def sbom(self, text: str, *, format: str = "spdx") -> Document:
        """The packages in an image, out of its layers; "spdx" or "cyclonedx". Raises: NotFound; Corrupt; Invalid."""
        from capas.engine.attesting import sbom_of

        return sbom_of(self._engine, text, format=format)

    def remote_tags(self, name: str) -> Sequence[str]:
        """The tags of a repository in its registry."""
        return self._engine.client.repository(Reference.parse(name)).list_tags()

    def search(self, wanted: Wanted) -> Hits:
        """Repositories that have the words, in docker.io or in the registry named before them.

        Raises: Invalid; Unauthenticated; Unavailable; Unsupported for a registry that cannot be searched.
        """
        from capas.engine.searching import search

        return search(self._engine.client, wanted)

    def local_tags(self, name: str) -> Sequence[str]:
        """The names here in this repository (`domain/path`)."""
        return sorted(
            str(row.reference) for row in self._engine.store.records.list_names() if row.reference.name == name
        )

    def save(self, out: BinaryIO, names: Sequence[str], *, format: str = "docker") -> None:
        """Write images, with the names asked for, into one archive that docker, podman, skopeo and Capas read."""
        from capas.image.archive import save

        records = self._engine.store.records
        found = [get_image(records, name) for name in names]
        named = [[one.reference] if one.reference and one.reference.tag else [] for one in found]
        save(
            out,
            [(self.get_top(name), references) for name, references in zip(names, named, strict=True)],
            format=format,
        )

    def load(self, stream: BinaryIO, *, report: Report = ignore) -> Sequence[tuple[Image, Sequence[Reference]]]:
        """Read the images of an archive, with their names."""
        from capas.engine.platforms import host_platform
        from capas.image.archive import load

        return load(stream, self._engine.store, receiver=None, platform=host_platform(), report=report)

    def import_(self, stream: BinaryIO, name: str | None, *, changes: Sequence[str] = (), message: str = "") -> Image:
        """Make a one-layer image of a tar of files. `changes` are Dockerfile instructions on its config."""
        from capas.engine.importing import import_tree

        return import_tree(self._engine, stream, name, changes=changes, message=message)

    def build(
        self,
        request: BuildRequest,
        *,
        tags: Sequence[str] = (),
        visitor: Visitor | None = None,
        nursery: Nursery | None = None,
        report: Report = ignore,
    ) -> Built:
        """Build a Dockerfile, record the image and name it. Raises: Invalid, with the line at fault.

        Cancelling the `nursery` ends it.
        With a `visitor` a RUN that fails opens a shell at our terminal, in the state in which it began.
        """
        from capas.engine.building import build_image
        from capas.engine.shown_build import ShownBuild

        return ShownBuild(
            *build_image(self._engine, request, tags=tags, visitor=visitor, nursery=nursery, report=report)
        )

    def build_twice(self, request: BuildRequest, *, tags: Sequence[str] = (), report: Report = ignore) -> Repeated:
        """Build, then again in other conditions, and compare. Raises: as `build`."""
        from capas.engine.building import build_twice

        return build_twice(self._engine, request, tags=tags, report=report)

    def forecast(self, request: BuildRequest, *, report: Report = ignore) -> Sequence[Verdict]:
        """What a build would do: a verdict a step. Nothing is built. Raises: as `build`, but for what RUN does."""
        from capas.engine.building import forecast_build

        return forecast_build(self._engine, request, report=report)

    def bake(
        self, wishes: Mapping[str, Wish], wanted: Collection[str], *, report: Report = ignore
    ) -> Mapping[str, Built]:
        """Build several requests by name in one graph, and export those wanted. Raises: as `build`."""
        from capas.engine.building import build_all

        return build_all(self._engine, wishes, wanted, report=report)

    def check(self, request: BuildRequest) -> Checked:
        """What docker's build checks say of a Dockerfile. Nothing is built. Raises: as `build` for the context."""
        from capas.engine.building import check_build

        return check_build(self._engine, request)

    def survey_context(self, request: BuildRequest) -> Survey:
        """What a build would send of the directory `request.context`. Raises: NotFound; Invalid; Denied."""
        from capas.build.survey import survey

        return survey(request)

    def find_or_pull(
        self,
        name: str,
        *,
        platform: Platform | None = None,
        pull: str = "missing",
        unpack: bool = True,
        report: Report = ignore,
    ) -> Image:
        """The image of this name, pulled where it is not here (`pull`: "missing", "always" or "never").

        An image here for another platform than the one asked for is pulled too. Raises: NotFound for "never".
        """
        found = None if pull == "always" else self.find(name, platform)
        if found is not None:
            self._know(found)
            return found
        if pull == "never":
            raise NotFound("no such image here: {image}", image=name, hint="`capas pull {image}` brings it")
        return self.pull(name, platform=platform, unpack=unpack, report=report).image

    def find(self, name: str, platform: Platform | None = None) -> Image | None:
        """The image of this name that is here and suits the platform."""
        found = find_image(self._engine.store.records, name)
        chosen = self._choose(found, platform) if found else None
        if chosen is not None:
            return chosen
        fits = found and (platform is None or platform.runs(found.record.platform))
        return self.open(found.record) if found and fits else None

    def _know(self, image: Image) -> None:
        """An image of an index that runs must be known by itself."""
        if self._engine.store.records.find_image(image.id) is None:
            from capas.image.record import record_image

            record_image(self._engine.store, image)


def _note_pushed(records: Records, reference: Reference, top: Image | ImageIndex) -> None:
    """The repository has it by its digest, and its layers, which others there can mount."""
    from capas.image.index import iter_images

    with records.transaction():
        if (row := records.find_name(reference)) is not None:
            records.add_digest(reference.name, top.digest, row.image_id)
        for image in iter_images(top):
            for part in image.manifest.layers:
                records.add_source(part.digest, reference.domain, reference.path)
