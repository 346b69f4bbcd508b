"""R11: whatever the order of pushes, mounts, deletions and collections, what was acknowledged can be pulled."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.spans import SECOND_NS
from support.asgi import Direct
from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, describe, digest_of

GRACE = 100
SOON = 45  # two of them nearly use up the time of grace
NAMES = ["a", "b", "c"]


class Document(NamedTuple):
    """A manifest or index, the blobs that it needs and the documents that have to be there before it."""

    data: bytes
    media_type: str
    blobs: tuple[bytes, ...] = ()
    children: tuple[str, ...] = ()


def image(config: bytes, *layers: bytes, subject: bytes = b"") -> Document:
    described = [describe(LAYER, layer) for layer in layers]
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, config), "layers": described}
    if subject:
        document["subject"] = describe(MANIFEST, subject)
    return Document(json.dumps(document).encode(), MANIFEST, (config, *layers))


def index(*children: str) -> Document:
    described = [describe(DOCUMENTS[child].media_type, DOCUMENTS[child].data) for child in children]
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": described}
    return Document(json.dumps(document).encode(), INDEX, children=children)


DOCUMENTS = {
    "one": image(b"config", b"base", b"one"),
    "two": image(b"config", b"base", b"two"),
    "other": image(b"other", b"one", b"two"),
}
DOCUMENTS["both"] = index("one", "two")
DOCUMENTS["all"] = index("both", "other")
DOCUMENTS["signature"] = image(b"{}", b"signature", subject=DOCUMENTS["one"].data)
KEYS = list(DOCUMENTS)


class World:
    """A hub with a clock, and what we were told that it holds."""

    def __init__(self, root: Path) -> None:
        self.seconds = 10 * GRACE
        self.app = create_app(root, now_ns=lambda: self.seconds * SECOND_NS, options=Options(grace_seconds=GRACE))
        self.client = Direct(self.app)
        self.held: set[tuple[str, str]] = set()
        self.pushes: list[Iterator[None]] = []

    def push(self, name: str, key: str) -> Iterator[None]:
        """A client's push, one request at a time; what is there already it does not send again."""
        began, document = self.seconds, DOCUMENTS[key]
        for child in document.children:
            yield from self.push(name, child)
        for data in document.blobs:
            yield from self.push_blob(name, data)
        if self.put(name, key) == 201:
            self.held.add((name, key))
        else:  # a client slower than the grace is told to begin again; so is one whose child was deleted meanwhile
            children = {(name, child) for child in document.children}
            assert self.seconds - began >= GRACE // 2 or not children <= self.held

    def push_blob(self, name: str, data: bytes) -> Iterator[None]:
        digest = digest_of(data)
        if self.client.send("HEAD", f"/v2/{name}/blobs/{digest}").status == 404:
            source = NAMES[NAMES.index(name) - 1]
            answer = self.client.send("POST", f"/v2/{name}/blobs/uploads/?mount={digest}&from={source}")
            if answer.status == 202:
                yield
                answer = self.client.send("PUT", f"{answer.headers['location']}?digest={digest}", data)
            assert answer.status == 201
        yield

    def put(self, name: str, key: str) -> int:
        document = DOCUMENTS[key]
        headers = {"content-type": document.media_type}
        return self.client.send("PUT", f"/v2/{name}/manifests/{key}", document.data, headers).status

    def delete(self, name: str, key: str) -> None:
        self.client.send("DELETE", f"/v2/{name}/manifests/{digest_of(DOCUMENTS[key].data)}")
        self.held.discard((name, key))

    def step(self, times: int = 1) -> None:
        """Each push goes on by so many requests."""
        for push in list(self.pushes):
            for _ in range(times):
                if next(push, self) is self:
                    self.pushes.remove(push)
                    break

    def check(self) -> None:
        for name, key in self.held:
            document = DOCUMENTS[key]
            assert self.client.send("GET", f"/v2/{name}/manifests/{key}").data == document.data
            for data in document.blobs:
                assert self.client.send("GET", f"/v2/{name}/blobs/{digest_of(data)}").data == data
            if key == "signature":
                found = self.client.send("GET", f"/v2/{name}/referrers/{digest_of(DOCUMENTS['one'].data)}").data
                assert [one["digest"] for one in json.loads(found)["manifests"]] == [digest_of(document.data)]


names, keys = st.sampled_from(NAMES), st.sampled_from(KEYS)
actions = st.one_of(
    st.tuples(st.just("push"), names, keys),
    st.tuples(st.just("step"), st.integers(1, 4)),
    st.tuples(st.just("finish")),
    st.tuples(st.just("delete"), names, keys),
    st.tuples(st.just("collect")),
    st.tuples(st.just("wait"), st.sampled_from([1, SOON, SOON, 2 * GRACE])),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(actions, max_size=60))
def test_nothing_acknowledged_is_collected(script: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        try:
            for key in KEYS:  # begin with blobs that nobody needs any more
                world.pushes.append(world.push("a", key))
                play(world, "finish", [])
            for key in KEYS:
                world.delete("a", key)
            for action, *facts in script:
                play(world, str(action), facts)
            while world.pushes:
                world.step()
            collect(world.app.hub)
            world.check()
            for name, key in list(world.held):
                world.delete(name, key)
            world.seconds += 2 * GRACE
            collect(world.app.hub)
            assert list(world.app.hub.blobs.iterate()) == [], "what nobody needs is freed"
        finally:
            world.client.close()


def play(world: World, action: str, facts: list[object]) -> None:
    if action == "push":
        world.pushes.append(world.push(str(facts[0]), str(facts[1])))
    elif action == "step":
        world.step(int(str(facts[0])))
    elif action == "finish":
        while world.pushes:
            world.step()
    elif action == "delete":
        world.delete(str(facts[0]), str(facts[1]))
    elif action == "wait":
        world.seconds += int(str(facts[0]))
    else:
        collect(world.app.hub)
        world.check()
