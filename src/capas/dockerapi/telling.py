"""What docker's events say of images, and of what was pruned.

Spec: Docker Engine API, "SystemEvents".
"""

from __future__ import annotations

from capas.dockerapi.host import Host
from capas.engine.removal import Removed
from capas.errors import CapasError
from capas.reference import Reference


def tell_image(host: Host, action: str, reference: str, name: str = "") -> None:
    """What was done to an image that is here; `name` where it is not the image's id that docker says. Blocks."""
    try:
        found = host.engine.images.inspect(reference)
    except CapasError:  # somebody has removed it in the meantime
        return
    config, image_id = found.get("Config"), str(found["Id"])
    labels = (config.get("Labels") or {}) if isinstance(config, dict) else {}
    host.watch.tell("image", action, image_id, {**labels, "name": name or image_id})


def tell_transfer(host: Host, action: str, name: str) -> None:
    """That a name was pulled or pushed."""
    reference = Reference.parse(name).with_default_tag()
    host.watch.tell("image", action, reference.familiar, {"name": reference.familiar_name})


def tell_removed(host: Host, removed: Removed, image_id: str = "") -> None:
    """What names and images went."""
    for name in removed.untagged:
        image = image_id or next(iter(removed.deleted), name)
        host.watch.tell("image", "untag", image, {"name": image})
    for deleted in removed.deleted:
        host.watch.tell("image", "delete", deleted, {"name": deleted})


def tell_pruned(host: Host, kind: str, size: int) -> None:
    """What a pruning gave back, in bytes."""
    host.watch.tell(kind, "prune", "", {"reclaimed": str(size)})
