"""`--metadata-file`: what a build made, under BuildKit's names."""

from __future__ import annotations

import msgspec

from capas.build.exporters.exported import Exported, describe
from capas.build.exporters.output import Output
from capas.image.image import Image
from capas.oci.descriptor import encode_digest


def metadata_of(exported: Exported, outputs: tuple[Output, ...], build_id: str) -> dict[str, object]:
    """The document. `build_id` names the build; there is one builder, so that the rest of the ref is fixed."""
    document: dict[str, object] = {"buildx.build.ref": f"capas/capas/{build_id}"}
    if not any(output.is_image for output in outputs):
        return document
    top = exported.top
    if isinstance(top, Image):
        document["containerimage.config.digest"] = str(top.id)
        described = describe(top)
    else:
        described = top.descriptor
    document["containerimage.descriptor"] = msgspec.to_builtins(described, enc_hook=encode_digest)
    document["containerimage.digest"] = str(top.digest)
    names = dict.fromkeys(str(name) for output in outputs for name in output.names)
    if names:
        document["image.name"] = ",".join(names)
    return dict(sorted(document.items()))
