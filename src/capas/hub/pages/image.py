"""The page of one image: its layers to scale, each step of its making, what it runs with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import exists, select
from starlette.responses import Response

from capas.dockerfile.meaning.past import explain_past
from capas.dockerfile.meaning.sentence import Sentence
from capas.hub.hub import Hub
from capas.hub.pages.about import About, get_about, list_newest_names
from capas.hub.pages.drawing import Segment, lay_out, share
from capas.hub.pages.frame import page_route
from capas.hub.pages.reading import Shown, is_image, read_shown
from capas.hub.pages.visit import Visit
from capas.hub.records.tables.images import manifests, needs
from capas.image.created import parse_created
from capas.image.steps import Step, list_steps
from capas.language import write_bytes
from capas.oci.config import Execution

_MOST = 300  # entries of a list in the config, and of the history
_MOST_EXPLAINED, _LONGEST_EXPLAINED = 100, 4000  # steps, and characters of one

_MOST_DRAWN = 1000  # layers: no runtime takes more


class Row(NamedTuple):
    """A step as a row of the table. `share`: how long its bar is. `is_shared`: other images here have the layer too.

    `means`: what it did, in words.
    """

    step: Step
    share: float
    is_shared: bool
    means: tuple[Sentence, ...] = ()


def show_image(visit: Visit) -> Response:
    """What a tag or digest names."""
    about = get_about(visit, visit.path_text("name"))
    platform = visit.request.query_params.get("platform", "")
    shown = read_shown(visit.hub, about.name, visit.path_text("reference"), platform)
    if not is_image(shown.manifest):
        return visit.page("artifact.html", about=about, shown=shown)
    steps = list_steps(shown.manifest, shown.config)
    return visit.page(
        "image.html",
        about=about,
        shown=shown,
        segments=draw(steps),
        rows=_rows(visit.hub, about, shown, steps[:_MOST]),
        steps=steps,
        told=_tell(visit, steps),
        created_ns=parse_created(shown.config.created) if shown.config else 0,
        execution=shown.config.execution if shown.config else Execution(),
        others=[tag for tag in list_newest_names(visit, about.number) if tag != shown.reference],
        most=_MOST,
    )


def draw(steps: list[Step]) -> list[tuple[Segment, Step]]:
    """The bar of all layers, to scale."""
    return [(segment, steps[segment.place]) for segment in lay_out([step.size for step in steps])[:_MOST_DRAWN]]


def _tell(visit: Visit, steps: list[Step]) -> str:
    """The picture in words."""
    largest = max(steps, key=lambda step: step.size, default=None)
    if largest is None:
        return ""
    return visit.say(
        "Layers to scale, {size} in all; step {n} has the largest, {most}",
        size=write_bytes(sum(step.size for step in steps), visit.language),
        n=largest.number,
        most=write_bytes(largest.size, visit.language),
    )


def _rows(hub: Hub, about: About, shown: Shown, steps: list[Step]) -> list[Row]:
    largest = max((step.size for step in steps), default=0)
    shared = _list_shared(hub, about.number, shown.chosen.digest)
    means = [past.does if past.line else () for past in explain_past(list(_written(steps)))]
    return [
        Row(step, share(step.size, largest), step.digest in shared, means[place] if place < len(means) else ())
        for place, step in enumerate(steps)
    ]


def _written(steps: list[Step]) -> Iterator[str]:
    """The steps that are explained: anybody may push a history, and reading it must cost little."""
    for step in steps[:_MOST_EXPLAINED]:
        yield step.words if len(step.text) <= _LONGEST_EXPLAINED else ""


def _list_shared(hub: Hub, repository: int, digest: str) -> set[str]:
    """Those of a manifest's blobs that another manifest of the repository needs too."""
    other = needs.alias("other")
    here = select(manifests.c.id).where(manifests.c.repository == repository, manifests.c.digest == digest)
    also = exists().where(
        other.c.repository == repository, other.c.digest == needs.c.digest, other.c.manifest != needs.c.manifest
    )
    shared = select(needs.c.digest).where(needs.c.repository == repository, needs.c.manifest.in_(here), also)
    return hub.database.read(lambda db: set(db.execute(shared).scalars()))


ROUTES = [page_route("/r/{name:path}/-/image/{reference}", show=show_image)]
