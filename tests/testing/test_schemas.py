"""Answers of the stand-in that follow a schema, and its complaints about schemas that strict mode lacks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from anyopenai import BadRequestError, OpenAI
from anyopenai.structured import output_of
from anyopenai.testing import serve
from anyopenai.testing.exchange import Refusal
from anyopenai.testing.schemas import answer_in_form, form_of


class Node(Struct):
    name: str
    left: Node | None
    children: list[Node]


class Circle(Struct, tag_field="kind", tag="circle"):
    radius: Annotated[float, Meta(gt=0, lt=1)]


class Square(Struct, tag_field="kind", tag="square"):
    side: Annotated[int, Meta(ge=10, multiple_of=4)]


class Everything(Struct):
    text: str
    flag: bool
    day: date
    moment: datetime
    key: UUID
    few: Annotated[list[int], Meta(min_length=2, max_length=3)]
    shape: Circle | Square
    other: list[Square]
    level: Literal["low", "high"]
    node: Node
    maybe: float | None


@pytest.mark.parametrize("kind", [Node, Everything, Circle])
def test_an_answer_can_be_read_as_the_type_that_was_asked_for(kind: Any) -> None:
    output = output_of(kind)
    text = answer_in_form(output.schema, "Some words of the prompt", "response_format")
    assert isinstance(output.decode(text), kind)


def test_strings_are_words_of_the_prompt() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    found = json.loads(answer_in_form(schema, "one two three four five six", "p"))
    assert found == {"a": "one two three four", "b": "five six one two"}
    assert json.loads(answer_in_form(schema, "", "p"))["a"] == "nothing"


@given(
    low=st.integers(-50, 50),
    size=st.integers(1, 60),
    step=st.sampled_from([None, 1, 3, 7]),
    exclusive=st.booleans(),
    kind=st.sampled_from(["integer", "number"]),
)
def test_numbers_keep_within_their_bounds(low: int, size: int, step: int | None, exclusive: bool, kind: str) -> None:
    high = low + size
    names = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else ("minimum", "maximum")
    schema: dict[str, Any] = {"type": kind, names[0]: low, names[1]: high}
    if step is not None:
        schema["multipleOf"] = step
    try:
        found = json.loads(
            answer_in_form({"type": "object", "properties": {"n": schema}, "required": ["n"]}, "x", "p")
        )["n"]
    except Refusal:
        return
    assert (low < found < high) if exclusive else (low <= found <= high)
    assert step is None or found % step == 0
    assert kind == "number" or isinstance(found, int)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array", "items": {"type": "string"}}, "the root must have type 'object'"),
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
            "'required' must be supplied",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False},
            r"\('properties', 'a'\), a schema must have a 'type'",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string", "default": "x"}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "'default' is not permitted",
        ),
    ],
)
def test_what_strict_mode_lacks_is_refused_as_the_api_does(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        form_of({"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}, "p")
    loose = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert form_of(loose, "p") == schema


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "^(?=a)"}, "has a pattern"),
        ({"$ref": "#/$defs/Nowhere"}, "which is not there"),
        ({"$ref": "#"}, "leads to itself"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "has no number"),
    ],
)
def test_what_takes_a_model_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        answer_in_form({"type": "object", "properties": {"a": schema}, "required": ["a"]}, "x", "p")


@dataclass
class Answer:
    words: str
    count: int


async def test_both_apis_answer_in_the_form_that_is_asked_for() -> None:
    async with serve() as server, OpenAI(api_key="any", base_url=server.base_url) as client:
        messages: Any = [{"role": "user", "content": "Say these words"}]
        chat = await client.chat.completions.parse(model="gpt-5.5", messages=messages, response_format=Answer, n=2)
        assert [choice.message.parsed for choice in chat.choices] == [Answer("Say these words", 1)] * 2
        response = await client.responses.parse(model="gpt-5.5", input="Say these words", text_format=Answer)
        assert response.output_parsed == Answer("Say these words", 1)
        stream = await client.responses.create(
            model="gpt-5.5", input="hi", stream=True, text={"format": {"type": "json_object"}}
        )
        text = "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])
        assert set(msgspec.json.decode(text)) == {"answer"}
        with pytest.raises(BadRequestError, match="additionalProperties"):
            await client.chat.completions.create(
                model="gpt-5.5",
                messages=messages,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": {"type": "object", "properties": {}}},
                },
            )
