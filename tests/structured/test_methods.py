"""`parse` beside `create`: the same arguments under the same types, and nothing that grows with the calls."""

from __future__ import annotations

import gc
import inspect
from typing import Any, get_args

import pytest
from msgspec import Struct

from anyopenai import OpenAI, function_tool, pydantic_function_tool
from anyopenai.resources.chat.completions import Completions
from anyopenai.resources.responses import Responses
from anyopenai.testing import Answer, FakeTransport
from anyopenai.types.responses.parsed_response import (
    ParsedResponseFunctionToolCall,
    ParsedResponseOutputItem,
    ParsedResponseOutputMessage,
)
from anyopenai.types.responses.response_function_tool_call import ResponseFunctionToolCall
from anyopenai.types.responses.response_output_item import ResponseOutputItem
from anyopenai.types.responses.response_output_message import ResponseOutputMessage
from behaviour import answers

# Arguments that are not those of `create`, and those whose types are others.
OWN = {
    Completions: ({"response_format"}, {"stream"}, {"tools", "response_format"}),
    Responses: ({"text_format", "parse_as", "verbosity"}, {"stream"}, {"tools"}),
}


@pytest.mark.parametrize("namespace", OWN)
def test_parse_takes_what_create_takes(namespace: type) -> None:
    """Behaviour 386: a new argument of the API is one of both."""
    added, dropped, changed = OWN[namespace]
    parse: Any = inspect.signature(namespace.parse).parameters  # type: ignore[attr-defined]  # both have it
    create: Any = inspect.signature(namespace.create).parameters  # type: ignore[attr-defined]  # both have it
    assert parse.keys() == (create.keys() | added) - dropped
    for name in parse.keys() & create.keys() - changed - {"self"}:
        # Of a name that two modules have, one comes under its module's.
        own, other = (str(one[name].annotation).rpartition(".")[2] for one in (parse, create))
        assert own == other, name
        assert parse[name].default is create[name].default


def test_parsed_items_are_the_items_of_a_response() -> None:
    """A new kind of item is one of both."""
    replaced = {
        ResponseOutputMessage: ParsedResponseOutputMessage,
        ResponseFunctionToolCall: ParsedResponseFunctionToolCall,
    }
    plain = {replaced.get(kind, kind) for kind in get_args(ResponseOutputItem)}
    assert {getattr(kind, "__origin__", kind) for kind in get_args(ParsedResponseOutputItem)} == plain


class Weather(Struct):
    city: str


def look(city: str) -> str:
    return city


async def test_calls_make_no_classes_and_no_decoders() -> None:
    transport = FakeTransport()
    transport.route("POST", "/chat/completions", Answer(json=answers.chat('{"city":"A"}')))
    tools: Any = [function_tool(look), pydantic_function_tool(Weather)]
    async with OpenAI(api_key="k", transport=transport) as client:

        async def call() -> None:
            answer = await client.chat.completions.parse(
                **answers.PROMPT, response_format=Weather, tools=[*tools, pydantic_function_tool(Weather)]
            )
            assert answer.choices[0].message.parsed == Weather("A")

        def kept() -> int:
            gc.collect()
            return sum(isinstance(one, type) or type(one).__name__ in ("Decoder", "Output") for one in gc.get_objects())

        await call()
        before = kept()
        for _ in range(20):
            await call()
        assert kept() == before


@pytest.mark.parametrize("options", [{"keep_unknown_fields": True}, {"_strict_response_validation": True}])
async def test_the_client_s_options_for_answers_hold(options: dict[str, Any]) -> None:
    body = answers.chat('{"city":"A"}', unheard_of=1)
    headers = {"content-type": "application/json"}
    async with OpenAI(api_key="k", transport=FakeTransport(Answer(json=body, headers=headers)), **options) as client:
        answer = await client.chat.completions.parse(**answers.PROMPT, response_format=Weather)
        assert answer.choices[0].message.parsed == Weather("A")
        assert answer.model_extra == ({"unheard_of": 1} if "keep_unknown_fields" in options else {})
