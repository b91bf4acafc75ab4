"""A response in the background as a server has it: its numbered events, what it becomes, and servers that lose connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.testing.script import Piece, RecordedRequest
from engine.recordings import typed
from engine.support import KEY, Waits

ID: Final = "resp_1"
SSE: Final = {"content-type": "text/event-stream"}
ASK: Final[dict[str, Any]] = {"model": "m", "input": "Hé?", "background": True}

_REASONING: Final = {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
_TEXT: Final = {"type": "output_text", "text": 'Héllo, "sequence_number": 5', "annotations": [], "logprobs": []}
_MESSAGE: Final = {"id": "msg", "type": "message", "role": "assistant", "status": "completed", "content": [_TEXT]}
_CALL: Final = {
    "id": "fc",
    "type": "function_call",
    "call_id": "c",
    "name": "f",
    "arguments": '{"a": 1}',
    "status": "completed",
}
OUTPUT: Final[list[dict[str, Any]]] = [_REASONING, _MESSAGE, _CALL]
TEXT: Final = _TEXT["text"]


def response(status: str = "completed", output: Iterable[dict[str, Any]] = OUTPUT, **members: Any) -> dict[str, Any]:
    """The response in one of its states."""
    done = status not in ("queued", "in_progress")
    usage = {"input_tokens": 5, "output_tokens": 4, "total_tokens": 9} if done else None
    return {
        "id": ID,
        "object": "response",
        "status": status,
        "background": True,
        "output": list(output) if done else [],
        "error": None,
        "usage": usage,
        **members,
    }


def _numbered(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**item, "sequence_number": number} for number, item in enumerate(items)]


def _piece(kind: str, item: str, index: int, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "item_id": item, "output_index": index, **members}


def _item(step: str, index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{step}", "output_index": index, "item": item}


_S: Final[dict[str, Any]] = {"summary_index": 0}
_C: Final[dict[str, Any]] = {"content_index": 0}

EVENTS: Final = _numbered(
    {"type": "response.created", "response": response("in_progress")},
    {"type": "response.in_progress", "response": response("in_progress")},
    _item("added", 0, {**_REASONING, "summary": []}),
    _piece("reasoning_summary_part.added", "rs", 0, **_S, part={"type": "summary_text", "text": ""}),
    _piece("reasoning_summary_text.delta", "rs", 0, **_S, delta="Hm."),
    _piece("reasoning_summary_text.done", "rs", 0, **_S, text="Hm."),
    _piece("reasoning_summary_part.done", "rs", 0, **_S, part=_REASONING["summary"][0]),
    _item("done", 0, _REASONING),
    _item("added", 1, {**_MESSAGE, "status": "in_progress", "content": []}),
    _piece("content_part.added", "msg", 1, **_C, part={**_TEXT, "text": ""}),
    _piece("output_text.delta", "msg", 1, **_C, delta="Hé", logprobs=[]),
    _piece("output_text.delta", "msg", 1, **_C, delta='llo, "sequence', logprobs=[]),
    _piece("output_text.delta", "msg", 1, **_C, delta='_number": 5', logprobs=[]),
    _piece("output_text.done", "msg", 1, **_C, text=TEXT, logprobs=[]),
    _piece("content_part.done", "msg", 1, **_C, part=_TEXT),
    _item("done", 1, _MESSAGE),
    _item("added", 2, {**_CALL, "status": "in_progress", "arguments": ""}),
    _piece("function_call_arguments.delta", "fc", 2, delta='{"a"'),
    _piece("function_call_arguments.delta", "fc", 2, delta=": 1}"),
    _piece("function_call_arguments.done", "fc", 2, name="f", arguments='{"a": 1}'),
    _item("done", 2, _CALL),
    {"type": "response.completed", "response": response()},
)
NUMBERS: Final = list(range(len(EVENTS)))
FRAMES: Final = [typed(event) for event in EVENTS]
WIRE: Final = b"".join(FRAMES)
BEGUN: Final = len(FRAMES[0])
"""So many bytes say what the response is called."""


SHORT: Final = [typed(event) for event in _numbered(EVENTS[0], *EVENTS[8:13], EVENTS[21])]
"""The frames of a stream of a few events, for what is done again and again."""


def after(number: int | None, among: list[bytes] = FRAMES) -> bytes:
    """The bytes of the events behind a number."""
    return b"".join(among[0 if number is None else number + 1 :])


Reply = Callable[[bytes], "Answer | bytes | list[Piece]"]
"""Makes of the bytes that are due what is answered: those that arrive, with what else happens, or another answer."""


class Background:
    """A server that keeps the events of one response; each request is answered as the next entry says.

    Args:
        replies: What becomes of each stream; behind the last one they arrive whole.
        whole: What is answered to those who ask for the response itself, each in turn and the last one ever after.
        events: The frames of its events.
    """

    def __init__(self, *replies: Reply, whole: Iterable[Answer] = (), events: list[bytes] = FRAMES) -> None:
        self.events = events
        self.replies = list(replies)
        self.transport = FakeTransport()
        self.transport.route("POST", "/responses", self._stream)
        self.transport.route("GET", "/responses/*", self._stream)
        self._whole = list(whole)

    @property
    def asked(self) -> list[int | None]:
        """From where on each stream but the first was asked for."""
        found = [request.query for request in self.transport.requests if request.method == "GET"]
        return [int(query["starting_after"][0]) if "starting_after" in query else None for query in found]

    def client(self, **options: Any) -> OpenAI:
        """Return a client of this server."""
        return OpenAI(**{"api_key": KEY, "transport": self.transport, **options})

    def _stream(self, request: RecordedRequest) -> Answer:
        if request.method == "GET" and "stream" not in request.query:
            return self._whole.pop(0) if len(self._whole) > 1 else self._whole[0]
        known = int(request.query["starting_after"][0]) if "starting_after" in request.query else None
        due = after(known, self.events)
        reply: Any = self.replies.pop(0)(due) if self.replies else due
        if isinstance(reply, Answer):
            return reply
        return Answer(pieces=reply if isinstance(reply, list) else [reply], headers=SSE)


def cut_at(end: int) -> Reply:
    """The connection ends after so many bytes."""
    return lambda due: due[:end]


def frames(count: int) -> Reply:
    """The connection ends after so many events."""
    return lambda due: b"".join(frame + b"\n\n" for frame in due.split(b"\n\n")[:count])


def gone(status: int = 404) -> Reply:
    """The server does not have the events."""
    return lambda due: Answer.error(status, "This response's events are gone.")


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Replace the sleeping between connections."""
    waits = Waits()
    monkeypatch.setattr("anyopenai._engine.resumable.sleep", waits)
    monkeypatch.setattr("anyopenai._engine.engine.sleep", waits)
    return waits


async def read(client: OpenAI, **options: Any) -> list[Any]:
    """Read the response's stream to its end; its events."""
    async with await client.responses.create(**ASK, stream=True, **options) as stream:
        return [event async for event in stream]


def numbers(events: Iterable[Any]) -> list[int]:
    """The numbers of events."""
    return [event.sequence_number for event in events]
