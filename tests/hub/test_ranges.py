"""Ranges of a blob: a pull that broke goes on where it stopped."""

from __future__ import annotations

import pytest

from support.hub_client import HubClient, code_of

DATA = bytes(range(256)) * 8192


@pytest.fixture
def blob(hub: HubClient) -> str:
    return f"blobs/{hub.push_blob(DATA)}"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-0", 0, 0),
        ("5-9", 5, 9),
        ("1000000-", 1_000_000, len(DATA) - 1),
        ("-10", len(DATA) - 10, len(DATA) - 1),
        ("10-99999999999", 10, len(DATA) - 1),
        ("-99999999999", 0, len(DATA) - 1),
    ],
)
def test_a_range_is_answered_with_its_bytes(hub: HubClient, blob: str, asked: str, first: int, last: int) -> None:
    answer = hub.send("GET", blob, headers={"range": f"bytes={asked}"})
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.data == DATA[first : last + 1]


@pytest.mark.parametrize("asked", [f"{len(DATA)}-", "99999999-999999999", "-0"])
def test_a_range_beyond_the_end_is_refused(hub: HubClient, blob: str, asked: str) -> None:
    answer = hub.send("GET", blob, headers={"range": f"bytes={asked}"})
    assert (answer.status, code_of(answer)) == (416, "RANGE_INVALID")
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "5-9"])
def test_a_range_that_means_nothing_is_answered_with_the_whole(hub: HubClient, blob: str, asked: str) -> None:
    answer = hub.send("GET", blob, headers={"range": asked})
    assert (answer.status, answer.data) == (200, DATA)


def test_a_range_on_condition_needs_the_same_bytes(hub: HubClient, blob: str) -> None:
    etag = hub.send("HEAD", blob).headers["etag"]
    assert hub.send("GET", blob, headers={"range": "bytes=1-2", "if-range": etag}).status == 206
    assert hub.send("GET", blob, headers={"range": "bytes=1-2", "if-range": '"other"'}).status == 200
