"""What a build says about the images that it makes: put together when they are exported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from capas.build.attestations.provenance import PREDICATE, Material, Recipe, provenance
from capas.build.attestations.sbom import PREDICATES, make_sbom
from capas.build.attestations.statement import Predicate, attach
from capas.build.attestations.subject import image_url
from capas.build.bench import Bench
from capas.build.context import Context
from capas.build.git_address import GitAddress
from capas.build.plan import Planner
from capas.build.solver import Solver
from capas.build.stage import StageState
from capas.build.urls import is_git_context, is_http, without_credentials
from capas.build.vertex import Source, Vertex, iter_vertices
from capas.errors import CapasError
from capas.image.image import Image
from capas.layer.entry import Layer
from capas.oci.descriptor import Descriptor
from capas.reference import Reference
from capas.release import capas_version

_CHUNK = 1 << 20


class Attester:
    """Attests the images of one build. Order: after the solver is done."""

    def __init__(
        self, bench: Bench, context: Context, planned: Sequence[tuple[Planner, StageState]], solver: Solver
    ) -> None:
        self._bench = bench
        self._context = context
        self._planned = planned
        self._solver = solver

    def attest(self, image: Image, number: int, names: Sequence[Reference]) -> Descriptor:
        """Write what the build was asked to say of its image for the platform `number`; the index's entry for it.

        Raises: Corrupt; NotFound; Exhausted.
        """
        wish = self._bench.request.attestations
        predicates: list[Predicate] = []
        if wish.sbom is not None:
            contents = self._bench.cache_root / "contents"
            name = names[0] if names else None
            document = make_sbom(image, name, format=wish.sbom, contents=contents, version=capas_version())
            predicates.append(Predicate(PREDICATES[wish.sbom], document))
        if wish.provenance is not None:
            recipe = self._recipe(*self._planned[number])
            layers = self._layers(recipe.target)
            document = provenance(image, recipe, layers, mode=wish.provenance, builder_id=wish.builder_id)
            predicates.append(Predicate(PREDICATE, document))
        return attach(image, names, predicates, self._bench.blobs)

    def _recipe(self, planner: Planner, state: StageState) -> Recipe:
        context = self._context
        return Recipe(
            self._bench.request._replace(platform=state.platform),
            context.dockerfile_name,
            context.dockerfile,
            self._source(),
            tuple(self._materials(planner, state)),
            state.vertex,
        )

    def _source(self) -> Material | None:
        word = self._bench.request.context
        if is_git_context(word):
            return self._git(GitAddress.parse(word))
        return self._download(word) if is_http(word) else None

    def _materials(self, planner: Planner, state: StageState) -> Iterator[Material]:
        """Base images, repositories and downloads, each once."""
        platforms = {str(image.digest): platform for (_, platform), image in planner.bases.items()}
        sources = [vertex.op for vertex in iter_vertices([state.vertex]) if isinstance(vertex.op, Source)]
        for name, digest in sorted({(source.name, source.digest) for source in sources if source.digest}):
            platform = str(platforms.get(digest, state.platform))
            yield Material(_image_uri(name, platform), {"sha256": digest.removeprefix("sha256:")})
        opening = self._bench.opening
        for address in sorted(opening.repositories.known(), key=lambda one: one.url):
            yield self._git(address)
        for url in sorted(opening.fetched):
            yield self._download(url)

    def _git(self, address: GitAddress) -> Material:
        ref = f"#{address.ref}" if address.ref else ""
        commit = self._bench.opening.repositories.find_commit(address)
        return Material(without_credentials(address.url) + ref, {"sha1": commit} if commit else {})

    def _download(self, url: str) -> Material:
        return Material(without_credentials(url), {"sha256": _digest(self._bench.opening.fetched[url])})

    def _layers(self, target: Vertex) -> Mapping[Vertex, Layer]:
        solved = {vertex: self._solver.solved(vertex).made for vertex in iter_vertices([target])}
        return {vertex: made.layer for vertex, made in solved.items() if made is not None and made.layer is not None}


def _image_uri(name: str, platform: str) -> str:
    """An image's address by the word that FROM has for it; a context's name may be none."""
    try:
        return image_url(Reference.parse(name).with_default_tag(), platform)
    except CapasError:
        return f"pkg:oci/{quote(name, safe='')}"


def _digest(path: Path) -> str:
    running = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            running.update(chunk)
    return running.hexdigest()
