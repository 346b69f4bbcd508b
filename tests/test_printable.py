"""Names fit for a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capas.printable import shown_name, shown_names

NAMES = st.lists(st.one_of(st.text(max_size=5), st.sampled_from(["/a", "/b c", "\n", "\\", "\udcff", "\x1b[0m"])))


@given(NAMES)
def test_many_names_are_shown_as_each_is(names: list[str]) -> None:
    assert list(shown_names(names)) == [shown_name(name) for name in names]


@given(NAMES)
def test_what_is_shown_has_nothing_that_a_terminal_obeys(names: list[str]) -> None:
    assert "".join(shown_names(names)).isprintable()
