"""Container images with no daemon: find, pull, look inside, build, push, share and run them.

>>> import capas
>>> [hit.name for hit in capas.search("debian")]      # doctest: +SKIP
>>> image = capas.pull("debian:bookworm")            # doctest: +SKIP
>>> [step.created_by for step in image.history]       # doctest: +SKIP
>>> capas.build(".", tags=["me/app"])                 # doctest: +SKIP
>>> capas.run("me/app", ["true"]).exit_code           # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capas.engine.engine import Engine as Engine
    from capas.engine.porcelain import build as build
    from capas.engine.porcelain import diff as diff
    from capas.engine.porcelain import draw as draw
    from capas.engine.porcelain import explain as explain
    from capas.engine.porcelain import files as files
    from capas.engine.porcelain import images as images
    from capas.engine.porcelain import pull as pull
    from capas.engine.porcelain import push as push
    from capas.engine.porcelain import run as run
    from capas.engine.porcelain import search as search
    from capas.engine.porcelain import tag as tag
    from capas.engine.porcelain import waste as waste
    from capas.errors import CapasError as CapasError
    from capas.image.image import Image as Image
    from capas.oci.platform import Platform as Platform
    from capas.reference import Reference as Reference
    from capas.settings import Settings as Settings
    from capas.settings import load_settings as load_settings

_HOMES = MappingProxyType({
    "CapasError": "capas.errors",
    "Engine": "capas.engine.engine",
    "Image": "capas.image.image",
    "Platform": "capas.oci.platform",
    "Reference": "capas.reference",
    "Settings": "capas.settings",
    "build": "capas.engine.porcelain",
    "diff": "capas.engine.porcelain",
    "draw": "capas.engine.porcelain",
    "explain": "capas.engine.porcelain",
    "files": "capas.engine.porcelain",
    "images": "capas.engine.porcelain",
    "load_settings": "capas.settings",
    "pull": "capas.engine.porcelain",
    "push": "capas.engine.porcelain",
    "run": "capas.engine.porcelain",
    "search": "capas.engine.porcelain",
    "tag": "capas.engine.porcelain",
    "waste": "capas.engine.porcelain",
})  # fmt: skip
__all__ = [
    "CapasError", "Engine", "Image", "Platform", "Reference", "Settings", "build", "diff", "draw", "explain", "files",
    "images", "load_settings", "pull", "push", "run", "search", "tag", "waste",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'capas' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)


class _Face(ModuleType):
    """Keeps its verbs: the rooms `capas.build` and `capas.run` would take their place when they are first imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
