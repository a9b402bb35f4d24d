"""The interface as OpenAPI 3.1, made of the table of endpoints and the shapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from imgsearch import __version__
from imgsearch.web.shapes import GIVEN, SENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.web.endpoints.table import Endpoint
    from imgsearch.web.shapes import Shape

    Json = dict[str, Any]

_SCALARS: Final = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_OR_NULL: Final = " or null"
_LIST_OF: Final = "list of "


def description(endpoints: Iterable[Endpoint]) -> Json:
    """Return the description of some endpoints."""
    addresses: dict[str, Json] = {}
    for endpoint in endpoints:
        addresses.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "imgsearch",
            "version": __version__,
            "description": "The interface of the page that `imgsearch serve` shows.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"cookie": []}],
        "paths": addresses,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "imgsearch-PORT"},
            },
            "schemas": {
                _name(name): _object(shape, open_ended=shape is GIVEN.get(name))
                for name, shape in {**SENT, **GIVEN}.items()
            },
        },
    }


def _operation(endpoint: Endpoint) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(endpoint.path)
    ]
    parameters += [_parameter(name) for name in endpoint.parameters]
    operation: Json = {
        "summary": (endpoint.handler.__doc__ or "").partition("\n")[0],
        "operationId": endpoint.handler.__name__,
        "responses": {
            str(endpoint.status): _given(endpoint.answer),
            "default": _given("error"),
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body == "file":
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    elif endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(endpoint.body)}},
        }
    return operation


def _parameter(name: str) -> Json:
    kind = {"type": "integer"} if name.endswith("#") else {"type": "string"}
    several = name.endswith("[]")
    return {
        "name": name.rstrip("[]#"),
        "in": "query",
        "schema": {"type": "array", "items": kind} if several else kind,
    }


def _given(answer: str | None) -> Json:
    if answer is None:
        return {"description": "done"}
    if answer in GIVEN:
        content: Json = {"application/json": {"schema": _reference(answer)}}
    else:
        content = {answer: {}}
    return {"description": answer, "content": content}


def _object(shape: Shape, *, open_ended: bool) -> Json:
    return {
        "type": "object",
        "properties": {key.rstrip("?"): schema_of(kind) for key, kind in shape.items()},
        "required": [key for key in shape if not key.endswith("?")],
        # Within a version keys may be added to what is given; what is sent has no others.
        "additionalProperties": open_ended,
    }


def schema_of(kind: str) -> Json:
    """Return the schema of a type."""
    if kind.startswith(_LIST_OF):
        return {"type": "array", "items": schema_of(kind.removeprefix(_LIST_OF))}
    if kind.endswith(_OR_NULL):
        return {"anyOf": [schema_of(kind.removesuffix(_OR_NULL)), {"type": "null"}]}
    if kind == "numbers":
        return schema_of("list of number")
    return {"type": _SCALARS[kind]} if kind in _SCALARS else _reference(kind)


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{_name(name)}"}


def _name(shape: str) -> str:
    return shape.replace(" ", "-")
