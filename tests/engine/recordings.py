"""One recorded stream of each kind: how it is asked for, its bytes, and what is whole about it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, NamedTuple

from anyopenai import OpenAI, Stream
from engine.support import chunk

PNG: Final = "aGVsbG8="


class Recording(NamedTuple):
    """A stream as a server sends it.

    Attributes:
        name: Its kind.
        ask: How a client asks for it.
        wire: Its bytes.
        marker: What stands in the event from whose end on nothing is missing.
        partial: What a stream that breaks off before that event leaves.
        usage: The total of its tokens, if it says that.
    """

    name: str
    ask: Callable[[OpenAI], Any]
    wire: bytes
    marker: bytes
    partial: object
    usage: int | None = None

    @property
    def whole_from(self) -> int:
        """Where the event that completes the stream has ended."""
        return self.wire.index(b"\n\n", self.wire.rindex(self.marker)) + 2


def events(*items: Any, end: bytes = b"\n") -> bytes:
    """Frame events: a mapping is data, a pair is a named one, bytes are as they are."""
    framed = []
    for item in items:
        if isinstance(item, bytes):
            framed.append(item)
        elif isinstance(item, tuple):
            name, data = item
            framed.append(b"event: %b%bdata: %b%b%b" % (name.encode(), end, json.dumps(data).encode(), end, end))
        else:
            framed.append(b"data: %b%b%b" % (json.dumps(item).encode(), end, end))
    return b"".join(framed)


def typed(*items: dict[str, Any]) -> bytes:
    """Frame events that are named as their type says."""
    return events(*((item["type"], item) for item in items))


DONE: Final = b"data: [DONE]\n\n"
TOKENS: Final = {"input_tokens": 5, "output_tokens": 4, "total_tokens": 9}
CHAT_TOKENS: Final = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
PROMPT: Final[dict[str, Any]] = {"model": "m", "messages": [{"role": "user", "content": "Hé?"}]}


def completion(text: str, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    """One event of the older completions."""
    choice = {"index": index, "text": text, "finish_reason": finish, "logprobs": None}
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def second(piece: dict[str, Any]) -> dict[str, Any]:
    """The same event for the second choice."""
    return {**piece, "choices": [{**piece["choices"][0], "index": 1}]}


def response(status: str) -> dict[str, Any]:
    """A response object."""
    usage = {**TOKENS, "input_tokens_details": {"cached_tokens": 2}, "output_tokens_details": {"reasoning_tokens": 1}}
    return {"id": "resp", "object": "response", "status": status, "output": [], "error": None, "usage": usage}


def said(text: str, number: int = 1) -> dict[str, Any]:
    """A piece of a response's text."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0, "sequence_number": number, "logprobs": []}
    return {"type": "response.output_text.delta", "delta": text, **place}


def image(kind: str, **members: Any) -> dict[str, Any]:
    """An event of an image."""
    return {"type": kind, "b64_json": PNG, "created_at": 1, "size": "auto", "quality": "low", **members}


def message(text: str) -> tuple[str, Any]:
    """A piece of a run's message."""
    content = [{"index": 0, "type": "text", "text": {"value": text}}]
    return "thread.message.delta", {"id": "msg", "object": "thread.message.delta", "delta": {"content": content}}


def run(status: str) -> tuple[str, Any]:
    """A run's event."""
    return f"thread.run.{status}", {"id": "run", "object": "thread.run", "status": status, "usage": CHAT_TOKENS}


@asynccontextmanager
async def speech(client: OpenAI) -> AsyncGenerator[Stream[Any]]:
    """Events of sound, which the method has no argument for."""
    ask = client.audio.speech.with_streaming_response.create
    async with ask(input="Hi", model="m", voice="alloy", stream_format="sse") as answer:
        yield await answer.parse(to=Stream[object])


@asynccontextmanager
async def opened(recording: Recording, client: OpenAI) -> AsyncGenerator[Stream[Any]]:
    """Ask for a stream, and close it."""
    asked = recording.ask(client)
    if isinstance(asked, AbstractAsyncContextManager):
        async with asked as stream:
            yield stream
    else:
        async with await asked as stream:
            yield stream


