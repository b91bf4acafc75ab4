"""The reference of browser tools says what the table of members says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from anyopenai.tools.browser_members import DEFAULT_BROWSER_MEMBERS, MEMBERS, Member

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "browser-tools.md"

RESULTS = {
    "text": "text or None",
    "read": "text, `BrowserReadV1` or None",
    "page_text": "text, `BrowserReadV1` without elements, or None",
    "scoped": "`BrowserScopedReadV1`",
    "diagnostics": "`BrowserReadV1` without elements",
    "image": "an `input_image`",
    "script": "text",
    "file": "`BrowserFileOutcome`",
}


def _kind(schema: Any) -> str:
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    match schema["type"]:
        case ["string", "null"]:
            return "text or null"
        case "string":
            return "text"
        case "boolean":
            return "true or false"
        case "integer" if schema["maximum"] == 2**53 - 1:
            return f"number from {schema['minimum']}"
        case "integer":
            return f"number from {schema['minimum']} to {schema['maximum']}"
        case "array":
            least, most = schema.get("minItems"), schema.get("maxItems")
            size = "" if least is None else f"{least} " if least == most else f"{least} to {most} "
            return f"list of {size}{_items(schema['items'])}"
    raise AssertionError(schema)


def _items(schema: Any) -> str:
    if "enum" in schema:
        return "modifiers"
    return {"object": "points", "string": "texts", "integer": "numbers"}[schema["type"]]


def row(member: Member) -> str:
    arguments = "; ".join(f"`{name}`: {_kind(field.schema())}" for name, field in member.record.fields.items())
    policies = "" if not member.changes else "`url_policy`, `confirm`" if member.navigates else "`confirm`"
    default = "yes" if member.name in DEFAULT_BROWSER_MEMBERS else ""
    gives = "" if member.name == "list_tabs" else RESULTS[member.result]
    return f"| `{member.name}` | {arguments} | {gives} | {policies} | {default} |"


def test_the_page_has_every_tool_with_its_arguments_in_order() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| `\w+` \|", line)]
    assert rows == [row(member) for member in MEMBERS.values()]
