"""Tars that were tampered with: a layer file is refused whole, or it can be mounted, walked and verified safely."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from capas.errors import CapasError
from capas.layer.apply import apply
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID
from capas.snapshot.layer_mounts import mount_layer
from capas.snapshot.namespaces import in_private_mounts
from support.changesets import changeset, device, directory, fifo, file, hardlink, symlink
from support.disks import disk_directory
from support.odd_layers import CAPABILITY, END, SPARSE_FORMS, raw_header, with_checksum
from support.trees import Seen, look

MEMBERS = [
    directory("d", 0o750, uid=7, mtime_ns=1_500_000_000),
    file("d/f", b"x" * 700, mode=0o4755, xattrs={b"user.a": b"1", b"security.capability": CAPABILITY}),
    symlink("d/s", "../e/g"),
    hardlink("h", "d/f"),
    file("e/g", b"", uid=70_000, gid=4_000_000_000, mtime_ns=-5),
    file("e/" + "n" * 200, b"n"),
    device("v", 7, 300),
    fifo("p"),
    file("e/.wh.gone"),
    file("d/.wh..wh..opq"),
    hardlink("below", "none/f"),
]
BASES = [
    changeset(*MEMBERS),
    b"".join(form("s") for form in SPARSE_FORMS.values()) + END,
    b"".join(with_checksum(raw_header(f"g{kind}", kind.encode())) for kind in "012356") + END,
]
FIELDS = [0, 100, 108, 116, 124, 136, 156, 157, 257, 329, 337, 345, 386, 483]
VALUES = [
    *(b"%c" % kind for kind in b"01256SxgLK"), b"00000001000\0", b"77777777777\0", bytes(12), b"\x80" + bytes(11),
    b"\xff" * 12, b"\x80" + b"\x7f" * 11, b"\x80\0\0\0\0\0\0\0\x7f\xff\xff\xff", b"d/s/", b"d/s/..", b"h", b"../x",
    b"/", b".wh.d", b"..", b"d/.wh..wh..opq", b"d/f/under",
]  # fmt: skip
places = st.one_of(st.sampled_from(FIELDS), st.integers(0, 511))
edits = st.lists(
    st.tuples(st.integers(0, 60), places, st.one_of(st.sampled_from(VALUES), st.binary(min_size=1, max_size=12))),
    min_size=1, max_size=4,
)  # fmt: skip


def tampered(base: int, changes: list[tuple[int, int, bytes]]) -> bytes:
    """With these values at these places of its blocks, and sums in the headers that fit."""
    data = bytearray(base)
    for number, place, value in changes:
        at = number % (len(data) // 512) * 512
        block = data[at : at + 512]
        header = block[257:262] == b"ustar"
        block[place : place + len(value)] = value
        data[at : at + 512] = with_checksum(block[:512]) if header else block[:512]
    return bytes(data)


def taken(files: LayerFiles, tar: bytes) -> bool:
    try:
        files.add(DiffID.of(tar), io.BytesIO(tar))
    except CapasError as error:
        assert str(error)
        assert not files.folder.exists() or os.listdir(files.folder) == []
        return False
    with files.open(DiffID.of(tar)) as layer:
        layer.verify()
        assert len(layer.entries()) <= len(tar) // 512 + 1
        assert layer.open_tar().read() == tar
    return True


def mounted(files: LayerFiles, tar: bytes, place: Path) -> dict[bytes, Seen]:
    def work() -> dict[bytes, Seen]:
        mount_layer(files.path(DiffID.of(tar)), place)
        return small(look(place))

    place.mkdir()
    return in_private_mounts(work)


def small(tree: dict[bytes, Seen]) -> dict[bytes, Seen]:
    """Without the times of marks, which nobody sees."""
    return {path: seen._replace(mtime_ns=0) if seen.mode == 0o20000 else seen for path, seen in tree.items()}


@settings(max_examples=400, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(0, len(BASES) - 1), edits)
def test_a_tampered_tar_is_refused_or_verified(base: int, changes: list[tuple[int, int, bytes]]) -> None:
    with disk_directory() as place:
        taken(LayerFiles(place / "files"), tampered(BASES[base], changes))


@pytest.mark.root
@settings(max_examples=150, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(0, len(BASES) - 1), edits)
def test_a_tampered_layer_is_mounted_as_it_is_unpacked(base: int, changes: list[tuple[int, int, bytes]]) -> None:
    tar = tampered(BASES[base], changes)
    with disk_directory() as place:
        files = LayerFiles(place / "files")
        if not taken(files, tar):
            return
        try:
            (place / "plain").mkdir()
            apply(io.BytesIO(tar), place / "plain", style="overlay")
        except CapasError:
            mounted(files, tar, place / "shown")
            return
        assert mounted(files, tar, place / "shown") == small(look(place / "plain"))
