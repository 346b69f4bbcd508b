"""Image archives: many images in one tar, for docker, podman, skopeo and Capas."""

from __future__ import annotations

from capas.image.archive_load import load
from capas.image.archive_save import save

__all__ = ["load", "save"]
