"""A place to build in: a store, a cache, images made by hand, and a clock that ticks only when told."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from capas.build.build import build
from capas.build.cache import BuildCache
from capas.build.exporters.exported import Exported
from capas.build.lazy import LazyBlobs
from capas.build.ports import BuildPorts, RunStep
from capas.build.request import BuildRequest, Built
from capas.chance import token
from capas.errors import NotFound
from capas.events import Event, Finished, Report, ignore
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.record import record_image, record_top
from capas.layer.compression import decompress
from capas.layer.contents import read_contents
from capas.layer.create import LayerBlob, NewLayer
from capas.layer.diff import iter_tree, write_changes
from capas.layer.entry import DIRECTORY, FILE, SYMLINK, Entry
from capas.layer.tree import Tree
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.client import Client
from capas.snapshot.contract import Snapshotter
from capas.store.store import Store
from support.busybox import make_tree

START_NS = 1_700_000_000_000_000_000
PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002:App:/home/app:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:\napp:x:1002:\n"


class Workshop:
    """One machine's store and build cache. `images` are what a registry would have."""

    def __init__(
        self,
        root: Path,
        *,
        snapshotter: Callable[[], Snapshotter] | None = None,
        run_step: Callable[[], RunStep] | None = None,
    ) -> None:
        self.root = root
        self.store = Store(root / "store")
        self.now_ns = START_NS
        self.cache = BuildCache(root / "build.db", lambda: self.now_ns)
        self.images: dict[Reference, Image] = {}
        self.pulled: list[tuple[str, bool]] = []
        self.downloads: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.authorizations: list[str] = []
        self.events: list[Event] = []
        self.on_event: Report = ignore
        self.client: Client | None = None
        self._snapshotter = snapshotter
        self._run_step = run_step
        self._ids = itertools.count()
        self._name = token()[:12]

    def make_image(
        self,
        name: str,
        files: Mapping[str, bytes | str | None] | None = None,
        execution: Execution | None = None,
    ) -> Image:
        """An image of one layer: bytes make a file, a text a link, None a directory."""
        with LayerBlob(self.store.blobs, name="made by hand") as blob:
            for path, content in sorted((files or {"etc/passwd": PASSWD, "etc/group": GROUP, "tmp": None}).items()):
                _add(blob, path.encode(), content)
            new = blob.commit()
        return self.keep(name, new, execution or Execution(env=("PATH=/bin",)))

    def make_busybox(self, name: str, folder: Path) -> Image:
        """An image that runs: the static busybox. `folder` is for its tree."""
        with LayerBlob(self.store.blobs, name="busybox") as blob:
            write_changes(iter_tree(make_tree(folder)), blob.tar)
            new = blob.commit()
        return self.keep(name, new, Execution(env=("PATH=/bin",)))

    def build(self, context: str | Path, **wishes: object) -> Built:
        """Build, and remember what was said."""
        self.events.clear()
        request = BuildRequest(str(context))._replace(**wishes)  # type: ignore[arg-type]
        return build(request, self.ports(), report=self._hear)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def ports(self) -> BuildPorts:
        """The world of a build."""
        return BuildPorts(
            store=self.store,
            cache=self.cache,
            cache_root=self.root / "cache",
            clock=lambda: self.now_ns,
            resolve_image=self._resolve,
            snapshotter=self._snapshotter or _forbidden,
            run_step=self._run_step or _forbidden,
            fetch=self._fetch,
            new_id=lambda: f"{self._name}x{next(self._ids)}",  # cgroups are one for all: of tests beside this one too
            keep=self._keep_built,
            client=self._client,
        )

    def _keep_built(self, exported: Exported, names: Sequence[Reference]) -> None:
        record_top(self.store, exported.top, exported.preferred(Platform()), names)

    def _client(self) -> Client:
        assert self.client is not None, "a build without registries asks for no client"
        return self.client

    def cached(self) -> dict[str, bool]:
        """Which steps of the last build came from the cache."""
        return {event.id: event.text == "CACHED" for event in self.events if isinstance(event, Finished)}

    def tree(self, image: Image) -> Tree:
        """What a container of the image would see."""
        tars = [self._tar(layer.descriptor.digest) for layer in image.layers]
        return Tree([read_contents(io.BytesIO(tar)) for tar in tars], lambda index: io.BytesIO(tars[index]))

    def layer_entries(self, image: Image, number: int = -1) -> Sequence[Entry]:
        """The entries of one layer."""
        return read_contents(io.BytesIO(self._tar(image.layers[number].descriptor.digest))).entries

    def read(self, image: Image, path: str) -> bytes:
        """A file of the image."""
        with self.tree(image).open(path.encode()) as file:
            return file.read()

    def close(self) -> None:
        """Let the files go."""
        self.cache.close()
        self.store.close()

    def keep(self, name: str, new: NewLayer, execution: Execution | None = None) -> Image:
        """An image of this layer, that a FROM finds."""
        config = Config(
            architecture="amd64",
            os="linux",
            created="2023-01-01T00:00:00Z",
            config=execution or Execution(),
            rootfs=RootFS(diff_ids=(new.diff_id,)),
            history=(History(created="2023-01-01T00:00:00Z", created_by="by hand"),),
        )
        image = assemble(self.store.blobs, config, [new.descriptor])
        reference = Reference.parse(name).with_default_tag()
        record_image(self.store, image, reference=reference)
        self.images[reference] = image
        return image

    def _tar(self, digest: object) -> bytes:
        with self.store.blobs.open(digest) as blob:  # type: ignore[arg-type]
            return _read_all(decompress(blob))

    def _resolve(
        self, reference: Reference, platform: Platform, pull: bool, *, blobs: LazyBlobs | None = None
    ) -> Image:
        self.pulled.append((reference.familiar, pull))
        if reference not in self.images:
            raise NotFound("no such image: {image}", image=reference.familiar)
        return self.images[reference]

    def _fetch(self, url: str, out: BinaryIO, *, authorization: str = "") -> None:
        self.fetched.append(url)
        self.authorizations.append(authorization)
        if url not in self.downloads:
            raise NotFound("nothing at {url}", url=url)
        out.write(self.downloads[url])


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A directory with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def _add(blob: LayerBlob, path: bytes, content: bytes | str | None) -> None:
    if content is None:
        blob.tar.add(Entry(path, DIRECTORY, 0o1777 if path == b"tmp" else 0o755), None)
    elif isinstance(content, str):
        blob.tar.add(Entry(path, SYMLINK, 0o777, target=content.encode()), None)
    else:
        blob.tar.add(Entry(path, FILE, 0o644, size=len(content)), io.BytesIO(content))


def _read_all(stream: object) -> bytes:
    data = bytearray()
    while chunk := stream.read(1 << 20):  # type: ignore[attr-defined]
        data += chunk
    return bytes(data)


def _forbidden() -> object:
    raise AssertionError("a build without RUN asks for no snapshotter and no runtime")
