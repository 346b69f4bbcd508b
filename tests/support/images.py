"""Small images, made with the standard library's tar and gzip: not with what is under test."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence

from capas.image.edit import assemble
from capas.image.image import Image
from capas.oci import media
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID
from capas.store.contract import BlobStore
from capas.store.put import put

Files = Mapping[str, bytes]


def tar_of(files: Files) -> bytes:
    """An uncompressed tar of regular files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def config_of(layers: Sequence[bytes], *, command: str = "/bin/sh", architecture: str = "amd64") -> Config:
    """A config for these uncompressed tars."""
    return Config(
        created="2024-01-02T03:04:05.6Z",
        architecture=architecture,
        os="linux",
        config=Execution(cmd=(command,), labels={"made": "by a test"}),
        rootfs=RootFS(diff_ids=tuple(DiffID.of(layer) for layer in layers)),
        history=tuple(History(created="2024-01-02T03:04:05Z", created_by=f"step {n}") for n in range(len(layers))),
    )


def put_layer(blobs: BlobStore, tar: bytes, compression: str = "gzip") -> Descriptor:
    """A layer's blob: "gzip", "zstd" or "none"."""
    if compression == "gzip":
        data = gzip.compress(tar, mtime=0)
    elif compression == "zstd":
        import zstandard

        data = zstandard.compress(tar)
    else:
        data = tar
    return Descriptor(media_type=media.layer_type(compression), digest=put(blobs, data), size=len(data))


def make_image(
    blobs: BlobStore,
    *layers: Files,
    compression: str = "gzip",
    docker: bool = False,
    command: str = "/bin/sh",
    architecture: str = "amd64",
) -> Image:
    """An image of these files, a layer each."""
    tars = [tar_of(files) for files in layers]
    descriptors = [put_layer(blobs, tar, compression) for tar in tars]
    return assemble(blobs, config_of(tars, command=command, architecture=architecture), descriptors, docker=docker)
