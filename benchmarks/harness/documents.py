"""What servers answer and decoders decode: JSON documents and events as bytes; nothing that measures."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any, Final

__all__ = ("ANSWER", "CHAT", "CHUNK", "DELTA", "FINISH", "FRAME", "MESSAGES", "RESPONSE", "embeddings")

MESSAGES: Final = [{"role": "user", "content": "word " * 80}]
"""A request of 0.5 KB."""

CHUNK: Final = (
    b'{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"gpt-5.5-2026-01-01","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,'
    b'"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}'
)
FRAME: Final = b"data: " + CHUNK + b"\n\n"
FINISH: Final = (
    b"data: " + CHUNK.replace(b'{"content":" word"}', b"{}").replace(b'finish_reason":null', b'finish_reason":"stop"')
) + b"\n\ndata: [DONE]\n\n"
DELTA: Final = (
    b'{"type":"response.output_text.delta","sequence_number":42,"item_id":"msg_0123456789abcdef0123456789abcdef",'
    b'"output_index":0,"content_index":0,"delta":" word","logprobs":[],"obfuscation":"abcdefghijkl"}'
)


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


_USAGE: dict[str, Any] = {
    "prompt_tokens": 19,
    "completion_tokens": 110,
    "total_tokens": 129,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def _chat(message: dict[str, Any]) -> bytes:
    return _compact(
        {
            "id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx",
            "object": "chat.completion",
            "created": 1760000000,
            "model": "gpt-5.5-2026-01-01",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "refusal": None, "annotations": [], **message},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": _USAGE,
            "service_tier": "default",
            "system_fingerprint": "fp_0123456789",
        }
    )


CHAT: Final = _chat({"content": "An answer of some length. " * 18})
"""A chat answer of 1.1 KB: what servers answer every request with."""

_CALL = {
    "id": "call_0123456789",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
ANSWER: Final = _chat({"content": "An answer of some length, as a chat gives it. " * 8, "tool_calls": [_CALL]})
"""A chat answer with a tool call: what decoders decode."""

_MESSAGE: dict[str, Any] = {
    "id": "msg_0123456789abcdef0123456789abcdef",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "An answer. " * 134, "annotations": [], "logprobs": []}],
}
_FUNCTION: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a place.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
RESPONSE: Final = _compact(
    {
        "id": "resp_0123456789abcdef0123456789abcdef",
        "object": "response",
        "created_at": 1760000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": "Answer in one paragraph.",
        "max_output_tokens": None,
        "model": "gpt-5.5-2026-01-01",
        "output": [
            {"id": "rs_0123456789abcdef", "type": "reasoning", "summary": []},
            {
                "id": "fc_0123456789abcdef",
                "type": "function_call",
                "status": "completed",
                "call_id": "call_0123456789",
                "name": "get_weather",
                "arguments": '{"city":"Paris"}',
            },
            _MESSAGE,
        ],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "medium", "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [{**_FUNCTION, "name": f"get_weather_{number}"} for number in range(6)],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 36,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 87,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 123,
        },
        "user": None,
        "metadata": {},
    }
)
"""An answer of the Responses API of 3.7 KB."""


def embeddings(count: int, size: int) -> bytes:
    """Build an embeddings answer in base64."""
    vector = base64.b64encode(struct.pack(f"<{size}f", *(index / size for index in range(size)))).decode()
    items = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    return _compact({"object": "list", "data": items, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}})
