"""`--change` of commit and import: instructions mean what they mean in a Dockerfile."""

from __future__ import annotations

from capas.engine.changes import change_execution
from capas.oci.config import Execution


def test_quotes_around_a_value_are_not_part_of_it() -> None:
    made = change_execution(Execution(), ['ENV A="b c"', "LABEL note='d e'"])
    assert (made.env, made.labels) == (("A=b c",), {"note": "d e"})


def test_variables_are_those_of_the_image() -> None:
    made = change_execution(Execution(env=("PATH=/bin",)), ["ENV PATH=/app:$PATH", "WORKDIR ${PATH}"])
    assert (made.env, made.working_dir) == (("PATH=/app:/bin",), "/app:/bin")


def test_a_relative_directory_stands_on_the_one_before() -> None:
    assert (
        change_execution(Execution(working_dir="/srv"), ["WORKDIR app", "WORKDIR ../data"]).working_dir == "/srv/data"
    )
