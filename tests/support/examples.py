"""What the examples make, for tests that stand on it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_BASES = Path(__file__).parents[2] / "examples" / "bases.py"


def make_busybox() -> bytes:
    """The busybox tree of the examples, as a tar."""
    spec = importlib.util.spec_from_file_location("bases", _BASES)
    assert spec is not None and spec.loader is not None
    bases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bases)
    made = bases.busybox_tar()
    assert isinstance(made, bytes)
    return made
