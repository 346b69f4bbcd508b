"""Graphs that a client gives as inputs are a stranger's: what we gave out and names of images are taken, no more."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.builds import Builds
from capas.buildkit.inputs import graph_of, read_inputs, token_of
from capas.errors import Conflict, Invalid, NotFound, Unsupported

TOKEN = "ab" * 32


def graph(*operations: wire.Operation) -> wire.Definition:
    """A graph of these operations."""
    return wire.Definition(operations=[one.SerializeToString() for one in operations])


def source(identifier: str) -> wire.Definition:
    """A well-formed graph of one source."""
    first = wire.Operation(source=wire.SourceOperation(identifier=identifier)).SerializeToString()
    digest = f"sha256:{sha256(first).hexdigest()}"
    return graph(wire.Operation.FromString(first), wire.Operation(inputs=[wire.OperationInput(digest=digest)]))


def test_what_was_given_out_is_read_back() -> None:
    found = read_inputs({"base": graph_of(TOKEN), "arm": graph_of(TOKEN, "linux/arm64")})
    assert [token_of(one) for one in found.values()] == [TOKEN, TOKEN]


def test_the_name_of_an_image_is_taken() -> None:
    found = read_inputs({"base": source("docker-image://docker.io/library/busybox:latest")})
    assert found == {"base": "docker-image://docker.io/library/busybox:latest"}
    assert token_of(found["base"]) == ""


@pytest.mark.parametrize(
    "identifier", ["local://context", "git://example.org/x.git", "oci-layout://s@sha256:0", "", "x"]
)
def test_another_source_is_refused_by_its_name(identifier: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_inputs({"base": source(identifier)})
    assert identifier in str(caught.value) and "base" in str(caught.value)


@pytest.mark.parametrize("kind", ["exec", "file", "build", "merge", "diff"])
def test_a_graph_that_does_something_is_refused_by_what_it_does(kind: str) -> None:
    definition = graph_of(TOKEN)
    definition.operations.insert(0, wire.Operation(**{kind: b""}).SerializeToString())
    with pytest.raises(Unsupported, match=kind):
        read_inputs({"base": definition})


@pytest.mark.parametrize(
    "definition",
    [
        wire.Definition(),
        wire.Definition(operations=[b"\xff\xff\xff"]),
        wire.Definition(operations=[b"\n" * 10_000_000]),
        wire.Definition(operations=[b""] * 100_000),
        graph(wire.Operation(source=wire.SourceOperation(identifier="docker-image://x")), wire.Operation()),
        graph(
            wire.Operation(source=wire.SourceOperation(identifier="docker-image://x")),
            wire.Operation(inputs=[wire.OperationInput(digest="sha256:" + "0" * 64)]),
        ),
        graph(wire.Operation(source=wire.SourceOperation(identifier="docker-image://x"))),
    ],
    ids=["empty", "garbage", "huge", "many", "without an end", "another end", "source alone"],
)
def test_a_broken_graph_is_refused(definition: wire.Definition) -> None:
    with pytest.raises((Invalid, Unsupported), match="base"):
        read_inputs({"base": definition})


def test_more_inputs_than_anybody_needs_are_refused() -> None:
    with pytest.raises(Invalid, match="at most"):
        read_inputs({str(number): graph_of(TOKEN) for number in range(1000)})


def test_a_build_stands_on_no_result_that_nobody_told_it() -> None:
    async def run() -> None:
        builds = Builds()
        await builds.begin("one", "s")
        two = await builds.begin("two", "s")
        with pytest.raises(NotFound, match="base"):
            builds.stand(two, read_inputs({"base": graph_of(TOKEN)}))

    asyncio.run(run())


def test_a_build_does_not_stand_on_itself_or_on_a_later_one() -> None:
    async def run() -> None:
        builds = Builds()
        one, two = await builds.begin("one", "s"), await builds.begin("two", "s")
        for token in (one.result.token, two.result.token):
            with pytest.raises(NotFound):
                builds.stand(one, read_inputs({"base": graph_of(token)}))
        builds.stand(two, read_inputs({"base": graph_of(one.result.token)}))
        assert one.result.is_wanted

    asyncio.run(run())


def test_a_build_that_is_over_stands_on_nothing_more() -> None:
    async def run() -> None:
        builds = Builds()
        one, two = await builds.begin("one", "s"), await builds.begin("two", "s")
        builds.end(two)
        with pytest.raises(Conflict, match="over"):
            builds.stand(two, read_inputs({"base": graph_of(one.result.token)}))
        assert not one.result.is_wanted

    asyncio.run(run())


def test_who_waits_for_a_build_that_fails_hears_of_it() -> None:
    async def run() -> None:
        builds = Builds()
        one, two = await builds.begin("one", "s"), await builds.begin("two", "s")
        builds.stand(two, read_inputs({"base": graph_of(one.result.token)}))
        waiting = asyncio.ensure_future(one.result.get())
        await asyncio.sleep(0)
        builds.end(one)
        with pytest.raises(NotFound, match="stands on"):
            await waiting
        builds.end(two)
        assert not one.result.is_wanted

    asyncio.run(run())
