"""Marks: what a test needs of its machine."""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")
    for mark in item.iter_markers("peer"):
        if shutil.which(mark.args[0]) is None:
            pytest.fail(f"the peer {mark.args[0]} is not installed: `make test` installs it")
