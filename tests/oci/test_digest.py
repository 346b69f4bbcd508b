"""Digests and chains."""

from __future__ import annotations

import hashlib

import pytest

from capas.errors import Invalid, Unsupported
from capas.oci.digest import ChainID, DiffID, Digest, ImageID, chain_id

HEX = "0123456789abcdef" * 4


def test_a_digest_is_of_bytes() -> None:
    assert Digest.of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Digest.of(memoryview(b"a")) == Digest.of(b"a") == Digest.of_hash(hashlib.sha256(b"a"))


def test_a_digest_is_read_and_written_back() -> None:
    digest = Digest.parse(f"sha256:{HEX}")
    assert (str(digest), digest.hex, digest.short) == (f"sha256:{HEX}", HEX, HEX[:12])


def test_kinds_of_digest_keep_their_kind() -> None:
    assert type(ImageID.parse(f"sha256:{HEX}")) is ImageID
    assert type(DiffID.of(b"x")) is DiffID


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", HEX, f"sha256:{HEX.upper()}", f"SHA256:{HEX}", f"sha256:{HEX}0", f"sha256:{HEX[:-1]}",
     f"sha256:{HEX}\n", f" sha256:{HEX}", "sha256:../../x", f"sha256:{'g' * 64}", f"sha256/{HEX}", f"sha256:{'٣' * 64}",
     f"sha256:{HEX[:-3]}/..", "\0", "x" * 10_000],
)  # fmt: skip
def test_what_is_no_digest_never_touches_a_path(text: str) -> None:
    with pytest.raises(Invalid):
        Digest.parse(text)


@pytest.mark.parametrize("text", [f"sha512:{HEX * 2}", "md5:abc", "blake3+b64:x=_-"])
def test_another_algorithm_is_unsupported(text: str) -> None:
    with pytest.raises(Unsupported):
        Digest.parse(text)


def test_the_chain_of_one_layer_is_the_layer() -> None:
    layer = DiffID.of(b"a")
    assert chain_id([layer]) == layer
    assert type(chain_id([layer])) is ChainID


def test_a_chain_names_a_whole_stack() -> None:
    layers = [DiffID.of(data) for data in (b"a", b"b", b"c")]
    two = Digest.of(f"{layers[0]} {layers[1]}".encode())
    three = Digest.of(f"{two} {layers[2]}".encode())
    assert chain_id(layers) == three
    assert chain_id(layers[2:], chain_id(layers[:2])) == three


def test_no_layers_have_no_chain() -> None:
    with pytest.raises(Invalid):
        chain_id([])
