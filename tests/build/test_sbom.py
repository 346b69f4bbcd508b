"""Bills of materials: valid to the formats' own validators, and the same for the same image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from capas.build.attestations.formats import find_format
from capas.build.attestations.licences import parse_licence
from capas.build.attestations.sbom import make_sbom
from capas.errors import Invalid
from capas.image.image import Image
from capas.reference import Reference
from capas.store.memory import MemoryBlobs
from support.images import make_image

LAYERS = (
    {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": b"Package: odd\nStatus: install ok installed\nVersion: 1:2~3+4\nArchitecture: amd64\n"
        b"Maintainer: Someone (Debian) <a@b.c>\n",
        "usr/share/doc/odd/copyright": b"Format: 1.0\nLicense: GPL-2+ or My Own Licence\n",
        "var/lib/rpm/Packages": b"bdb",
    },
    {
        "a/x.dist-info/METADATA": b"Name: x\nVersion: 1\nLicense: Apache Software License\n",
        "b/x.dist-info/METADATA": b"Name: x\nVersion: 1\nLicense: Apache Software License\n",
        "app/node_modules/y/package.json": b'{"name": "y", "version": "2", "license": "(MIT OR Apache-2.0)"}',
    },
)
NAME = Reference.parse("registry.example:5000/team/app:1.0")


def sbom(tmp_path: Path, format: str, *, named: bool = True) -> tuple[Image, dict[str, object]]:
    image = make_image(MemoryBlobs(), *LAYERS)
    found = make_sbom(
        image, NAME if named else None, format=find_format(format), contents=tmp_path / "contents", version="1.2.3"
    )
    return image, found


@pytest.mark.parametrize("named", [True, False])
def test_spdx_documents_are_valid_spdx_2_3(tmp_path: Path, named: bool) -> None:
    _, found = sbom(tmp_path, "spdx", named=named)
    document = JsonLikeDictParser().parse(found)
    assert validate_full_spdx_document(document, "SPDX-2.3") == []
    assert [package.name for package in document.packages[1:]] == ["odd", "y", "x", "x"]


@pytest.mark.parametrize("named", [True, False])
def test_cyclonedx_documents_are_valid_cyclonedx_1_6(tmp_path: Path, named: bool) -> None:
    _, found = sbom(tmp_path, "cyclonedx", named=named)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found)) is None


def test_every_package_says_which_layer_brought_it_and_from_which_file(tmp_path: Path) -> None:
    image, found = sbom(tmp_path, "spdx")
    said = {one["name"]: one["sourceInfo"] for one in found["packages"][1:]}  # type: ignore[index]
    assert said["odd"] == f"read from /var/lib/dpkg/status, brought by layer {image.layers[0].diff_id}"
    assert said["y"] == f"read from /app/node_modules/y/package.json, brought by layer {image.layers[1].diff_id}"


def test_licences_that_spdx_does_not_know_keep_their_names(tmp_path: Path) -> None:
    _, found = sbom(tmp_path, "spdx")
    odd = next(one for one in found["packages"] if one["name"] == "odd")  # type: ignore[attr-defined]
    assert odd["licenseDeclared"] == "GPL-2.0-or-later OR LicenseRef-My-Own-Licence"
    assert found["hasExtractedLicensingInfos"] == [
        {"licenseId": "LicenseRef-My-Own-Licence", "name": "My Own Licence", "extractedText": "My Own Licence"}
    ]


@pytest.mark.parametrize("format", ["spdx", "cyclonedx"])
def test_what_could_not_be_read_is_said_in_the_document(tmp_path: Path, format: str) -> None:
    _, found = sbom(tmp_path, format)
    assert "/var/lib/rpm/Packages" in json.dumps(found)


@pytest.mark.parametrize("format", ["spdx", "cyclonedx"])
def test_the_same_image_gives_the_same_document(tmp_path: Path, format: str) -> None:
    assert sbom(tmp_path / "one", format)[1] == sbom(tmp_path / "two", format)[1]


def test_another_format_is_refused() -> None:
    with pytest.raises(Invalid, match="no such format of an SBOM: 'syft'"):
        find_format("syft")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Expat", "MIT"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPLv2+", "LGPL-2.0-or-later"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("GPL-2+ with Own exception", "LicenseRef-GPL-2-with-Own-exception"),
        ("(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"),
        ("GPL-2+ or Artistic, and BSD-3-clause", "GPL-2.0-or-later OR Artistic-1.0-Perl AND BSD-3-Clause"),
        ("MIT, ISC", "MIT AND ISC"),
        ("MIT or", "LicenseRef-MIT-or"),
        ("((MIT)", "LicenseRef-MIT"),
        ("", ""),
        ("UNKNOWN", ""),
    ],
)
def test_licences_are_written_as_spdx_writes_them(text: str, expression: str) -> None:
    assert parse_licence(text).expression == expression


@given(st.text(alphabet="GPLMITandor-2+ (),withX.", max_size=40))
def test_any_text_gives_an_expression_that_spdx_can_read(text: str) -> None:
    found = parse_licence(text)
    if found.expression:
        get_spdx_licensing().parse(found.expression, validate=False, strict=False)
        assert all(name in found.expression for name, _ in found.others)
