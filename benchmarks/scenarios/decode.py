"""From bytes to objects, with no network: answers, events, embeddings, and the longest step of a large answer."""

from __future__ import annotations

import base64
import importlib
import json
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks.harness import documents
from benchmarks.harness.clock import Meter, peak_mb
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_WHO: Final = ("anyopenai", "openai", "msgspec")
_CHAT: Final = "chat answer, 1.1 KB"
_RESPONSE: Final = "Responses answer, 3.7 KB"
_CHAT_EVENTS: Final = "chat events"
_RESPONSE_EVENTS: Final = "Responses events"
_PAGE: Final = "page of 100 chat answers"
_VECTORS: Final = "embeddings, 2048 x 1536, base64"
_STEPS: Final = "embeddings, 2048 x 3072, in steps"

_KINDS: Final = {
    _CHAT: "types.chat:ChatCompletion",
    _RESPONSE: "types.responses:Response",
    _CHAT_EVENTS: "types.chat:ChatCompletionChunk",
    "chat chunk": "types.chat:ChatCompletionChunk",
    "chat chunk without a required member": "types.chat:ChatCompletionChunk",
    "chat answer, keep_unknown_fields": "types.chat:ChatCompletion",
    _RESPONSE_EVENTS: "types.responses:ResponseStreamEvent",
    _PAGE: "types.chat:ChatCompletion",
    _VECTORS: "types:CreateEmbeddingResponse",
    _STEPS: "types:CreateEmbeddingResponse",
}


