"""What a program without an SDK writes around an HTTP library: Structs for what it reads, and a splitter of events."""

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


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Message(msgspec.Struct):
    role: str
    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    index: int
    message: Message
    finish_reason: str | None = None


class Answer(msgspec.Struct):
    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class Delta(msgspec.Struct):
    content: str | None = None
    role: str | None = None


class ChunkChoice(msgspec.Struct):
    index: int
    delta: Delta
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


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
