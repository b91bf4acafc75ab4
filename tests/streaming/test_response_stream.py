"""`responses.stream()`: events with what there is so far, the final response, streaming again, and streams that break."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from anyopenai import (
    APIError,
    APIResponseValidationError,
    ContentFilterFinishReasonError,
    InternalServerError,
    LengthFinishReasonError,
    OpenAI,
    OpenAIError,
    StreamTruncated,
    function_tool,
)
from anyopenai._codec import UnknownObject, decoder_for
from anyopenai.streaming import ResponseStreamEvent
from anyopenai.streaming.response_state import GrowingResponse
from anyopenai.structured.response import asked_response
from anyopenai.testing import Answer, FakeTransport
from behaviour.clients import client_for
from behaviour.server import Server, events

RECORDED = json.loads((Path(__file__).parent / "recorded_responses.json").read_text("utf-8"))
ASK: dict[str, Any] = {"model": "m", "input": "Hi."}
TEXT = RECORDED["text"]["sent"]


class Weather(Struct):
    city: str


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as server:
        yield server


def wire(items: list[dict[str, Any]]) -> bytes:
    return "".join(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n" for item in items).encode()


def client_with(items: list[dict[str, Any]], cut: int | None = None, **options: Any) -> OpenAI:
    answer = Answer(content=wire(items)[:cut], headers={"content-type": "text/event-stream"})
    return OpenAI(api_key="k", transport=FakeTransport(answer), max_retries=0, **options)


def bare(value: Any) -> Any:
    """Leave out what is empty in one of two ways: nulls, and log probabilities that were not asked for."""
    if isinstance(value, dict):
        found = {name: bare(item) for name, item in value.items() if item is not None}
        return {name: item for name, item in found.items() if not (name == "logprobs" and item == [])}
    return [bare(item) for item in value] if isinstance(value, list) else value


def saying(text: str, status: str = "completed", **more: Any) -> list[dict[str, Any]]:
    """Return the recorded stream with another text and another end."""
    items = json.loads(json.dumps(TEXT).replace('"Hello"', json.dumps(text)))
    items = [item for item in items if item.get("delta") != "lo"]
    items[4]["delta"] = text
    items[-1]["type"] = f"response.{status}"
    items[-1]["response"].update(status=status, **more)
    return items


@pytest.mark.parametrize("name", RECORDED)
async def test_events_and_result_are_those_of_openai_python(name: str) -> None:
    """The record was made with openai-python 3.51.0; what raises there raises here."""
    case = RECORDED[name]
    client = client_with(case["sent"])
    asked = case["arguments"] if "response_id" in case["arguments"] else {**ASK, **case["arguments"]}
    found = []
    async with client.responses.stream(**asked) as stream:
        try:
            async for event in stream:
                found.append({**bare(event.model_dump(mode="json")), "class": type(event).__name__})
        except StreamTruncated:
            assert case["raises"]
        if case["raises"]:
            with pytest.raises(OpenAIError):
                await stream.get_final_response()
        else:
            assert bare((await stream.get_final_response()).model_dump(mode="json")) == case["final"]
    assert found == case["events"]


async def test_pieces_keep_their_snapshot_and_the_response_grows() -> None:
    """Behaviour 297."""
    async with client_with(TEXT).responses.stream(**ASK) as stream:
        pieces = []
        async for event in stream:
            if event.type == "response.output_text.delta":
                pieces.append(event)
                shown = stream.current_response_snapshot
                assert shown.output_text == event.snapshot
            elif event.type == "response.output_item.added":
                added = event
        assert [piece.snapshot for piece in reversed(pieces)] == ["Hello", "Hel"]
        assert added.item.content == []  # type: ignore[union-attr]  # it is a message
        assert (await stream.get_final_response()).output_text == "Hello"
        assert stream.current_response_snapshot is await stream.get_final_response()


async def test_text_alone() -> None:
    async with client_with(TEXT).responses.stream(**ASK) as stream:
        assert [piece async for piece in stream.text_stream] == ["Hel", "lo"]


async def test_a_typed_response_is_parsed() -> None:
    """Behaviour 298."""
    async with client_with(saying('{"city":"Rome"}')).responses.stream(**ASK, text_format=Weather) as stream:
        done = [event.parsed async for event in stream if event.type == "response.output_text.done"]
        final = await stream.get_final_response()
    assert done == [Weather("Rome")]
    assert final.output_parsed == Weather("Rome")


async def test_text_that_does_not_fit_raises() -> None:
    async with client_with(saying('{"city":1}')).responses.stream(**ASK, text_format=Weather) as stream:
        with pytest.raises(APIResponseValidationError, match=r"output\[0\].content\[0\].text"):
            await stream.until_done()


async def test_arguments_of_a_tool_are_parsed() -> None:
    """Behaviour 299."""
    items = json.loads(json.dumps(RECORDED["tool plain"]["sent"]).replace('"F"', '"Weather"'))
    whole = json.dumps({"city": "Oslo"})
    for item in items:
        if item["type"].endswith("arguments.delta"):
            item["delta"] = whole[:5] if item["sequence_number"] == 2 else whole[5:]
        elif "arguments" in item:
            item["arguments"] = whole
        for holder in (item.get("item"), *item.get("response", {}).get("output", ())):
            if holder and holder["arguments"]:
                holder["arguments"] = whole
    async with client_with(items).responses.stream(**ASK, tools=[function_tool(Weather)]) as stream:
        kind = "response.function_call_arguments.delta"
        snapshots = [event.snapshot async for event in stream if event.type == kind]
        (call,) = (await stream.get_final_response()).output
    assert snapshots == [whole[:5], whole]
    assert call.type == "function_call"
    assert call.parsed_arguments == Weather("Oslo")


@pytest.mark.parametrize(
    ("items", "error", "match"),
    [
        (saying("x", "incomplete", incomplete_details={"reason": "max_output_tokens"}), LengthFinishReasonError, "length limit"),
        (saying("x", "incomplete", incomplete_details={"reason": "content_filter"}), ContentFilterFinishReasonError, "content filter"),
        (saying("x", "failed", error={"code": "server_error", "message": "It broke."}), InternalServerError, "It broke"),
        (saying("x", "cancelled"), OpenAIError, "cancelled, not completed"),
        ([*TEXT[:3], {"type": "error", "code": "c", "message": "Boom.", "param": None, "sequence_number": 3}],
         APIError, "Boom"),
    ],
)  # fmt: skip
async def test_what_did_not_complete_has_no_final_response(
    items: list[dict[str, Any]], error: type[Exception], match: str
) -> None:
    """Behaviour 300."""
    async with client_with(items).responses.stream(**ASK) as stream:
        kinds = [event.type async for event in stream]
        assert kinds[-1] == items[-1]["type"]
        with pytest.raises(error, match=match):
            await stream.get_final_response()
        assert stream.current_response_snapshot.id == "resp_1"


async def test_streaming_again_gives_what_follows() -> None:
    """Behaviour 301: the snapshots have what came before."""
    answer = Answer(content=wire(TEXT), headers={"content-type": "text/event-stream"})
    transport = FakeTransport(answer)
    client = OpenAI(api_key="k", transport=transport)
    async with client.responses.stream(response_id="resp_1", starting_after=4) as stream:
        found = [event async for event in stream]
        assert (await stream.get_final_response()).output_text == "Hello"
    assert [event.sequence_number for event in found] == [5, 6, 7, 8, 9]  # type: ignore[union-attr]  # all have one
    assert found[0].snapshot == "Hello"  # type: ignore[union-attr]  # it is a piece of text
    assert (transport.requests[0].method, transport.requests[0].path) == ("GET", "/v1/responses/resp_1")
    assert transport.requests[0].query == {"stream": ["true"]}


async def test_arguments_are_those_of_one_kind_of_request() -> None:
    client = client_with(TEXT)
    with pytest.raises(TypeError, match="takes no input, model"):
        client.responses.stream(response_id="r", **ASK)
    with pytest.raises(TypeError, match="together with response_id"):
        client.responses.stream(starting_after=3, **ASK)
    with pytest.raises(TypeError, match="no raw view"):
        client.with_raw_response.responses.stream(**ASK)  # type: ignore[attr-defined]  # what a user may write


async def test_a_stream_cut_anywhere_is_whole_or_raises_with_what_came() -> None:
    outcomes = set()
    for at in range(0, len(wire(TEXT)) + 1, 7):
        async with client_with(TEXT, cut=at).responses.stream(**ASK) as stream:
            try:
                final = await stream.get_final_response()
            except StreamTruncated as truncated:
                partial: Any = truncated.partial
                outcomes.add(partial and partial.output_text)
            else:
                assert final.output_text == "Hello"
    assert outcomes == {None, "", "Hel", "Hello"}


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "response.brand_new", "x": 1},
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.delta", "delta": None, "output_index": 9, "content_index": 9},
        {"type": "response.content_part.added", "output_index": 7, "content_index": 0, "part": None},
        {"type": "response.output_text.annotation.added", "output_index": 7, "annotation": None},
        {"type": "response.reasoning_summary_part.done", "output_index": 8},
        {"type": "response.in_progress", "response": None},
        {"type": "response.function_call_arguments.done", "output_index": 5, "arguments": None},
    ],
)
async def test_odd_events_are_given_and_change_nothing(odd: dict[str, Any]) -> None:
    items = [item for one in TEXT[:-1] for item in (one, odd)] + TEXT[-1:]
    async with client_with(items).responses.stream(**ASK) as stream:
        kinds = []
        async for event in stream:
            kinds.append(event.type)
            _ = stream.current_response_snapshot
        assert (await stream.get_final_response()).output_text == "Hello"
    assert kinds == [item["type"] for item in items]


async def test_an_output_that_is_left_out_at_the_end_is_what_was_streamed() -> None:
    items = copy.deepcopy(TEXT)
    items[-1]["response"]["output"] = None
    async with client_with(items).responses.stream(**ASK) as stream:
        assert (await stream.get_final_response()).output_text == "Hello"


async def test_an_unknown_event_is_a_mapping() -> None:
    async with client_with([TEXT[0], {"type": "response.brand_new", "x": 1}, TEXT[-1]]).responses.stream(
        **ASK
    ) as stream:
        assert any(isinstance(event, UnknownObject) for event in [event async for event in stream])


async def test_cancelling_a_wait_hangs_up(server: Server) -> None:
    server.script(events(*TEXT[:5], anyio.Event(), done=False))
    async with client_for(server, max_retries=0) as client:
        with anyio.CancelScope() as scope:
            async with client.responses.stream(**ASK) as stream:
                while (await anext(stream)).type != "response.output_text.delta":
                    continue
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(stream.get_final_response)
                    await anyio.wait_all_tasks_blocked()
                    scope.cancel()
        await server.connections[0].hung_up.wait()
        assert stream.current_response_snapshot.output_text == "Hel"


KINDS = {
    "message": (
        "content",
        {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
        "response.output_text",
    ),
    "reasoning": ("summary", {"type": "summary_text", "text": ""}, "response.reasoning_summary_text"),
}


@given(
    data=st.data(),
    texts=st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.text(min_size=1, max_size=9)), max_size=4),
)
def test_any_interleaving_of_items_gives_the_same_response(data: st.DataObject, texts: list[tuple[str, str]]) -> None:
    decode = decoder_for(ResponseStreamEvent).decode  # type: ignore[arg-type]  # a union
    state: GrowingResponse[object] = GrowingResponse(asked_response(None, None, None, ())[2])
    state.take(decode(json.dumps(TEXT[0]).encode()))
    queues = []
    for index, (kind, text) in enumerate(texts):
        name, part, event = KINDS[kind]
        item = {"id": f"i{index}", "type": kind, name: []}
        if kind == "message":
            item.update(role="assistant", status="in_progress")
        place = {"item_id": f"i{index}", "output_index": index, f"{name}_index": 0}
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0, len(text)})
        added = "response.content_part.added" if kind == "message" else "response.reasoning_summary_part.added"
        queue = [{"type": "response.output_item.added", "output_index": index, "item": item}]
        queue.append({"type": added, **place, "part": part})
        for start, end in itertools.pairwise(cuts):
            queue.append({"type": f"{event}.delta", **place, "delta": text[start:end], "logprobs": []})
        queues.append(queue)
    while any(queues):
        number = data.draw(st.sampled_from([one for one, queue in enumerate(queues) if queue]))
        state.take(decode(json.dumps({**queues[number].pop(0), "sequence_number": 1}).encode()))
        if data.draw(st.booleans()):
            _ = state.snapshot
    found = [getattr(item, KINDS[item.type][0])[0].text for item in state.snapshot.output]
    assert found == [text for _, text in texts]