def _cases(scale: Scale) -> Sequence[Case]:
    few = scale.pick(3_000, 1_000, 3)

    def case(name: str, times: int, who: Sequence[str] = _WHO) -> Case:
        return Case(name, who, {"name": name, "times": max(1, times), "small": scale.name == "smoke"})

    every = [
        case(_CHAT, few),
        case("chat answer, keep_unknown_fields", few, ("anyopenai",)),
        case(_RESPONSE, few // 2),
        case("chat chunk", few),
        case("chat chunk without a required member", few, ("anyopenai", "openai")),
        case(_CHAT_EVENTS, scale.pick(20, 5, 1)),
        case(_RESPONSE_EVENTS, scale.pick(20, 5, 1), ("anyopenai", "openai")),
        case(_PAGE, scale.pick(100, 20, 1)),
        case(_VECTORS, scale.pick(5, 2, 1)),
        case(_STEPS, scale.pick(5, 2, 1), ("anyopenai",)),
    ]
    return every if scale.name != "smoke" else [one for one in every if one.name in (_CHAT, _RESPONSE_EVENTS, _STEPS)]


SCENARIO = Scenario(
    title="Decoding: bytes to objects, no network",
    unit="document (or event)",
    cases=_cases,
    targets=(
        Target("chat answer: at most 1/50 of openai-python", _CHAT, 1 / 50, over=(_CHAT, "openai")),
        Target("Responses answer: at most 1/40 of openai-python", _RESPONSE, 1 / 40, over=(_RESPONSE, "openai")),
        Target("chat event: at most 1/40 of openai-python", _CHAT_EVENTS, 1 / 40, over=(_CHAT_EVENTS, "openai")),
        Target(
            "Responses event: at most 1/40 of openai-python",
            _RESPONSE_EVENTS,
            1 / 40,
            over=(_RESPONSE_EVENTS, "openai"),
        ),
        Target("embeddings: at most 1/12 of openai-python", _VECTORS, 1 / 12, over=(_VECTORS, "openai")),
        Target("a large embeddings answer stalls the event loop under 5 ms", _STEPS, 5, figure="longest_ms"),
    ),
    note="`msgspec` decodes into the same types with nothing around it. Events come as one piece of bytes of 1,000 "
    "events, and the cost of splitting them is included. openai-python's embeddings become lists of floats, as its client makes them.",
)

_EVENTS: Final = 1_000


def _document(name: str, *, small: bool) -> bytes:
    if name == _RESPONSE:
        return documents.RESPONSE
    if name == "chat chunk":
        return documents.CHUNK
    if name == "chat chunk without a required member":
        # As some servers send it, which takes the lenient pass.
        return documents.CHUNK.replace(b'"created":1760000000,', b"")
    if name == _CHAT_EVENTS:
        return documents.FRAME * _EVENTS
    if name == _RESPONSE_EVENTS:
        return (b"event: response.output_text.delta\ndata: " + documents.DELTA + b"\n\n") * _EVENTS
    if name == _PAGE:
        return b'{"object":"list","data":[' + b",".join([documents.ANSWER] * 100) + b'],"has_more":false}'
    if name in (_VECTORS, _STEPS):
        return documents.embeddings(8 if small else 2048, 1536 if name == _VECTORS else 3072)
    return documents.ANSWER


def _kind(package: str, name: str) -> Any:
    module, _, attribute = _KINDS[name].partition(":")
    return getattr(importlib.import_module(f"{package}.{module}"), attribute)


def _ours(name: str, *, bare: bool) -> Callable[[bytes], object]:
    import msgspec

    from anyopenai._codec import decoder_for
    from anyopenai._codec.lenient import dec_hook
    from anyopenai._sansio.sse import SSEDecoder

    kind: Any = _kind("anyopenai", name)
    if name == _PAGE:
        kind = msgspec.defstruct("Page", [("data", list[kind]), ("has_more", bool)])  # type: ignore[valid-type]
        bare = True
    decode: Callable[[bytes], object]
    if bare:
        decode = msgspec.json.Decoder(kind, dec_hook=dec_hook).decode
    else:
        decode = decoder_for(kind, keep_unknown="keep_unknown" in name).decode
    if name not in (_CHAT_EVENTS, _RESPONSE_EVENTS):
        return decode

    def read(data: bytes) -> object:
        return [decode(event.data) for event in SSEDecoder().feed(data)]

    def split(data: bytes) -> object:
        return [decode(frame[6:]) for frame in data.split(b"\n\n") if frame]

    return split if bare else read


def _theirs(name: str) -> Callable[[bytes], object]:
    """openai-python's way from bytes to the same objects."""
    from openai._models import construct_type  # pyright: ignore
    from openai._streaming import SSEDecoder  # pyright: ignore

    kind = _kind("openai", name)

    def decode(data: bytes) -> Any:
        return construct_type(type_=kind, value=json.loads(data))

    def decode_vectors(data: bytes) -> object:
        answer = decode(data)
        for item in answer.data:
            item.embedding = array("f", base64.b64decode(item.embedding)).tolist()
        return answer

    def decode_page(data: bytes) -> object:
        return [construct_type(type_=kind, value=one) for one in json.loads(data)["data"]]

    def read(data: bytes) -> object:
        return [construct_type(type_=kind, value=event.json()) for event in SSEDecoder().iter_bytes(iter([data]))]

    special = {_VECTORS: decode_vectors, _PAGE: decode_page, _CHAT_EVENTS: read, _RESPONSE_EVENTS: read}
    return special.get(name, decode)


def _steps(data: bytes, times: int) -> Figures:
    """Time every step of one large answer by the wall clock: what an event loop would wait."""
    from anyopenai._codec import decoder_for

    decoder = decoder_for(_kind("anyopenai", _STEPS))
    best = float("inf")
    with Meter() as meter:
        for _ in range(times):
            run = decoder.decode_steps(data)
            longest = 0.0
            start = time.perf_counter()
            try:
                while True:
                    next(run)
                    now = time.perf_counter()
                    longest, start = max(longest, now - start), now
            except StopIteration:
                longest = max(longest, time.perf_counter() - start)
            # The least of several: what the machine did meanwhile is no property of the decoder.
            best = min(best, longest)
    return {**meter.figures(times), "longest_ms": best * 1000}


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    name: str = facts["name"]
    data = _document(name, small=facts["small"])
    if name == _STEPS:
        return _steps(data, facts["times"])
    decode = _theirs(name) if contender.name == "openai" else _ours(name, bare=contender.name == "msgspec")
    times = max(1, round(facts["times"] * facts["share"]))
    # Builds the decoder.
    decode(data)
    with Meter() as meter:
        for _ in range(times):
            decode(data)
    return {**meter.figures(times * (_EVENTS if "events" in name else 1)), "rss_mb": peak_mb()}
