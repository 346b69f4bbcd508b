"""What the builder's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.building import Workshop


@pytest.fixture
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A place to build in, with the image `base`."""
    place = Workshop(tmp_path_factory.mktemp("workshop"))
    place.make_image("base")
    yield place
    place.close()
