"""Arguments of browser tools: what fits the declaration is taken, what does not is refused, and nothing else happens."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.tools.browser_fields import MAX_SAFE_INTEGER
from anyopenai.tools.browser_members import BROWSER_MEMBERS, MEMBERS
from anyopenai.tools.browser_state import BrowserError
from tools.browsers import ARGUMENTS

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Draw values that fit a declaration, from the declaration alone."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            return TEXT
        case ["string", "null"]:
            return st.none() | TEXT
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(
                values_of(schema["items"]), min_size=schema.get("minItems", 0), max_size=schema.get("maxItems", 6)
            )
        case "object":
            return st.fixed_dictionaries({name: values_of(one) for name, one in schema["properties"].items()})
        case kind:
            raise AssertionError(f"a kind that no declaration has: {kind}")


def _demands_more(name: str, arguments: dict[str, Any]) -> bool:
    """Tell what a schema in strict mode does not say: sizes in bytes, blanks, repetitions, the order of edges."""
    sizes = {"grant_id": (1, 256), "source": (1, 10**9), "root": (1, 256)}
    for member, (least, most) in sizes.items():
        value = arguments.get(member)
        if isinstance(value, str) and name != "read_diagnostics" and not least <= len(value.encode()) <= most:
            return True
    keys = arguments.get("keys", [])
    return (
        (name == "wait_for" and not (arguments["text"].strip() and len(arguments["text"].encode()) <= 256))
        or (name == "hold_keys" and any(not 1 <= len(key.encode()) <= 64 for key in keys))
        or (name in ("hold_keys", "click_at", "drag_path") and len(set(keys)) < len(keys))
        or (
            name == "zoom"
            and not (
                arguments["region"][0] < arguments["region"][2] and arguments["region"][1] < arguments["region"][3]
            )
        )
    )


@given(st.data())
def test_what_fits_the_declaration_is_taken_as_it_is(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(BROWSER_MEMBERS))
    arguments = data.draw(values_of(MEMBERS[name].record.schema()))
    text = json.dumps(arguments)
    if _demands_more(name, arguments):
        with pytest.raises(BrowserError, match="invalid value"):
            MEMBERS[name].arguments_from(text)
    else:
        assert MEMBERS[name].arguments_from(text) == arguments


@given(name=st.sampled_from(BROWSER_MEMBERS), text=st.text() | JSON.map(json.dumps))
def test_any_text_is_taken_or_refused_in_words(name: str, text: str) -> None:
    with suppress(BrowserError):
        assert MEMBERS[name].arguments_from(text).keys() == MEMBERS[name].record.fields.keys()


_WRONG: dict[str, list[Any]] = {
    "text": [None, 1, True, [], "\ud800"],
    "url": [1, True, [], {}, "\ud800"],
    "tab_id": [1, True, [], "\ud800"],
    "target": [1, True, [], "\ud800"],
    "query": [None, 1, []],
    "filter": [None, "some", 1],
    "keys": [None, "a", [1], [None]],
    "direction": ["around", None, 1],
    "amount": [-1, 1.0, 1.5, "1", True, None, MAX_SAFE_INTEGER + 1],
    "values": [None, "a", [1]],
    "region": [None, "abcd", [0, 0, 1], [0, 0, 1, 1, 1], [0, 0, 1, 1.5], [-1, 0, 1, 1], [0, 0, True, 1]],
    "timeout_ms": [0, 30001, 1.0, True, None],
    "x": [-1, 1.5, "1", True, MAX_SAFE_INTEGER + 1],
    "y": [-1, 1.5, None],
    "checked": [1, None, "true"],
    "button": ["back", None],
    "click_count": [0, 4, 1.0, True],
    "path": [
        [],
        [{"x": 1, "y": 1}],
        [{"x": 1, "y": 1}] * 101,
        [{"x": 1}] * 2,
        [{"x": 1, "y": 1, "z": 1}] * 2,
        [[1, 2]] * 2,
    ],
    "duration_ms": [0, 3001, True],
    "root": ["", "x" * 257, "é" * 129, 1, "\ud800"],
    "depth": [0, 33, None],
    "source": [1, None, ""],
    "limit": [0, 101],
    "grant_id": ["", "x" * 257, "é" * 129, None, "\ud800"],
}


@pytest.mark.parametrize("name", BROWSER_MEMBERS)
def test_an_argument_out_of_its_bounds_is_refused_by_name(name: str) -> None:
    for member in ARGUMENTS[name]:
        for value in _WRONG[member]:
            if member == "text" and name == "type" and value == []:
                continue
            arguments = {**ARGUMENTS[name], member: value}
            with pytest.raises(BrowserError, match=f"'{member}' has an invalid value; it must fit {{"):
                MEMBERS[name].arguments_from(json.dumps(arguments))


@pytest.mark.parametrize(
    ("name", "changed", "right"),
    [
        ("click_at", {"keys": ["Control", "Alt", "Meta", "Shift"]}, True),
        ("click_at", {"keys": ["Shift", "Shift"]}, False),
        ("click_at", {"keys": ["a"]}, False),
        ("drag_path", {"keys": ["Alt", "Alt"]}, False),
        ("drag_path", {"path": [{"x": 1, "y": 1}] * 100}, True),
        ("hold_keys", {"keys": []}, False),
        ("hold_keys", {"keys": ["a", "a"]}, False),
        ("hold_keys", {"keys": list("abcdefgh")}, True),
        ("hold_keys", {"keys": list("abcdefghi")}, False),
        ("hold_keys", {"keys": ["é" * 32]}, True),
        ("hold_keys", {"keys": ["é" * 33]}, False),
        ("key", {"keys": []}, True),
        ("wait_for", {"text": " "}, False),
        ("wait_for", {"text": "é" * 128}, True),
        ("wait_for", {"text": "é" * 129}, False),
        ("wait_for", {"text": ""}, False),
        ("zoom", {"region": [5, 0, 5, 1]}, False),
        ("zoom", {"region": [0, 5, 1, 5]}, False),
        ("zoom", {"region": [5, 5, 1, 1]}, False),
        ("scroll", {"amount": MAX_SAFE_INTEGER}, True),
        ("read_page_scoped", {"root": "x" * 256, "depth": 32}, True),
        ("run_script", {"source": " "}, True),
        ("run_script", {"source": ""}, False),
        ("navigate", {"url": "javascript:alert(1)"}, True),
        ("type", {"text": "", "target": ""}, True),
        ("new_tab", {"url": "about:blank"}, True),
    ],
)
def test_what_a_schema_cannot_say_is_demanded_as_well(name: str, changed: dict[str, Any], right: bool) -> None:
    arguments = {**ARGUMENTS[name], **changed}
    if right:
        assert MEMBERS[name].arguments_from(json.dumps(arguments)) == arguments
    else:
        with pytest.raises(BrowserError, match="invalid value"):
            MEMBERS[name].arguments_from(json.dumps(arguments))
