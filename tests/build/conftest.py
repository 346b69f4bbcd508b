"""What the builder's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.building import Workshop
from support.stepping import Steps, opened_steps


@pytest.fixture
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A place to build in, with the image `base`."""
    place = Workshop(tmp_path_factory.mktemp("workshop"))
    place.make_image("base")
    yield place
    place.close()


@pytest.fixture
def steps() -> Iterator[Steps]:
    """A place where RUN works, in memory."""
    with opened_steps() as place:
        yield place
