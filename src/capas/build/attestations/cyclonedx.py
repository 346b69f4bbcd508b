"""The packages of an image as a CycloneDX 1.6 document. Spec: ECMA-424, https://cyclonedx.org/docs/1.6/json/"""

from __future__ import annotations

from typing import Any

from capas.build.attestations.licences import parse_licence
from capas.build.attestations.subject import Subject, image_url
from capas.image.packages.package import Package
from capas.image.packages.purl import package_url

PREDICATE = "https://cyclonedx.org/bom"


def cyclonedx_document(subject: Subject, version: str) -> dict[str, Any]:
    """The document; `version` is that of Capas. Order: the same image gives the same document."""
    image, inventory = subject.image, subject.inventory
    root: dict[str, Any] = {
        "type": "container",
        "bom-ref": str(image.digest),
        "name": subject.name,
        "version": str(image.digest),
    }
    if subject.reference is not None:
        root["purl"] = image_url(subject.reference, str(image.platform), image.digest)
    components = [_component(subject, package) for package in inventory.packages]
    if inventory.distribution.id:
        components.insert(0, _system(subject))
    metadata: dict[str, Any] = {
        "timestamp": subject.created,
        "tools": {"components": [{"type": "application", "name": "capas", "version": version}]},
        "component": root,
    }
    if inventory.notes:
        metadata["properties"] = [{"name": "capas:note", "value": note} for note in inventory.notes]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{subject.unique_id('cyclonedx')}",
        "version": 1,
        "metadata": metadata,
        "components": components,
    }


def _system(subject: Subject) -> dict[str, Any]:
    system = subject.inventory.distribution
    return {
        "type": "operating-system",
        "bom-ref": "operating-system",
        "name": system.id,
        "version": system.version,
        "description": system.name,
    }


def _component(subject: Subject, package: Package) -> dict[str, Any]:
    url, layer = package_url(package, subject.inventory.distribution), subject.layer_of(package)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{url}#{package.path}",
        "name": package.name,
        "version": package.version,
        "purl": url,
        "properties": [
            {"name": "capas:path", "value": package.path},
            {"name": "capas:layer", "value": layer},
        ],
    }
    if package.supplier:
        component["publisher"] = package.supplier
    licences = _licences(package.licence)
    if licences:
        component["licenses"] = licences
    return component


def _licences(text: str) -> list[dict[str, Any]]:
    found = parse_licence(text)
    if not found.expression:
        return []
    if found.others:
        return [{"license": {"name": text}}]
    if " " not in found.expression:
        return [{"license": {"id": found.expression}}]
    return [{"expression": found.expression}]
