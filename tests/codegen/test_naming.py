"""Names are those that users know; where they know none, a schema is named after where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai_codegen.facts import KnownName, snake
from anyopenai_codegen.naming import Layout, NamingError, attribute, camel, singular
from anyopenai_codegen.reading import Reader
from anyopenai_codegen.shapes import Named, inner
from codegen.descriptions import TEXT, described, obj, ref


def _layout(schemas: dict[str, Any], known: dict[str, str], *roots: str, side: Any = "response") -> Layout:
    names = {pointer: KnownName.parsed(entry) for pointer, entry in known.items()}
    reader = Reader(described(schemas), side, names)
    keys = [part.key for root in roots for part in inner(reader.component(root)) if isinstance(part, Named)]
    return Layout(side, reader.declared, keys, names)


def _home(layout: Layout, key: str) -> str:
    home = layout.home(key)
    return f"{home.module}:{home.name}"


def test_known_names_win() -> None:
    layout = _layout({"CreateThing": obj({"id": TEXT})}, {"CreateThing": "things.thing:Thing"}, "CreateThing")
    assert _home(layout, "CreateThing") == "things.thing:Thing"
    assert layout.is_primary("CreateThing")


def test_unknown_parts_are_named_after_where_they_stand() -> None:
    schemas = {"Thing": obj({"image_url": obj({"x": TEXT}), "choices": {"type": "array", "items": obj({"y": TEXT})}})}
    layout = _layout(schemas, {"Thing": "thing:Thing"}, "Thing")
    assert _home(layout, "Thing/properties/image_url") == "thing:ThingImageURL"
    assert _home(layout, "Thing/properties/choices/items") == "thing:ThingChoice"


def test_unknown_components_live_with_whoever_refers_to_them_first() -> None:
    schemas = {"Thing": obj({"part": ref("LoosePart")}), "LoosePart": obj({"x": TEXT})}
    layout = _layout(schemas, {"Thing": "things.thing:Thing"}, "Thing")
    assert _home(layout, "LoosePart") == "things.thing:LoosePart"
    requests = _layout(schemas, {"Thing": "things.thing_param:ThingParam"}, "Thing", side="param")
    assert _home(requests, "LoosePart") == "things.thing_param:LoosePartParam"


def test_schemas_that_are_alike_and_share_a_name_are_one_class() -> None:
    schemas = {
        "A": obj({"part": obj({"x": TEXT})}),
        "B": obj({"part": obj({"x": TEXT})}),
        "C": obj({"part": obj({"x": {"type": "integer"}})}),
        "All": obj({"a": ref("A"), "b": ref("B"), "c": ref("C")}),
    }
    known = {"All": "m:All", **{f"{name}/properties/part": "m:Part" for name in "ABC"}}
    layout = _layout(schemas, known, "All")
    assert layout.key("B/properties/part") == "A/properties/part"
    assert _home(layout, "C/properties/part") == "m:CPart"
    assert "B/properties/part" not in layout.kept


def test_a_part_that_several_modules_have_lives_beside_its_owner() -> None:
    schemas = {"Thing": obj({"choice": obj({"x": TEXT})})}
    known = {"Thing": "chunk:Thing", "Thing/properties/choice": "whole|chunk:Choice"}
    layout = _layout(schemas, known, "Thing")
    assert _home(layout, "Thing/properties/choice") == "chunk:Choice"
    assert layout.home("Thing/properties/choice").also == [("whole", "Choice")]


def test_two_streaming_forms_of_arguments_are_one_type() -> None:
    layout = _layout({"Make": obj({"x": TEXT})}, {"Make": "make_params:MakeParamsStreaming"}, "Make", side="param")
    assert _home(layout, "Make") == "make_params:MakeParams"
    assert {name for _, name in layout.home("Make").also} == {"MakeParamsStreaming", "MakeParamsNonStreaming"}


def test_a_name_that_cannot_be_given_asks_for_a_decision() -> None:
    with pytest.raises(NamingError, match=r"overlay\.toml"):
        _layout({"A": {"anyOf": [obj({"x": TEXT}), obj({"y": TEXT})]}}, {}, "A")


def test_a_part_is_moved_into_a_module_of_its_own() -> None:
    schemas = {"Thing": obj({"part": ref("Part")}), "Part": obj({"x": TEXT})}
    layout = _layout(schemas, {"Thing": "p.thing:Thing"}, "Thing")
    assert layout.move("Part")
    assert _home(layout, "Part") == "p.part:Part"
    assert layout.home("Part").also == [("p.thing", "Part")]
    assert layout.find("p.part", "Part") == "Part"


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("self-harm/intent", "self_harm_intent"),
        ("from", "from_"),
        ("async", "async_"),
        ("2d", "_2d"),
        ("api_key.id", "api_key_id"),
    ],
)
def test_attributes_are_names(wire: str, name: str) -> None:
    assert attribute(wire) == name
    assert name.isidentifier()


def test_words_of_names() -> None:
    assert camel("image_url") == "ImageURL"
    assert camel("tool-calls") == "ToolCalls"
    assert [singular(word) for word in ("choices", "entries", "boxes", "classes", "status", "analysis", "part")] == [
        "choice",
        "entry",
        "box",
        "class",
        "status",
        "analysis",
        "part",
    ]
    assert snake("ChatCompletionToolChoiceOptionParam") == "chat_completion_tool_choice_option_param"
    assert snake("AdminAPIKey") == "admin_api_key"
