"""What a program without an SDK writes around an HTTP library: Structs for what it reads, and a splitter of events.

The Structs have what the API documents, as the SDKs' types have: every client does the same work.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ..harness.documents import MESSAGES

__all__ = ("HEADERS", "Splitter", "decode_answer", "encode_request")

HEADERS: Final[dict[bytes | str, bytes | str]] = {
    "accept": "application/json",
    "content-type": "application/json",
    "authorization": "Bearer sk-benchmark",
    "user-agent": "benchmark",
}


class PromptDetails(msgspec.Struct):
    cached_tokens: int = 0
    audio_tokens: int = 0


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    id: str | None = None
    index: int | None = None
    type: str | None = None
    function: Function | None = None


class Message(msgspec.Struct):
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[dict[str, object]] | None = None


class Choice(msgspec.Struct):
    index: int
    message: Message
    finish_reason: str | None = None
    logprobs: dict[str, object] | None = None


class Answer(msgspec.Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None


class ChunkChoice(msgspec.Struct):
    index: int
    delta: Message
    finish_reason: str | None = None
    logprobs: dict[str, object] | None = None


class Chunk(msgspec.Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None


_encode = msgspec.json.Encoder().encode
_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_chunk = msgspec.json.Decoder(Chunk).decode


def encode_request(*, stream: bool = False) -> bytes:
    """Return a request's body."""
    request = {"model": "gpt-5.5", "messages": MESSAGES}
    return _encode({**request, "stream": True} if stream else request)


def decode_answer(data: bytes) -> str | None:
    """Return an answer's text."""
    return _decode_answer(data).choices[0].message.content


class Splitter:
    """Cuts a stream into events and decodes them; the least that reads what this API sends."""

    def __init__(self) -> None:
        self._rest = b""
        self.done = False

    def feed(self, data: bytes) -> int:
        """Take a piece; return how many choices were in the events that it completed."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        count = 0
        for frame in frames:
            if frame.startswith(b"data: "):
                if frame == b"data: [DONE]":
                    self.done = True
                else:
                    count += len(_decode_chunk(frame[6:]).choices)
        return count
