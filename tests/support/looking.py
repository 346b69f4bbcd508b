"""Images to look at: layers in short words, put into an engine's store under a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capas.engine.engine import Engine
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.record import record_image
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.digest import DiffID
from capas.reference import Reference
from capas.settings import load_settings
from support.changesets import Member, changeset
from support.images import put_layer


def make_engine(root: Path) -> Engine:
    """An engine on a store of its own, with unpacked layers' driver left alone."""
    environ = {"CAPAS_ROOT": str(root / "store"), "CAPAS_RUN_ROOT": str(root / "run"), "HOME": str(root)}
    return Engine(load_settings(environ))


def put_image(
    engine: Engine,
    name: str,
    *layers: Sequence[Member],
    steps: Sequence[str] = (),
    execution: Execution | None = None,
    compression: str = "gzip",
) -> Image:
    """An image of these layers, recorded. `steps` are the history's words; one with "#" first has no layer."""
    tars = [changeset(*layer) for layer in layers]
    words = steps or [f"step {number}" for number in range(len(tars))]
    config = Config(
        created="2024-01-02T03:04:05Z",
        architecture="amd64",
        os="linux",
        config=execution or Execution(cmd=("sh",)),
        rootfs=RootFS(diff_ids=tuple(map(DiffID.of, tars))),
        history=tuple(History(created_by=word.removeprefix("#"), empty_layer=word.startswith("#")) for word in words),
    )
    with engine.store.lease() as lease:
        image = assemble(lease.blobs, config, [put_layer(lease.blobs, tar, compression) for tar in tars])
        record_image(engine.store, image, reference=Reference.parse(name).with_default_tag())
    return image
