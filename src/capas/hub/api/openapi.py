"""The OpenAPI 3.1 document, made of the operations and their structs: it cannot say what the API does not do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from capas.hub.api.operation import Operation, Shape
from capas.hub.api.refusals import Errors

BASE = "/api/v1"
_PART = re.compile(r"\{(\w+)(?::\w+)?\}")
_NONE = type(None)


def describe(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The document for these operations. Spec: OpenAPI 3.1.0."""
    shapes = [(one, one.shape) for one in operations]
    types = [kind for _, shape in shapes for kind in (shape.body, shape.gives) if kind not in (None, _NONE)]
    schemas, components = msgspec.json.schema_components([Errors, *types], ref_template="#/components/schemas/{name}")
    named = dict(zip(map(repr, [Errors, *types]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one, shape in shapes:
        path = _PART.sub(r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, shape, named)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Capas hub", "version": version},
        "servers": [{"url": BASE}],
        "paths": paths,
        "security": [{"bearer": []}, {"basic": []}],
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(one: Operation, shape: Shape, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, rest = (one.work.__doc__ or "").strip().partition("\n")
    said: dict[str, Any] = {
        "operationId": one.work.__name__,
        "summary": summary.rstrip("."),
        "tags": [one.path.split("/")[1]],
        "parameters": [*_parts(shape), *_query(shape)],
        "responses": {**_success(one, shape, schemas), "default": _errors(schemas)},
    }
    if rest.strip():
        said["description"] = " ".join(rest.split())
    if shape.body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas[repr(shape.body)]}}}
    if one.public:
        said["security"] = [{}, {"bearer": []}, {"basic": []}]
    return said


def _success(one: Operation, shape: Shape, schemas: dict[str, Any]) -> dict[str, Any]:
    if shape.gives is _NONE:
        return {"204": {"description": "Done"}}
    return {
        str(one.status): {
            "description": "Done",
            "content": {"application/json": {"schema": schemas[repr(shape.gives)]}},
        }
    }


def _errors(schemas: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Refused", "content": {"application/json": {"schema": schemas[repr(Errors)]}}}


def _parts(shape: Shape) -> Iterator[dict[str, Any]]:
    for name, kind in shape.parts.items():
        yield {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}


def _query(shape: Shape) -> Iterator[dict[str, Any]]:
    if shape.query is None:
        return
    _, components = msgspec.json.schema_components([shape.query])
    (struct,) = (found for name, found in components.items() if name == shape.query.__name__)
    for name, schema in struct["properties"].items():
        yield {"name": name, "in": "query", "required": name in struct.get("required", ()), "schema": schema}
