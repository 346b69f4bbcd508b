"""The packages of an image as an SPDX 2.3 document. Spec: https://spdx.github.io/spdx-spec/v2.3/"""

from __future__ import annotations

import hashlib
from typing import Any

from capas.build.attestations.licences import parse_licence
from capas.build.attestations.subject import Subject, image_url
from capas.image.packages.package import Package
from capas.image.packages.purl import package_url

PREDICATE = "https://spdx.dev/Document"
_UNSAID = "NOASSERTION"
_ROOT = "SPDXRef-Image"
_DOCUMENT = "SPDXRef-DOCUMENT"


def spdx_document(subject: Subject, version: str) -> dict[str, Any]:
    """The document; `version` is that of Capas. Order: the same image gives the same document."""
    packages = subject.inventory.packages
    ids = [_id(package) for package in packages]
    others = dict(pair for package in packages for pair in parse_licence(package.licence).others)
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": subject.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/capas-{subject.unique_id('spdx')}",
        "creationInfo": {"created": subject.created, "creators": [f"Tool: capas-{version}"]},
        "packages": [_image(subject), *(_package(subject, *pair) for pair in zip(packages, ids, strict=True))],
        "relationships": [
            _related(_DOCUMENT, "DESCRIBES", _ROOT),
            *(_related(_ROOT, "CONTAINS", id) for id in ids),
        ],
    }
    if others:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": id, "name": name, "extractedText": name} for id, name in sorted(others.items())
        ]
    if subject.inventory.notes:
        document["comment"] = "; ".join(subject.inventory.notes)
    return document


def _image(subject: Subject) -> dict[str, Any]:
    image = subject.image
    package = {
        "SPDXID": _ROOT,
        "name": subject.name,
        "versionInfo": str(image.digest),
        "downloadLocation": _UNSAID,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": image.digest.hex}],
        "licenseConcluded": _UNSAID,
        "licenseDeclared": _UNSAID,
        "copyrightText": _UNSAID,
    }
    if subject.reference is not None:
        package["externalRefs"] = [_purl(image_url(subject.reference, str(image.platform), image.digest))]
    return package


def _package(subject: Subject, package: Package, id: str) -> dict[str, Any]:
    found = {
        "SPDXID": id,
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": _UNSAID,
        "filesAnalyzed": False,
        "sourceInfo": f"read from {package.path}, brought by layer {subject.layer_of(package)}",
        "licenseConcluded": _UNSAID,
        "licenseDeclared": parse_licence(package.licence).expression or _UNSAID,
        "copyrightText": _UNSAID,
        "externalRefs": [_purl(package_url(package, subject.inventory.distribution))],
    }
    supplier = " ".join(package.supplier.split("<")[0].replace("(", " ").replace(")", " ").split()).strip("\"' ")
    if supplier:
        found["supplier"] = f"Organization: {supplier}"
    return found


def _purl(url: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}


def _related(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def _id(package: Package) -> str:
    """An id that only this package, of this version in this place, has."""
    shown = "".join(char if char.isascii() and (char.isalnum() or char in ".-") else "-" for char in package.name)
    digits = hashlib.sha256("\0".join(map(str, package)).encode()).hexdigest()[:16]
    return f"SPDXRef-Package-{package.kind}-{shown}-{digits}"
