"""The packages in an image: every manager's database, read out of layers."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packageurl import PackageURL

from capas.image.contents import opened_tree
from capas.image.packages.inventory import take_inventory
from capas.image.packages.package import Distribution, Inventory, Package
from capas.image.packages.purl import package_url
from capas.layer.contents import read_contents
from capas.layer.tree import Tree
from capas.store.memory import MemoryBlobs
from support.images import make_image
from support.rpmdb import rpm_database, rpm_header

STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9+deb12u1)
Version: 2.36-9+deb12u10
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Description: GNU C Library
 with a second line
 .
 Version: not a field

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2024a-0
"""
RELEASE = b'ID=alpine\nVERSION_ID="3.18"\n'
COPYRIGHT = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-2+ or Artistic

Files: debian/*
License: Expat
 The text.
"""


@pytest.fixture
def inventory(tmp_path: Path) -> object:
    def take(*layers: Mapping[str, bytes]) -> Inventory:
        image = make_image(MemoryBlobs(), *layers)
        with opened_tree(image, tmp_path / "contents") as tree:
            return take_inventory(tree)

    return take


def names(found: Inventory) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in found.packages]


def test_dpkg_tells_of_what_is_installed_and_nothing_else(inventory) -> None:
    found = inventory({"var/lib/dpkg/status": STATUS})
    assert names(found) == [("libc6", "2.36-9+deb12u10"), ("tzdata", "2024a-0")]
    libc = found.packages[0]
    assert (libc.architecture, libc.source) == ("amd64", "glibc@2.36-9+deb12u1")
    assert libc.supplier == "GNU Libc Maintainers <debian-glibc@lists.debian.org>"


def test_the_layer_of_a_debian_package_is_the_one_that_wrote_its_list_of_files(inventory) -> None:
    found = inventory(
        {"var/lib/dpkg/status": b"", "var/lib/dpkg/info/libc6:amd64.list": b"/\n"},
        {"var/lib/dpkg/status": STATUS, "var/lib/dpkg/info/tzdata.list": b"/\n"},
    )
    assert [package.layer for package in found.packages] == [0, 1]


def test_licences_come_from_machine_readable_copyright_files(inventory) -> None:
    found = inventory({"var/lib/dpkg/status": STATUS, "usr/share/doc/tzdata/copyright": COPYRIGHT,
                       "usr/share/doc/libc6/copyright": b"This is the GNU C Library, License: who knows"})  # fmt: skip
    assert [package.licence for package in found.packages] == ["", "Expat and (GPL-2+ or Artistic)"]


def test_images_without_a_package_manager_keep_a_file_a_package(inventory) -> None:
    found = inventory({
        "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12\nArchitecture: amd64\n",
        "var/lib/dpkg/status.d/base.md5sums": b"Package: none\n",
    })  # fmt: skip
    assert names(found) == [("base-files", "12")]


def test_apk_tells_of_what_is_installed_and_its_layer(inventory) -> None:
    database = b"""C:Q1abc
P:musl
V:1.2.4-r2
A:x86_64
L:MIT
o:musl
m:Timo <timo@example.org>
F:lib
R:ld-musl-x86_64.so.1

P:busybox
V:1.36.1-r5
A:x86_64
L:GPL-2.0-only
F:bin
R:busybox
"""
    found = inventory(
        {"lib/apk/db/installed": b"", "lib/ld-musl-x86_64.so.1": b"x", "etc/os-release": RELEASE},
        {"lib/apk/db/installed": database, "bin/busybox": b"x"},
    )  # fmt: skip
    assert [(one.name, one.licence, one.layer) for one in found.packages] == [
        ("busybox", "GPL-2.0-only", 1), ("musl", "MIT", 0),
    ]  # fmt: skip
    assert found.distribution == Distribution("alpine", "3.18", "alpine")


def test_rpm_tells_of_what_is_installed_but_not_of_its_keys(inventory, tmp_path: Path) -> None:
    bash = rpm_header({1000: "bash", 1001: "5.2.15", 1002: "3.fc38", 1003: 1, 1014: "GPLv3+", 1022: "x86_64",
                       1044: "bash-5.2.15-3.fc38.src.rpm", 1011: "Fedora Project",
                       1116: [0], 1117: ["bash"], 1118: ["/usr/bin/"]})  # fmt: skip
    key = rpm_header({1000: "gpg-pubkey", 1001: "eb10b464", 1002: "6202d9c6"})
    data = rpm_database(tmp_path / "rpmdb.sqlite", [bash, key])
    found = inventory({"usr/bin/bash": b"x"}, {"usr/lib/sysimage/rpm/rpmdb.sqlite": data})
    (package,) = found.packages
    assert package == Package(
        "rpm", "bash", "5.2.15-3.fc38", "x86_64", "GPLv3+", "bash-5.2.15-3.fc38.src.rpm", "Fedora Project", "1",
        "/usr/lib/sysimage/rpm/rpmdb.sqlite", 0,
    )  # fmt: skip
    assert found.notes == ()


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
def test_databases_of_rpm_that_are_not_read_are_told_of(inventory, name: str) -> None:
    found = inventory({f"var/lib/rpm/{name}": b"\0" * 64})
    assert found.packages == ()
    assert [note.split(":")[0] for note in found.notes] == [f"/var/lib/rpm/{name}"]


@pytest.mark.parametrize("header", [b"", b"\0" * 7, b"\xff" * 200, rpm_header({1000: "bash"})[:-3]])
def test_a_damaged_rpm_header_is_told_of_and_the_others_are_read(inventory, tmp_path: Path, header: bytes) -> None:
    good = rpm_header({1000: "good", 1001: "1", 1002: "1"})
    data = rpm_database(tmp_path / "rpmdb.sqlite", [header, good])
    found = inventory({"var/lib/rpm/rpmdb.sqlite": data})
    assert names(found) == [("good", "1-1")]
    assert len(found.notes) == 1


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_database_of_rpm_is_told_of(inventory, data: bytes) -> None:
    found = inventory({"var/lib/rpm/rpmdb.sqlite": data})
    assert (found.packages, len(found.notes)) == ((), 1)


def test_a_view_in_the_place_of_rpms_table_is_not_run(inventory, tmp_path: Path) -> None:
    path = tmp_path / "rpmdb.sqlite"
    database = sqlite3.connect(path)
    database.execute(
        "CREATE VIEW Packages AS WITH RECURSIVE n(hnum) AS (SELECT 1 UNION ALL SELECT hnum + 1 FROM n)"
        " SELECT hnum, x'00' AS blob FROM n"
    )
    database.close()
    assert len(inventory({"var/lib/rpm/rpmdb.sqlite": path.read_bytes()}).notes) == 1


def test_python_packages_have_their_metadata_read(inventory) -> None:
    site = "usr/lib/python3/dist-packages"
    found = inventory({
        f"{site}/Flask_Login-0.6.dist-info/METADATA": b"Name: Flask_Login\nVersion: 0.6\nLicense: MIT\n\nName: body\n",
        f"{site}/old.egg-info/PKG-INFO": b"Name: old\nVersion: 1\nClassifier: License :: OSI Approved :: BSD License\n",
        f"{site}/flat-2.egg-info": b"Name: flat\nVersion: 2\nLicense-Expression: Apache-2.0 OR MIT\n",
        f"{site}/broken.dist-info/METADATA": b"\xff\xfe nothing",
    })  # fmt: skip
    assert [(one.name, one.version, one.licence) for one in found.packages] == [
        ("Flask_Login", "0.6", "MIT"), ("flat", "2", "Apache-2.0 OR MIT"), ("old", "1", "BSD License"),
    ]  # fmt: skip
    assert package_url(found.packages[0], Distribution("debian", "12")) == "pkg:pypi/flask-login@0.6"


def test_node_packages_are_those_in_node_modules(inventory) -> None:
    def package(name: str, licence: object = "MIT") -> bytes:
        return json.dumps({"name": name, "version": "1.0.0", "license": licence}).encode()

    found = inventory({
        "app/node_modules/left-pad/package.json": package("left-pad", {"type": "WTFPL"}),
        "app/node_modules/left-pad/test/package.json": package("a-fixture"),
        "app/node_modules/@types/node/package.json": package("@types/node"),
        "app/node_modules/broken/package.json": b"{",
        "app/package.json": package("the-app-itself"),
        "app/node_modules/odd/package.json": b'["an array"]',
    })  # fmt: skip
    assert [(one.name, one.licence) for one in found.packages] == [("@types/node", "MIT"), ("left-pad", "WTFPL")]


def test_a_lock_file_tells_of_what_is_installed_nowhere(inventory) -> None:
    lock = {"lockfileVersion": 3, "packages": {
        "": {"name": "app"},
        "node_modules/here": {"version": "1.0.0"},
        "node_modules/bundled": {"version": "2.0.0", "license": "ISC"},
        "node_modules/bundled/node_modules/@s/deep": {"version": "3.0.0"},
        "node_modules/jest": {"version": "29.0.0", "dev": True},
    }}  # fmt: skip
    found = inventory({
        "app/package-lock.json": json.dumps(lock).encode(),
        "app/node_modules/here/package.json": b'{"name": "here", "version": "1.0.0"}',
    })  # fmt: skip
    assert [(one.name, one.version, one.path) for one in found.packages] == [
        ("@s/deep", "3.0.0", "/app/package-lock.json"),
        ("bundled", "2.0.0", "/app/package-lock.json"),
        ("here", "1.0.0", "/app/node_modules/here/package.json"),
    ]


def test_what_an_upper_layer_deletes_is_not_there(inventory) -> None:
    path = "opt/x-1.dist-info/METADATA"
    assert inventory({path: b"Name: x\nVersion: 1\n"}, {"opt/x-1.dist-info/.wh.METADATA": b""}).packages == ()


def test_links_out_of_the_image_and_in_loops_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "status"
    secret.write_bytes(b"Package: secret\nVersion: 1\n")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, target in [
            ("var/lib/dpkg/status", str(secret)),
            ("lib/apk/db/installed", "../../../../../../.." + os.fspath(secret)),
            ("usr/share/doc/loop", "loop"),
            ("var/lib/dpkg/info", "info"),
        ]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
        member = tarfile.TarInfo("var/lib/dpkg/status.d/loop")
        data = b"Package: loop\nVersion: 1\n"
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
        fifo = tarfile.TarInfo("var/lib/rpm/rpmdb.sqlite")
        fifo.type = tarfile.FIFOTYPE
        tar.addfile(fifo)
    tree = Tree([read_contents(io.BytesIO(out.getvalue()))], lambda number: io.BytesIO(out.getvalue()))
    assert names(take_inventory(tree)) == [("loop", "1")]


def test_a_database_too_large_to_read_is_told_of(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo("var/lib/dpkg/status")
        member.size = (32 << 20) + 1
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    tree = Tree([read_contents(io.BytesIO(out.getvalue()))], lambda number: io.BytesIO(out.getvalue()))
    assert take_inventory(tree).notes == ("/var/lib/dpkg/status: too large to be read",)


@pytest.mark.parametrize(
    ("package", "url"),
    [
        (Package("deb", "libstdc++6", "1:12.2.0-14+b1", "amd64", source="gcc-12@12.2.0"),
         "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bb1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0"),
        (Package("rpm", "bash", "5.2-1", "x86_64", epoch="1"),
         "pkg:rpm/debian/bash@5.2-1?arch=x86_64&distro=debian-12&epoch=1"),
        (Package("npm", "@types/node", "20.1.0"), "pkg:npm/%40types/node@20.1.0"),
        (Package("pypi", "Zope.Interface", "5"), "pkg:pypi/zope-interface@5"),
    ],
)  # fmt: skip
def test_package_urls_are_written_as_the_reference_library_writes_them(package: Package, url: str) -> None:
    assert package_url(package, Distribution("debian", "12")) == url
    assert PackageURL.from_string(url).to_string() == url
