"""The description is read for what changes code, and for nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anyopenai_codegen import description
from anyopenai_codegen.description import at_pointer, bare_schema
from anyopenai_codegen.notation import DescriptionError
from codegen.descriptions import TEXT, document, facts, obj, ref


def _prosaic() -> dict[str, Any]:
    """Return a description with all that the published one has beside its facts."""
    whole = document(
        {"Thing": {**obj({"description": {**TEXT, "description": "Prose.", "example": "x"}}), "title": "Thing"}},
        {
            "/things": {
                "post": {
                    "operationId": "make",
                    "summary": "Make.",
                    "x-oaiMeta": {"name": "Make"},
                    "requestBody": {"content": {"application/json": {"schema": ref("Thing"), "example": {}}}},
                    "responses": {
                        "200": {"description": "OK", "content": {"application/json": {"schema": ref("Thing")}}}
                    },
                }
            }
        },
    )
    whole["tags"] = [{"name": "Things", "description": "More prose."}]
    return whole


def _bare() -> dict[str, Any]:
    return document(
        {"Thing": obj({"description": TEXT})},
        {
            "/things": {
                "post": {
                    "operationId": "make",
                    "requestBody": {"content": {"application/json": {"schema": ref("Thing")}}},
                    "responses": {"200": {"content": {"application/json": {"schema": ref("Thing")}}}},
                }
            }
        },
    )


def test_prose_changes_nothing(tmp_path: Path) -> None:
    digests = []
    for whole in (_prosaic(), _bare()):
        (tmp_path / "openapi.json").write_text(json.dumps(whole))
        digests.append(description.read(tmp_path / "openapi.json", facts()).digest)
    assert digests[0] == digests[1]


def test_a_fact_changes_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(_bare()))
    before = description.read(path, facts()).digest
    path.write_text(path.read_text().replace('"string"', '"integer"'))
    assert description.read(path, facts()).digest != before


def test_a_member_called_description_is_no_prose() -> None:
    bare = bare_schema(obj({"description": {**TEXT, "description": "Prose."}}))
    assert bare["properties"] == {"description": TEXT}


@pytest.mark.parametrize("wrong", [[], {}, {"info": {}}, {"info": {"version": 1}, "paths": {}}])
def test_something_else_is_refused(tmp_path: Path, wrong: object) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(wrong))
    with pytest.raises(DescriptionError, match="not the OpenAPI description"):
        description.read(tmp_path / "openapi.json", facts())


def test_patches_add_members_for_one_side_and_lead_through_a_merged_all_of(tmp_path: Path) -> None:
    schemas = {
        "Base": obj({"inner": obj({"a": TEXT})}),
        "Thing": {"allOf": [ref("Base"), obj({"b": TEXT})]},
        "Count": {"type": "integer"},
    }
    (tmp_path / "openapi.json").write_text(json.dumps(document(schemas)))
    tables = facts()
    tables.patches["response"]["Thing/properties/inner"] = {"added": "Count"}
    # A table may give a schema a name that the description uses for another one.
    tables.patches["schemas"]["Count"] = "float"
    read = description.read(tmp_path / "openapi.json", tables)
    inner = read.schemas["response"]["Base"]["properties"]["inner"]["properties"]
    assert inner["added"] == ref("Count@patch")
    assert read.component("response", "Count@patch") == {"type": "number"}
    assert read.component("response", "Count") == {"type": "integer"}
    assert "added" not in read.schemas["param"]["Base"]["properties"]["inner"]["properties"]


def test_a_patch_that_fits_nowhere_is_an_error() -> None:
    schemas = {"Thing": obj({"a": TEXT})}
    for pointer in ("Nothing", "Thing/properties/b", "Thing/anyOf/0", "Thing/type"):
        with pytest.raises(DescriptionError, match="a patch names"):
            at_pointer(schemas, pointer)
