"""Tables, sizes and times as docker prints them."""

from __future__ import annotations

import pytest

from capas.cli.table import Column, iter_lines
from capas.cli.units import ago
from capas.image.created import parse_created
from capas.printable import human_size
from capas.run.ages import duration
from capas.run.limits import parse_size

COLUMNS = (Column("ID", "IMAGE ID"), Column("Size", "SIZE"), Column("Digest", "DIGEST", False))
ROWS = [{"ID": "0123456789ab", "Size": "63.2MB", "Digest": "sha256:0"}, {"ID": "b", "Size": "0B", "Digest": "<none>"}]


def test_a_table_pads_every_column_with_three_spaces() -> None:
    assert list(iter_lines(ROWS, COLUMNS, None)) == [
        "IMAGE ID       SIZE",
        "0123456789ab   63.2MB",
        "b              0B",
    ]


def test_a_table_template_brings_its_own_columns_and_headings() -> None:
    assert list(iter_lines(ROWS, COLUMNS, r"table {{.Digest}}\t{{.ID}}"))[:2] == [
        "DIGEST     IMAGE ID",
        "sha256:0   0123456789ab",
    ]


def test_json_is_one_object_a_line() -> None:
    assert list(iter_lines(ROWS, COLUMNS, "json"))[1] == '{"ID":"b","Size":"0B","Digest":"<none>"}'


def test_a_template_is_filled_for_each_row() -> None:
    assert list(iter_lines(ROWS, COLUMNS, "{{.ID}}={{.Size}}")) == ["0123456789ab=63.2MB", "b=0B"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.23kB"),
        (63_245_986, "63.2MB"),
        (999_999, "1e+03kB"),
        (2e12, "2TB"),
    ],
)
def test_sizes_have_three_digits(size: float, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (61, "About a minute"), (3000, "50 minutes"),
        (3700, "About an hour"), (47 * 3600, "47 hours"), (3 * 86400, "3 days"), (15 * 86400, "2 weeks"),
        (70 * 86400, "2 months"), (800 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations_are_docker_s(seconds: float, text: str) -> None:
    assert duration(int(seconds * 10**9)) == text


def test_no_time_is_not_available() -> None:
    assert ago(0, 10**18) == "N/A"


def test_times_are_read_to_the_nanosecond_in_any_zone() -> None:
    assert parse_created("2026-11-23T23:17:35.123456789Z") == 1795475855123456789
    assert parse_created("2026-11-24T00:17:35+01:00") == 1795475855 * 10**9
    assert parse_created("yesterday") == 0


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("64k", 65536), ("1.5g", 1610612736), ("2MiB", 2097152)])
def test_sizes_people_write_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size
