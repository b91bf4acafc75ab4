"""`stream` beside `create`, and its events beside those of the API: nothing new of either is missing."""

from __future__ import annotations

import inspect
import pickle
from typing import Any, get_args, get_origin

import pytest

import anyopenai.streaming
from anyopenai.resources.beta.threads import Threads
from anyopenai.resources.beta.threads.runs import Runs
from anyopenai.resources.chat.completions import Completions
from anyopenai.resources.responses import Responses
from anyopenai.streaming import ChatCompletionStreamState, ResponseStreamEvent
from anyopenai.streaming.response_state import GrowingResponse
from anyopenai.structured.response import asked_response
from anyopenai.types.responses.response_stream_event import ResponseStreamEvent as OfTheAPI
from streaming.chunks import decoded, text

OWN = {
    Completions: (set[str](), {"tools", "response_format"}),
    Responses: ({"text_format", "response_id", "starting_after"}, {"tools"}),
    Runs: ({"event_handler"}, set[str]()),
}


@pytest.mark.parametrize("namespace", OWN)
def test_stream_takes_what_create_takes(namespace: type) -> None:
    """Behaviour 386: a new argument of the API is one of both."""
    added, changed = OWN[namespace]
    stream: Any = inspect.signature(namespace.stream).parameters  # type: ignore[attr-defined]  # both have it
    create: Any = inspect.signature(namespace.create).parameters  # type: ignore[attr-defined]  # both have it
    assert stream.keys() == (create.keys() | added) - {"stream"}
    for name in stream.keys() & create.keys() - changed - {"self"}:
        own, other = (str(one[name].annotation).rpartition(".")[2] for one in (stream, create))
        assert own == other, name
        assert stream[name].default is create[name].default


@pytest.mark.parametrize(
    ("streaming", "plain"),
    [
        (Runs.create_and_stream, Runs.create),
        (Runs.submit_tool_outputs_stream, Runs.submit_tool_outputs),
        (Threads.create_and_run_stream, Threads.create_and_run),
    ],
)
def test_the_other_streams_of_runs_take_what_runs_take(streaming: Any, plain: Any) -> None:
    found, given = inspect.signature(streaming).parameters, inspect.signature(plain).parameters
    assert found.keys() == (given.keys() | {"event_handler"}) - {"stream"}
    for name in found.keys() & given.keys() - {"self"}:
        own, other = (str(one[name].annotation).rpartition(".")[2] for one in (found, given))
        assert own == other, name
        assert found[name].kind is given[name].kind


@pytest.mark.parametrize(
    ("polling", "plain"),
    [
        (Runs.create_and_poll, Runs.create),
        (Runs.submit_tool_outputs_and_poll, Runs.submit_tool_outputs),
        (Threads.create_and_run_poll, Threads.create_and_run),
    ],
)
def test_polls_take_what_runs_take(polling: Any, plain: Any) -> None:
    found, given = inspect.signature(polling).parameters, inspect.signature(plain).parameters
    assert found.keys() == (given.keys() | {"poll_interval_ms"}) - {"stream"}
    for name in found.keys() & given.keys() - {"self"}:
        own, other = (str(one[name].annotation).rpartition(".")[2] for one in (found, given))
        assert own == other, name
        assert found[name].kind is given[name].kind


def test_events_of_responses_are_those_of_the_api() -> None:
    """A new event is one of both; what has more to it is a kind of the API's own."""
    plain = {kind.__name__: kind for kind in get_args(OfTheAPI)}
    own = {(get_origin(kind) or kind).__name__: get_origin(kind) or kind for kind in get_args(ResponseStreamEvent)}
    assert own.keys() == plain.keys()
    assert all(issubclass(own[name], plain[name]) for name in plain)


def test_every_public_name_is_there() -> None:
    for name in anyopenai.streaming.__all__:
        assert getattr(anyopenai.streaming, name) is not None
    assert dir(anyopenai.streaming) == list(anyopenai.streaming.__all__)
    with pytest.raises(AttributeError):
        _ = anyopenai.streaming.nothing  # type: ignore[attr-defined]  # what is not there


def test_events_can_be_pickled() -> None:
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    state.handle_chunk(decoded(text("a")))
    event = state.handle_chunk(decoded(text("b")))[1]
    assert event.type == "content.delta"
    again = pickle.loads(pickle.dumps(event))
    assert (again.delta, again.snapshot) == ("b", "ab")
    responses: GrowingResponse[object] = GrowingResponse(asked_response(None, None, None, ())[2])
    piece = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "a"}
    from anyopenai.streaming import ResponseTextDeltaEvent

    (given,) = responses.take(ResponseTextDeltaEvent.model_validate({**piece, "sequence_number": 1, "logprobs": []}))
    assert pickle.loads(pickle.dumps(given)).snapshot == "a"  # type: ignore[union-attr]  # it is a piece of text
