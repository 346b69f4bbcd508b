"""The inputs, made once: OCI layouts of busybox, debian, nginx, Python and the synthetic image, an archive of 500 images.

    python benchmarks/inputs.py DIR

The synthetic image has 20 layers: busybox; 300 MB that do not compress; 60,000 files of 0.1 to 4 KB; twelve versions of one
file; five small ones, of which two remove files of others. Always the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

from bases import busybox_tar, debian_tar
from built import make_built

MTIME = 499162500
BIG, MANY = 300, 60_000
WORDS = [
    "layer",
    "image",
    "digest",
    "hub",
    "build",
    "pull",
    "push",
    "run",
    "snapshot",
    "tag",
    "manifest",
    "config",
    "reference",
    "store",
    "blob",
    "archive",
]
Fill = Callable[[tarfile.TarFile], None]


class Layout:
    """An OCI image layout that is being written, with one image."""

    def __init__(self, path: Path) -> None:
        self.path, self.layers, self.diff_ids = path, [], []
        (path / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, data: bytes, media: str) -> dict[str, object]:
        """Write a small blob."""
        digest = hashlib.sha256(data).hexdigest()
        (self.path / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media}", "digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, fill: Fill, level: int = 6) -> None:
        """Add a layer of what `fill` puts into the tar."""
        spool = self.path / "layer"
        with spool.open("wb") as file:
            packed = Hashing(file)
            with gzip.GzipFile("", "wb", level, packed, mtime=0) as zipped:
                plain = Hashing(zipped)
                with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                    fill(tar)
        digest = packed.digest.hexdigest()
        size = spool.stat().st_size
        spool.rename(self.path / "blobs" / "sha256" / digest)
        media = "application/vnd.oci.image.layer.v1.tar+gzip"
        self.layers.append({"mediaType": media, "digest": f"sha256:{digest}", "size": size})
        self.diff_ids.append(f"sha256:{plain.digest.hexdigest()}")

    def finish(self) -> None:
        """Write config, manifest and index."""
        history = [{"created": "1985-10-26T08:15:00Z", "created_by": f"layer {n}"} for n in range(len(self.layers))]
        config = {"created": "1985-10-26T08:15:00Z", "architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                  "rootfs": {"type": "layers", "diff_ids": self.diff_ids}, "history": history}  # fmt: skip
        described = self.blob(json.dumps(config).encode(), "config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": described,
                    "layers": self.layers}  # fmt: skip
        top = self.blob(json.dumps(manifest).encode(), "manifest.v1+json")
        top["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


class Hashing:
    """A file whose bytes are hashed on their way."""

    def __init__(self, file: object) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)  # type: ignore[attr-defined,no-any-return]

    def flush(self) -> None:
        """Nothing is held back."""


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """A file of these bytes."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), MTIME, 0o644
    tar.addfile(member, io.BytesIO(data))


def copy_tar(source: Callable[[], tarfile.TarFile]) -> Fill:
    """All of another tar."""

    def fill(tar: tarfile.TarFile) -> None:
        with source() as opened:
            for member in opened:
                tar.addfile(member, opened.extractfile(member) if member.isreg() else None)

    return fill


