"""CPU time of turning answers into objects, beside openai-python's where that is installed; and the longest step.

    PYTHONPATH=src python benchmarks/decode.py [--quick]

Prints one JSON object. `us` is CPU time (user and system) of this process for one document, the median of several
rounds; the contenders take turns within a round, so that a busy machine slows both. `ratio` is the peer's figure over
ours, the median over rounds. `msgspec` decodes into the same types with nothing around it. `longest_step_ms` is the
longest time between two pauses of `decode_steps`, and `whole_ms` what one decode takes.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import importlib.util
import json
import platform
import statistics
import struct
import time
from array import array
from collections.abc import Callable
from typing import Any

import msgspec

from anyopenai._codec import decoder_for
from anyopenai._codec.lenient import dec_hook
from anyopenai.types import CreateEmbeddingResponse
from anyopenai.types.chat import ChatCompletion, ChatCompletionChunk

CHUNK = (
    b'{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"gpt-5.5-2026-01-01","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,'
    b'"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}'
)
# As some servers send it: without `created`, which sends it through the lenient pass.
CHUNK_INCOMPLETE = CHUNK.replace(b'"created":1760000000,', b"")
ANSWER = json.dumps(
    {
        "id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-5.5-2026-01-01",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "An answer of some length, as a chat gives it. " * 8,
                    "refusal": None,
                    "annotations": [],
                    "tool_calls": [
                        {
                            "id": "call_0123456789",
                            "type": "function",
                            "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
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
        },
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    },
    separators=(",", ":"),
).encode()

Decode = Callable[[bytes], object]


def embeddings(count: int, size: int) -> bytes:
    """Build an embeddings answer in base64."""
    vector = base64.b64encode(struct.pack(f"<{size}f", *(index / size for index in range(size)))).decode()
    items = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return json.dumps({"object": "list", "data": items, "model": "m", "usage": usage}, separators=(",", ":")).encode()


def ours(kind: type[Any]) -> dict[str, Decode]:
    return {
        "anyopenai": decoder_for(kind).decode,
        "anyopenai, keep_unknown": decoder_for(kind, keep_unknown=True).decode,
        "msgspec": msgspec.json.Decoder(kind, dec_hook=dec_hook).decode,
    }


def peer(module: str, name: str) -> dict[str, Decode]:
    """openai-python's way from bytes to the same object, if it is importable here."""
    if importlib.util.find_spec("openai") is None:
        return {}
    from openai._models import construct_type  # pyright: ignore

    kind: Any = getattr(importlib.import_module(module), name)

    def decode(data: bytes) -> object:
        return construct_type(type_=kind, value=json.loads(data))

    def decode_vectors(data: bytes) -> object:
        answer: Any = decode(data)
        for item in answer.data:
            item.embedding = array("f", base64.b64decode(item.embedding)).tolist()
        return answer

    return {"openai": decode_vectors if name == "CreateEmbeddingResponse" else decode}


def measure(data: bytes, contenders: dict[str, Decode], times: int, rounds: int) -> dict[str, object]:
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for round_ in range(rounds):
        for name in order[round_ % len(order) :] + order[: round_ % len(order)]:
            decode = contenders[name]
            start = time.process_time_ns()
            for _ in range(times):
                decode(data)
            spent[name].append((time.process_time_ns() - start) / 1000 / times)
    row: dict[str, object] = {
        "bytes": len(data),
        "us": {name: round(statistics.median(values), 2) for name, values in spent.items()},
    }
    if "openai" in spent:
        pairs = zip(spent["openai"], spent["anyopenai"], strict=True)
        row["ratio"] = round(statistics.median(theirs / own for theirs, own in pairs), 1)
    return row


def steps(data: bytes, rounds: int) -> dict[str, float]:
    """Time every step of one large answer, by the wall clock: what an event loop would wait."""
    decoder = decoder_for(CreateEmbeddingResponse)
    longest: list[float] = []
    total: list[float] = []
    whole: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        decoder.decode(data)
        whole.append(time.perf_counter() - start)
        run = decoder.decode_steps(data)
        waits: list[float] = []
        try:
            while True:
                start = time.perf_counter()
                next(run)
                waits.append(time.perf_counter() - start)
        except StopIteration:
            waits.append(time.perf_counter() - start)
        longest.append(max(waits))
        total.append(sum(waits))
    return {
        "bytes": len(data),
        "longest_step_ms": round(statistics.median(longest) * 1000, 3),
        "all_steps_ms": round(statistics.median(total) * 1000, 1),
        "whole_ms": round(statistics.median(whole) * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, rough figures")
    quick: bool = parser.parse_args().quick
    times, rounds = (300, 3) if quick else (3_000, 15)
    chat, embedding = "openai.types.chat", "openai.types"
    documents: dict[str, tuple[bytes, dict[str, Decode], int]] = {
        "chat chunk": (CHUNK, ours(ChatCompletionChunk) | peer(chat, "ChatCompletionChunk"), times),
        "chat chunk, lenient": (
            CHUNK_INCOMPLETE,
            {"anyopenai": decoder_for(ChatCompletionChunk).decode} | peer(chat, "ChatCompletionChunk"),
            times,
        ),
        "chat answer": (ANSWER, ours(ChatCompletion) | peer(chat, "ChatCompletion"), times),
        "embeddings 2048 x 1536": (
            embeddings(2048, 1536),
            {
                "anyopenai": decoder_for(CreateEmbeddingResponse).decode,
                "msgspec": msgspec.json.Decoder(CreateEmbeddingResponse, dec_hook=dec_hook).decode,
            }
            | peer(embedding, "CreateEmbeddingResponse"),
            1,
        ),
    }
    result = {
        "benchmark": "decode",
        "python": platform.python_version(),
        "rounds": rounds,
        "peer": "openai" if importlib.util.find_spec("openai") is not None else None,
        "documents": {
            name: measure(data, contenders, count, rounds) for name, (data, contenders, count) in documents.items()
        },
        "steps, 2048 x 3072": steps(embeddings(2048, 3072), rounds),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
