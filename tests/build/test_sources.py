"""Places that files are copied from: what a directory of the host shows, to several threads at once too."""

from __future__ import annotations

import os
from pathlib import Path

from capas.build.sources.descriptors import Directories
from support.building import write_files


def test_two_readers_of_a_directory_do_not_take_names_from_each_other(tmp_path: Path) -> None:
    write_files(tmp_path, {str(number): "" for number in range(10)})
    directories = Directories(tmp_path)
    one, two = directories.open_dir(b""), directories.open_dir(b"")
    with os.scandir(one) as first, os.scandir(two) as second:
        next(first)
        assert len(list(second)) == 10
    os.close(one)
    os.close(two)
    directories.close()