class Noise:
    """A file of incompressible bytes, always the same, made as it is read."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def read(self, size: int = 1 << 20) -> bytes:
        return self.dice.randbytes(size)


def fill_big(tar: tarfile.TarFile) -> None:
    """One file of 300 MB that does not compress."""
    member = tarfile.TarInfo("big/noise")
    member.size, member.mtime = BIG * 1_000_000, MTIME
    tar.addfile(member, Noise(1))  # type: ignore[arg-type]


def small_files(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents of files of 0.1 to 4 KB, half text and half noise, 300 to a folder."""
    dice = random.Random(seed)
    for number in range(count):
        size = dice.randint(100, 4000)
        text = " ".join(dice.choices(WORDS, k=size // 12 + 1)).encode()[: size // 2]
        yield f"d{number // 300:03}/f{number:05}", text + dice.randbytes(size - len(text))


def fill_many(tar: tarfile.TarFile) -> None:
    """60,000 small files."""
    for name, data in small_files(MANY, 2):
        add(tar, f"many/{name}", data)


def make_synthetic(path: Path) -> None:
    """The image of 20 layers."""
    layout = Layout(path)
    layout.layer(copy_tar(lambda: tarfile.open(fileobj=io.BytesIO(busybox_tar()))))
    layout.layer(fill_big, level=1)
    layout.layer(fill_many)
    for version in range(12):
        layout.layer(lambda tar, version=version: add(tar, "srv/same", f"version {version}\n".encode() * 500))
    for number in range(3):
        layout.layer(lambda tar, number=number: add(tar, f"srv/small/{number}", b"small\n"))
    layout.layer(lambda tar: add(tar, "srv/small/.wh.0", b""))
    layout.layer(lambda tar: add(tar, "many/d000/.wh.f00000", b""))
    layout.finish()


def make_base(tar: Callable[[], tarfile.TarFile]) -> Callable[[Path], None]:
    """An image of one layer."""

    def write(path: Path) -> None:
        layout = Layout(path)
        layout.layer(copy_tar(tar))
        layout.finish()

    return write


def make_crowd(path: Path, count: int = 500) -> None:
    """A docker archive of 500 images: a layer they share, and above it one of its own for each.

    Where all have the same top layer, podman 4.3 takes a minute and a half for `image ls`: that would say little.
    """
    shared, base = small_layer("hello", b"hello\n")
    rows = []
    with tarfile.open(path, mode="w") as tar:
        add(tar, f"{base}.tar", shared)
        for number in range(count):
            layer, own = small_layer("number", f"{number}\n".encode())
            created = f"2020-01-01T{number // 60:02}:{number % 60:02}:00Z"
            config = {"created": created, "architecture": "amd64", "os": "linux", "config": {},
                      "rootfs": {"type": "layers", "diff_ids": [f"sha256:{base}", f"sha256:{own}"]},
                      "history": [{"created": created, "created_by": step} for step in ("shared", "own")]}  # fmt: skip
            data = json.dumps(config).encode()
            name = hashlib.sha256(data).hexdigest() + ".json"
            add(tar, f"{own}.tar", layer)
            add(tar, name, data)
            layers = [f"{base}.tar", f"{own}.tar"]
            rows.append({"Config": name, "RepoTags": [f"localhost/crowd/{number}:v1"], "Layers": layers})
        add(tar, "manifest.json", json.dumps(rows).encode())


def small_layer(name: str, data: bytes) -> tuple[bytes, str]:
    """A layer of one file, as a tar, and its digest."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        add(tar, name, data)
    return out.getvalue(), hashlib.sha256(out.getvalue()).hexdigest()


def write_files(folder: Path, count: int, seed: int) -> None:
    """A directory of small files."""
    for name, data in small_files(count, seed):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_big(path: Path) -> None:
    """The 300 MB file, as a file."""
    noise = Noise(1)
    with path.open("wb") as file:
        for _ in range(BIG):
            file.write(noise.read(1_000_000))


def make_inputs(cache: Path) -> None:
    """All that is not there yet."""
    cache.mkdir(parents=True, exist_ok=True)
    debian = debian_tar(cache)
    makers: dict[str, Callable[[Path], None]] = {
        "busybox": make_base(lambda: tarfile.open(fileobj=io.BytesIO(busybox_tar()))),
        "debian": make_base(lambda: tarfile.open(debian)),
        "nginx": partial(make_built, "nginx"),
        "python": partial(make_built, "python"),
        "synthetic": make_synthetic,
        "crowd.tar": make_crowd,
    }
    for name, make in makers.items():
        if not (cache / name).exists():
            half = cache / f"{name}.partial"
            shutil.rmtree(half, ignore_errors=True)  # of an interrupted run
            make(half)
            half.rename(cache / name)


if __name__ == "__main__":
    make_inputs(Path(sys.argv[1]))
