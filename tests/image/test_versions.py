"""Which version is the newer: as each manager's own tools have it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from capas.image.packages.package import Kind
from capas.image.packages.versions import is_newer

DEBIAN = [
    "1.0-1",
    "1.0~rc1-1",
    "1:0.1-1",
    "1.0-1+b1",
    "1.0-1~bpo12+1",
    "2.36-9+deb12u4",
    "2.36-9+deb12u10",
    "1.0a-1",
    "1.0+x-1",
    "1.10-1",
    "1.9-1",
    "1.0",
]
PYPI = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.9", "1.10", "2.0", "2.0rc1", "10.0"]


@pytest.mark.peer("dpkg")
@pytest.mark.parametrize("one", DEBIAN)
def test_debian_s_are_as_dpkg_has_them(one: str) -> None:
    for two in DEBIAN:
        told = subprocess.run(["dpkg", "--compare-versions", one, "gt", two], check=False, timeout=20).returncode == 0
        assert is_newer("deb", one, two) is told, (one, two)


@pytest.mark.parametrize("one", PYPI)
def test_pythons_are_as_packaging_has_them(one: str) -> None:
    assert [is_newer("pypi", one, two) for two in PYPI] == [Version(one) > Version(two) for two in PYPI]


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
                 "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0"]),
        ("apk", ["1.0_alpha1-r0", "1.0_beta2-r0", "1.0_rc1-r0", "1.0-r0", "1.0-r1", "1.0-r10", "1.0a-r0", "1.1-r0"]),
        ("rpm", ["1.0~rc1-1.fc40", "1.0-1.fc40", "1.0-2.fc40", "1.0^git1-1.fc40", "1.0.1-1.fc40", "1.10-1.fc40"]),
    ],
)  # fmt: skip
def test_others_are_in_the_order_of_their_specifications(kind: Kind, versions: list[str]) -> None:
    pairs = [(one, two) for one in range(len(versions)) for two in range(len(versions))]
    told = {(one, two): is_newer(kind, versions[one], versions[two]) for one, two in pairs}
    assert told == {(one, two): one > two for one, two in pairs}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["deb", "apk", "rpm", "pypi", "npm"]), st.text(max_size=12), st.text(max_size=12))
def test_no_text_is_too_odd_and_none_is_newer_both_ways(kind: Kind, one: str, two: str) -> None:
    assert not (is_newer(kind, one, two) and is_newer(kind, two, one))
