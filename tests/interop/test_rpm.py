"""Packages that rpm itself installed, read out of an image."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from capas.image.contents import opened_tree
from capas.image.packages.inventory import take_inventory
from capas.store.memory import MemoryBlobs
from support.images import make_image

pytestmark = [pytest.mark.peer("rpm"), pytest.mark.peer("rpmbuild"), pytest.mark.root]
SPEC = """Name: hello
Version: 1.2
Release: 3.test
Epoch: 2
Summary: A test
License: GPL-2.0-or-later AND MIT
Vendor: The Testers
BuildArch: noarch
%description
A test.
%install
mkdir -p %{buildroot}/opt/hello
echo hi > %{buildroot}/opt/hello/hi
%files
/opt/hello/hi
"""
FIELDS = "%{NAME}|%{EPOCH}|%{VERSION}-%{RELEASE}|%{ARCH}|%{LICENSE}|%{VENDOR}|%{SOURCERPM}\n"


def rpm(*words: str, where: Path) -> str:
    done = subprocess.run(words, cwd=where, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout


def test_what_rpm_installed_is_read_as_rpm_tells_it(tmp_path: Path) -> None:
    (tmp_path / "hello.spec").write_text(SPEC)
    rpm("rpmbuild", "-bb", "--define", f"_topdir {tmp_path}/top", "hello.spec", where=tmp_path)
    (package,) = tmp_path.glob("top/RPMS/noarch/*.rpm")
    root = tmp_path / "root"
    root.mkdir()
    place = ("--root", str(root), "--dbpath", "/usr/lib/sysimage/rpm")
    rpm("rpm", *place, "-i", "--nodeps", str(package), where=tmp_path)
    told = [line.split("|") for line in rpm("rpm", *place, "-qa", "--qf", FIELDS, where=tmp_path).splitlines()]

    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    payload = {name: files.pop(name) for name in ["opt/hello/hi"]}
    image = make_image(MemoryBlobs(), payload, files)
    with opened_tree(image, tmp_path / "contents") as tree:
        found = take_inventory(tree)
    assert found.notes == ()
    assert [
        [one.name, one.epoch, one.version, one.architecture, one.licence, one.supplier, one.source]
        for one in found.packages
    ] == told
    assert found.packages[0].layer == 0
