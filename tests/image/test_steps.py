"""Steps of a history, joined with the layers that they added."""

from __future__ import annotations

import pytest

from capas.image.steps import list_steps, split_instruction
from capas.oci.config import Config, History
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Manifest


def manifest_of(*sizes: int) -> Manifest:
    config = Descriptor(media_type="config", digest=Digest.of(b"config"), size=2)
    layers = tuple(
        Descriptor(media_type="layer", digest=Digest.of(str(n).encode()), size=size) for n, size in enumerate(sizes)
    )
    return Manifest(schema_version=2, config=config, layers=layers)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('/bin/sh -c #(nop)  CMD ["nginx"]', ("CMD", '["nginx"]')),
        ("/bin/sh -c #(nop) ADD file:abc in / ", ("ADD", "file:abc in /")),
        ("/bin/sh -c apt-get update", ("RUN", "apt-get update")),
        ("RUN /bin/sh -c apt-get update # buildkit", ("RUN", "apt-get update")),
        ("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", ("RUN", "make")),
        ("COPY a /b # buildkit", ("COPY", "a /b")),
        ("# debian.sh --arch amd64", ("", "# debian.sh --arch amd64")),
        ("bazel build ...", ("", "bazel build ...")),
        ("", ("", "")),
    ],
)
def test_what_builders_write_is_read_as_an_instruction(written: str, shown: tuple[str, str]) -> None:
    assert split_instruction(written) == shown


def test_steps_have_the_layers_that_they_added() -> None:
    config = Config(history=(
        History(created_by="base"), History(created_by="ENV A=1", empty_layer=True), History(created_by="COPY a /"),
    ))  # fmt: skip
    steps = list_steps(manifest_of(10, 20), config)
    assert [(step.size, step.is_empty, step.kind) for step in steps] == [
        (10, False, "base"), (0, True, "other"), (20, False, "copy"),
    ]  # fmt: skip


def test_layers_that_no_step_tells_of_are_shown_without_words() -> None:
    steps = list_steps(manifest_of(1, 2, 3), Config(history=(History(created_by="base"),)))
    assert [(step.size, step.text) for step in steps] == [(1, "base"), (2, ""), (3, "")]
    assert [step.kind for step in list_steps(manifest_of(1, 2), None)] == ["base", "other"]


def test_a_history_that_claims_more_layers_than_there_are_ends_in_steps_without_one() -> None:
    steps = list_steps(manifest_of(1), Config(history=(History(created_by="a"), History(created_by="b"))))
    assert [step.is_empty for step in steps] == [False, True]
