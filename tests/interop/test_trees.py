"""What Capas makes of an image's layers, entry by entry beside what umoci unpacks of the same image."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.image.archive import save
from capas.image.edit import assemble
from capas.reference import Reference
from capas.snapshot.choose import DRIVERS, open_snapshotter
from capas.snapshot.mounting import mounted
from capas.snapshot.unpack import unpack
from capas.store.store import Store
from support.disks import disk_directory
from support.images import config_of, put_layer
from support.trees import Seen, look

LONG = "d/" + "n" * 200 + "/" + "m" * 90


class Layer:
    """A changeset under way, written with Python's tarfile."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._out, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._time = 1_000_000_000

    def add(self, path: str, kind: bytes = tarfile.REGTYPE, body: bytes = b"", **fields: object) -> Layer:
        """One more entry; each has a time of its own."""
        member = tarfile.TarInfo(path)
        member.type, member.size = kind, len(body)
        member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        self._time += 1
        member.mtime = self._time
        for name, value in fields.items():
            setattr(member, name, value)
        self._tar.addfile(member, io.BytesIO(body))
        return self

    def folder(self, path: str, **fields: object) -> Layer:
        """One more directory."""
        return self.add(path, tarfile.DIRTYPE, **fields)

    def bytes(self) -> bytes:
        """The tar."""
        self._tar.close()
        return self._out.getvalue()


def odd_layers() -> list[bytes]:
    """Everything that a layer can hold, and everything that a layer can do to the one below."""
    below = Layer()
    for path in ("", "bin", "d", "opaque", "gone", "kept", "replaced"):
        below.folder(path or ".", mode=0o750 if path == "kept" else 0o755, uid=5 if path == "kept" else 0)
    below.add("d/file", body=b"x" * 5000, uid=70000, gid=4_000_000, mode=0o4755)
    below.add("d/other", body=b"other", mode=0o2640, pax_headers={"mtime": "1234567890.123456789"})
    below.add("d/hard", tarfile.LNKTYPE, linkname="d/file")
    below.add("d/soft", tarfile.SYMTYPE, linkname="../d/file", mode=0o777)
    below.add("d/dangling", tarfile.SYMTYPE, linkname="/no/where", mode=0o777)
    below.add("d/null", tarfile.CHRTYPE, devmajor=1, devminor=3)
    below.add("d/loop", tarfile.BLKTYPE, devmajor=7, devminor=0)
    below.add("d/pipe", tarfile.FIFOTYPE)
    below.add("d/capable", body=b"c", mode=0o755, pax_headers={
        "SCHILY.xattr.user.note": "hola", "SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x04" + "\0" * 14,
    })  # fmt: skip
    below.add("d/\u00f1and\u00fa", body=b"utf-8")
    below.add("d/\udcff\udcfe", body=b"not utf-8")
    below.folder("d/" + "n" * 200)
    below.add(LONG, body=b"long")
    below.add("opaque/old", body=b"old")
    below.add("gone/file", body=b"gone")
    below.add("kept/file", body=b"kept")
    below.add("replaced/file", body=b"replaced")
    below.add("big", body=bytes(3_000_000) + b"end")
    above = Layer()
    above.add("kept/new", body=b"its directory is not listed")
    above.add("d/.wh.other").add(".wh.gone")
    above.folder("opaque").add("opaque/.wh..wh..opq").add("opaque/new", body=b"new")
    above.add("replaced", body=b"a file where a directory was")
    above.add("bin/linked", tarfile.LNKTYPE, linkname="d/file")
    above.folder("d", mode=0o711)
    return [below.bytes(), above.bytes()]


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


@pytest.fixture(params=["gzip", "zstd", "none"])
def image(request: pytest.FixtureRequest, place: Path) -> tuple[Store, object]:
    store = Store(place / "store")
    tars = odd_layers()
    layers = [put_layer(store.blobs, tar, request.param) for tar in tars]
    return store, assemble(store.blobs, config_of(tars), layers)


@pytest.mark.root
@pytest.mark.peer("umoci")
@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("driver", DRIVERS)
def test_the_tree_is_umoci_s_tree(image, driver: str, place: Path) -> None:  # type: ignore[no-untyped-def]
    _, made = image
    with (place / "image.tar").open("wb") as out:
        save(out, [(made, [Reference.parse("odd:1")])], format="oci")
    umoci_unpack(place, packed_again=made.manifest.layers[0].media_type.endswith("zstd"))
    snapshotter, _ = open_snapshotter(place / "store", wanted=driver)
    snapshotter.prepare("view", unpack(made, snapshotter), writable=False)
    with mounted(snapshotter, "view") as tree:
        ours = look(tree)
    theirs = look(place / "bundle" / "rootfs")
    assert sorted(ours) == sorted(theirs)
    different = {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
    # umoci gives a directory that the upper layer does not list the time of the unpacking; the layer below knows better
    assert not {path: pair for path, pair in different.items() if timeless(pair[0]) != timeless(pair[1])}
    assert set(different) <= {b".", b"bin", b"kept"}


def timeless(seen: Seen) -> Seen:
    return seen._replace(mtime_ns=0)


def umoci_unpack(place: Path, *, packed_again: bool) -> None:
    """Unpack `image.tar` to `bundle/rootfs`. umoci 0.4 knows no zstd: skopeo packs such layers again."""
    run = subprocess.check_call
    run(["skopeo", "copy", "-q", f"oci-archive:{place}/image.tar", f"oci:{place}/layout:odd"])
    layout = "layout"
    if packed_again:
        layout = "gzip"
        flags = ["-q", "--dest-compress-format", "gzip"]
        run(["skopeo", "copy", *flags, f"oci:{place}/layout:odd", f"oci:{place}/{layout}:odd"])
    run(["umoci", "unpack", "--image", f"{place}/{layout}:odd", str(place / "bundle")])
