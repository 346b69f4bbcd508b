"""The same bytes are the same members for GNU tar, Python's tarfile and us, or we refuse them."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capas.errors import CapasError
from capas.layer.header import clean_path
from capas.layer.reader import iter_entries

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
# what to break: a field of a header, by its place, with what it may say instead
FIELDS = [(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155)]
values = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from([b"0", b"1", b"2", b"5", b"7", b"x", b"g", b"L", b"K", b"00000001000\0", bytes(12)]),
)
edits = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(FIELDS), values), max_size=3)


def sound(form: int) -> bytearray:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, size in (("a", 700), ("long/" * 19 + "name", 3), ("b", 512), ("c", 0)):
            info = tarfile.TarInfo(name)
            info.size = size
            if form == tarfile.PAX_FORMAT:
                info.mtime = 1.5
            tar.addfile(info, io.BytesIO(b"z" * size))
    return bytearray(out.getvalue())


def broken(form: int, changes: list[tuple[int, tuple[int, int], bytes]]) -> bytes:
    data = sound(form)
    for number, (start, length), value in changes:
        at = number * 512
        block = data[at : at + 512]
        block[start : start + min(len(value), length)] = value[:length]
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        data[at : at + 512] = block
    return bytes(data)


def ours(data: bytes) -> list[bytes] | None:
    try:
        return [entry.path for entry, _ in iter_entries(io.BytesIO(data))]
    except CapasError:
        return None


def gnus(data: bytes) -> list[bytes]:
    args = ["tar", "--quoting-style=literal", "--null", "-t", "-f", "-", "-P"]
    listed = subprocess.run(args, input=data, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout
    return listed.split(b"\n")[:-1]


@pytest.mark.peer("tar")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FORMATS), edits)
def test_gnu_tar_lists_the_same_members(form: int, changes: list[tuple[int, tuple[int, int], bytes]]) -> None:
    data = broken(form, changes)
    found = ours(data)
    if found is None or any(b"\n" in path for path in found):
        return
    assert [clean_path(path) for path in gnus(data)] == found


def test_sound_tars_are_read_whole() -> None:
    for form in FORMATS:
        assert len(ours(broken(form, [])) or []) == 4
