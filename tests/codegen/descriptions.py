"""Small descriptions to generate from, in the form of the official one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from anyopenai_codegen.description import Description, bare_document
from anyopenai_codegen.facts import Facts

OFFICIAL = os.environ.get("ANYOPENAI_DESCRIPTION", "")
"""Path of the official description; the tests that need it say so where it is not set."""


def official() -> Path:
    """Return the path of the official description."""
    return Path(OFFICIAL)


def document(schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a whole description with these component schemas."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1.0"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }


def described(schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> Description:
    """Return the same, read."""
    bare = bare_document(document(schemas, paths))
    operations = {entry["operationId"]: entry for verbs in bare["paths"].values() for entry in verbs.values()}
    return Description("1.0", "0" * 64, operations, {"response": bare["schemas"], "param": bare["schemas"]})


def facts(
    operations: dict[str, Any] | None = None,
    *,
    names: dict[str, dict[str, str]] | None = None,
    overlay: dict[str, Any] | None = None,
) -> Facts:
    """Return tables with little in them."""
    return Facts(
        operations=operations or {},
        names={"response": {}, "param": {}, "aliases": {}, "exports": {}, **(names or {})},
        supplement={"operations": {}, "webhooks": {}, "schemas": {}},
        patches={"params": {}, "response": {}, "param": {}, "schemas": {}},
        overlay={"select": [], **(overlay or {})},
    )


def obj(members: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an object schema."""
    return {"type": "object", "properties": members, "required": list(required)}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: dict[str, Any] = {"type": "string"}
