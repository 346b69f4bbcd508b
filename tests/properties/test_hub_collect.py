"""R11: whatever the order of pushes, deletions and collections, what was acknowledged can be pulled."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from capas.hub.app import create_app
from capas.hub.hub import SECOND_NS, Options
from capas.hub.keeping.collect import collect
from support.asgi import Direct
from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of

GRACE = 100
SOON = 45  # two of them nearly use up the time of grace
IMAGES = [(b"config", b"base", b"one"), (b"config", b"base", b"two"), (b"other", b"one", b"two")]
NAMES = ["a", "b"]


class World:
    """A hub with a clock, and what we were told that it holds."""

    def __init__(self, root: Path) -> None:
        self.seconds = 10 * GRACE
        self.app = create_app(root, now_ns=lambda: self.seconds * SECOND_NS, options=Options(grace_seconds=GRACE))
        self.client = Direct(self.app)
        self.held: set[tuple[str, int]] = set()
        self.pushes: list[Iterator[None]] = []

    def push(self, name: str, number: int) -> Iterator[None]:
        """A client's push, one request at a time; what is there already it does not send again."""
        began = self.seconds
        for data in IMAGES[number]:
            digest = digest_of(data)
            if self.client.send("HEAD", f"/v2/{name}/blobs/{digest}").status == 404:
                source = next(other for other in NAMES if other != name)
                path = f"/v2/{name}/blobs/uploads/?mount={digest}&from={source}"
                answer = self.client.send("POST", path)
                if answer.status == 202:
                    yield
                    answer = self.client.send("PUT", f"{answer.headers['location']}?digest={digest}", data)
                assert answer.status == 201
            yield
        answer = self.put(name, number)
        if answer == 201:
            self.held.add((name, number))
        else:  # a client slower than the grace is told to begin again
            assert self.seconds - began >= GRACE // 2

    def put(self, name: str, number: int) -> int:
        return self.client.send(
            "PUT", f"/v2/{name}/manifests/v{number}", manifest_of(number), {"content-type": MANIFEST}
        ).status

    def delete(self, name: str, number: int) -> None:
        self.client.send("DELETE", f"/v2/{name}/manifests/{digest_of(manifest_of(number))}")
        self.held.discard((name, number))

    def step(self, times: int = 1) -> None:
        """Each push goes on by so many requests."""
        for push in list(self.pushes):
            for _ in range(times):
                if next(push, self) is self:
                    self.pushes.remove(push)
                    break

    def check(self) -> None:
        for name, number in self.held:
            assert self.client.send("GET", f"/v2/{name}/manifests/v{number}").data == manifest_of(number)
            for data in IMAGES[number]:
                assert self.client.send("GET", f"/v2/{name}/blobs/{digest_of(data)}").data == data


def manifest_of(number: int) -> bytes:
    config, *layers = IMAGES[number]
    described = [describe(LAYER, layer) for layer in layers]
    return json.dumps({"schemaVersion": 2, "config": describe(CONFIG, config), "layers": described}).encode()


names, numbers = st.sampled_from(NAMES), st.integers(0, len(IMAGES) - 1)
actions = st.one_of(
    st.tuples(st.just("push"), names, numbers),
    st.tuples(st.just("step"), st.integers(1, 4)),
    st.tuples(st.just("finish")),
    st.tuples(st.just("delete"), names, numbers),
    st.tuples(st.just("collect")),
    st.tuples(st.just("wait"), st.sampled_from([1, SOON, SOON, 2 * GRACE])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(actions, max_size=60))
def test_nothing_acknowledged_is_collected(script: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        try:
            for number in range(len(IMAGES)):  # begin with blobs that nobody needs any more
                world.pushes.append(world.push("a", number))
                play(world, "finish", [])
                world.delete("a", number)
            for action, *facts in script:
                play(world, str(action), facts)
            while world.pushes:
                world.step()
            collect(world.app.hub)
            world.check()
            for name, number in list(world.held):
                world.delete(name, number)
            world.seconds += 2 * GRACE
            collect(world.app.hub)
            assert list(world.app.hub.blobs.iterate()) == [], "what nobody needs is freed"
        finally:
            world.client.close()


def play(world: World, action: str, facts: list[object]) -> None:
    if action == "push":
        world.pushes.append(world.push(str(facts[0]), int(str(facts[1]))))
    elif action == "step":
        world.step(int(str(facts[0])))
    elif action == "finish":
        while world.pushes:
            world.step()
    elif action == "delete":
        world.delete(str(facts[0]), int(str(facts[1])))
    elif action == "wait":
        world.seconds += int(str(facts[0]))
    else:
        collect(world.app.hub)
        world.check()
