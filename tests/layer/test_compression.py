"""Inflating what others compressed, bombs and damage; compressing so that everybody gets the same bytes."""

from __future__ import annotations

import gzip
import io
import random
import zlib

import pytest
import zstandard

from capas.errors import Corrupt, Exhausted, Invalid, Unsupported
from capas.layer.compression import Kind, compressor, decompress

DATA = random.Random(7).randbytes(300_000) + b"words and words " * 200_000


def compressed(kind: Kind, data: bytes, step: int = 1 << 16, level: int | None = None) -> bytes:
    encoder = compressor(kind, level)
    return b"".join([*(encoder.write(data[i : i + step]) for i in range(0, len(data), step)), encoder.finish()])


def inflated(data: bytes, **options: int) -> bytes:
    return decompress(io.BytesIO(data), **options).read()


@pytest.mark.parametrize("kind", ["gzip", "zstd", "none"])
def test_what_is_compressed_comes_back_and_writes_do_not_matter(kind: Kind) -> None:
    wanted = compressed(kind, DATA)
    assert inflated(wanted) == DATA
    assert {compressed(kind, DATA, step) for step in (999, 1 << 20, len(DATA))} == {wanted}


def test_gzip_has_no_name_and_no_time_and_any_reader_reads_it() -> None:
    data = compressed("gzip", DATA)
    assert data[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert gzip.decompress(data) == DATA


@pytest.mark.parametrize("make", [gzip.compress, zstandard.compress])
def test_members_one_after_another_are_one_stream(make) -> None:
    assert inflated(make(b"one ") + make(b"") + make(b"two")) == b"one two"


def test_zstds_skippable_frames_are_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18\x05\0\0\0hello"
    assert inflated(skipped + zstandard.compress(b"data") + skipped) == b"data"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_every_truncation_is_seen(kind: Kind) -> None:
    data = compressed(kind, DATA[:1000])
    for cut in range(4, len(data)):
        with pytest.raises(Corrupt):
            inflated(data[:cut])


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("rest", [b"x", b"rubbish and more"])
def test_trailing_rubbish_is_seen(kind: Kind, rest: bytes) -> None:
    with pytest.raises(Corrupt):
        inflated(compressed(kind, DATA[:1000]) + rest)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_flipped_bit_is_seen(kind: Kind) -> None:
    data = bytearray(compressed(kind, DATA))
    data[len(data) // 3] ^= 4
    with pytest.raises(Corrupt):
        inflated(bytes(data))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_stops_at_the_limit(kind: Kind) -> None:
    bomb = compressed(kind, bytes(64 << 20), 1 << 20)
    stream = decompress(io.BytesIO(bomb), limit=8 << 20)
    got = 0
    with pytest.raises(Exhausted):
        while data := stream.read(1 << 20):
            got += len(data)
    assert got <= 8 << 20


def test_a_hundred_thousand_empty_members_take_linear_time() -> None:
    assert inflated(gzip.compress(b"") * 100_000) == b""


def test_a_window_of_two_gigabytes_is_refused() -> None:
    with pytest.raises(Corrupt):
        inflated(b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00")


def test_other_compressions_are_named() -> None:
    with pytest.raises(Unsupported, match="bzip2"):
        inflated(b"BZh91AY&SY")


def test_reads_give_no_more_than_was_asked_for() -> None:
    stream = decompress(io.BytesIO(compressed("gzip", DATA)))
    crc = 0
    while data := stream.read(1000):
        assert len(data) <= 1000
        crc = zlib.crc32(data, crc)
    assert crc == zlib.crc32(DATA)


def test_a_level_that_does_not_exist_is_invalid() -> None:
    with pytest.raises(Invalid):
        compressor("gzip", 9)