RECORDINGS: Final = (
    Recording(
        "chat",
        lambda client: client.chat.completions.create(**PROMPT, stream=True),
        events(chunk("Hé"), b": keep-alive\n\n", chunk("llo"), chunk(finish="stop"), DONE),
        b'"stop"',
        "Héllo",
    ),
    Recording(
        "chat with two choices and usage",
        lambda client: client.chat.completions.create(
            **PROMPT, n=2, stream=True, stream_options={"include_usage": True}
        ),
        events(
            chunk("A"),
            second(chunk("B")),
            chunk(finish="stop"),
            second(chunk(finish="length")),
            {**chunk(), "choices": [], "usage": CHAT_TOKENS},
            DONE,
        ),
        b'"usage"',
        {0: "A", 1: "B"},
        9,
    ),
    Recording(
        "completions",
        lambda client: client.completions.create(model="m", prompt="Hé", stream=True),
        events(completion("Hé"), completion("llo"), completion("", "stop"), DONE),
        b'"stop"',
        "Héllo",
    ),
    Recording(
        "responses",
        lambda client: client.responses.create(model="m", input="Hé", stream=True),
        typed(
            {"type": "response.created", "response": response("in_progress"), "sequence_number": 0},
            said("Hé"),
            said("llo"),
            {"type": "response.completed", "response": response("completed"), "sequence_number": 3},
        ),
        b"response.completed",
        "Héllo",
        9,
    ),
    Recording(
        "a response that is continued",
        lambda client: client.responses.retrieve("resp", stream=True, starting_after=3),
        typed(
            said("llo", 4), {"type": "response.incomplete", "response": response("incomplete"), "sequence_number": 5}
        ),
        b"response.incomplete",
        "llo",
        9,
    ),
    Recording(
        "a run",
        lambda client: client.beta.threads.runs.create("thread", assistant_id="a", stream=True),
        events(run("created"), message("Hé"), message("llo"), run("completed"), b"event: done\n" + DONE),
        b"thread.run.completed",
        "Héllo",
        9,
    ),
    Recording(
        "a thread with its run",
        lambda client: client.beta.threads.create_and_run(assistant_id="a", stream=True),
        events(message("Hé"), run("requires_action"), b"event: done\n" + DONE),
        b"thread.run.requires_action",
        "Hé",
        9,
    ),
    Recording(
        "a run that goes on with tool outputs",
        lambda client: client.beta.threads.runs.submit_tool_outputs(
            "run", thread_id="thread", tool_outputs=[], stream=True
        ),
        events(message("Hé"), run("failed"), b"event: done\n" + DONE),
        b"thread.run.failed",
        "Hé",
        9,
    ),
    Recording(
        "images",
        lambda client: client.images.generate(prompt="A cat", n=2, stream=True, partial_images=1),
        typed(
            image("image_generation.partial_image", partial_image_index=0),
            image("image_generation.completed", usage=TOKENS),
            image("image_generation.completed", usage=TOKENS),
        ),
        b"image_generation.completed",
        ["image_generation.completed"],
        18,
    ),
    Recording(
        "an edited image",
        lambda client: client.images.edit(image=b"png", prompt="A cat", stream=True),
        typed(image("image_edit.partial_image", partial_image_index=0), image("image_edit.completed", usage=TOKENS)),
        b"image_edit.completed",
        ["image_edit.partial_image"],
        9,
    ),
    Recording(
        "a speech",
        speech,
        typed(
            {"type": "speech.audio.delta", "audio": PNG},
            {"type": "speech.audio.delta", "audio": PNG},
            {"type": "speech.audio.done", "usage": TOKENS},
        ),
        b"speech.audio.done",
        b"hellohello",
        9,
    ),
    Recording(
        "a transcription",
        lambda client: client.audio.transcriptions.create(file=b"sound", model="m", stream=True),
        typed(
            {"type": "transcript.text.delta", "delta": "Hé"},
            {"type": "transcript.text.delta", "delta": "llo"},
            {"type": "transcript.text.done", "text": "Héllo", "usage": {"type": "tokens", **TOKENS}},
        ),
        b"transcript.text.done",
        "Héllo",
        9,
    ),
    Recording(
        "an agent session",
        lambda client: client.beta.agents.sessions.events.stream("session"),
        typed(
            {"type": "agent.session.turn.created", "event_id": "1"},
            {"type": "agent.session.turn.output_text.delta", "delta": "Hé", "event_id": "2"},
            {"type": "agent.session.turn.completed", "event_id": "3", "usage": TOKENS},
            {"type": "agent.session.idle", "event_id": "4"},
        ),
        b"agent.session.idle",
        "Hé",
        9,
    ),
    Recording(
        "an agent session that begins",
        lambda client: client.beta.agents.sessions.create(
            environment={"type": "none"}, agent={"model": "m"}, stream=True
        ),
        typed(
            {"type": "agent.session.in_progress", "event_id": "1"},
            {"type": "agent.session.turn.output_text.delta", "delta": "Hé", "event_id": "2"},
            {"type": "agent.session.requires_action", "event_id": "3"},
        ),
        b"agent.session.requires_action",
        "Hé",
    ),
)

_RUN: Final = next(recording for recording in RECORDINGS if recording.name == "a run")

HELPERS: Final = (
    Recording(
        "a helper's run",
        lambda client: client.beta.threads.runs.stream(thread_id="thread", assistant_id="a"),
        *_RUN[2:],
    ),
    Recording(
        "a helper's thread with its run",
        lambda client: client.beta.threads.create_and_run_stream(assistant_id="a"),
        *_RUN[2:],
    ),
    Recording(
        "a helper's run that goes on with tool outputs",
        lambda client: client.beta.threads.runs.submit_tool_outputs_stream(
            run_id="run", thread_id="thread", tool_outputs=[]
        ),
        *_RUN[2:],
    ),
    Recording(
        "a helper's chat",
        lambda client: client.chat.completions.stream(**PROMPT),
        RECORDINGS[0].wire,
        b'"stop"',
        "Héllo",
    ),
    Recording(
        "a helper's response",
        lambda client: client.responses.stream(model="m", input="Hé"),
        next(recording.wire for recording in RECORDINGS if recording.name == "responses"),
        b"response.completed",
        "Héllo",
        9,
    ),
)
"""The same streams through helpers, whose events are not the server's."""
