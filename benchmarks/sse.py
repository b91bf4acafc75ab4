"""Client CPU per streamed event of the event-stream decoder, beside openai-python's where that is installed.

    PYTHONPATH=src python benchmarks/sse.py [--quick]

Prints one JSON object. `us_per_event` is CPU time (user and system) of this process, the best of several rounds; the
decoders take turns within a round, so that a busy machine slows both. `ratio` is the peer's figure over ours, the
median over rounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator

from anyopenai._sansio.sse import SSEDecoder

CHUNK = (
    b'{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"gpt-5.5-2026-01-01","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,'
    b'"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}'
)
DELTA = (
    b'{"type":"response.output_text.delta","sequence_number":42,"item_id":"msg_0123456789abcdef0123456789abcdef",'
    b'"output_index":0,"content_index":0,"delta":" word","logprobs":[],"obfuscation":"abcdefghijkl"}'
)
FRAMES = {
    "chat": b"data: " + CHUNK + b"\n\n",
    "chat, CRLF": b"data: " + CHUNK + b"\r\n\r\n",
    "responses": b"event: response.output_text.delta\ndata: " + DELTA + b"\n\n",
}
READS = {"64 KiB reads": 65536, "4 KiB reads": 4096, "one event per read": 0, "64-byte reads": 64}

Count = Callable[[list[bytes]], int]


def ours(reads: list[bytes]) -> int:
    decoder = SSEDecoder()
    count = 0
    for data in reads:
        count += len(decoder.feed(data))
    return count


def peer() -> Count | None:
    """openai-python's decoder, if it is importable here."""
    if importlib.util.find_spec("openai") is None:
        return None
    from openai._streaming import SSEDecoder as Decoder  # pyright: ignore

    def count(reads: list[bytes]) -> int:
        source: Iterator[bytes] = iter(reads)
        return sum(1 for _ in Decoder().iter_bytes(source))

    return count


def microseconds(count: Count, reads: list[bytes], events: int) -> float:
    start = time.process_time_ns()
    seen = count(reads)
    spent = time.process_time_ns() - start
    assert seen == events, (seen, events)
    return spent / 1000 / events


def measure(frame: bytes, size: int, events: int, rounds: int, decoders: dict[str, Count]) -> dict[str, float]:
    wire = frame * events
    step = size or len(frame)
    reads = [wire[start : start + step] for start in range(0, len(wire), step)]
    spent: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(rounds):
        for name, count in decoders.items():
            spent[name].append(microseconds(count, reads, events))
    row = {name: round(min(values), 3) for name, values in spent.items()}
    if "openai" in spent:
        pairs = zip(spent["openai"], spent["anyopenai"], strict=True)
        row["ratio"] = round(statistics.median(theirs / own for theirs, own in pairs), 1)
    return row


def linear(events_bytes: int) -> float:
    """Time of one event in 64-byte reads, per byte, over that of an event a tenth as long: about 1 when linear."""
    figures: list[float] = []
    for total in (events_bytes // 10, events_bytes):
        wire = b"data: " + b"x" * total + b"\n\n"
        reads = [wire[start : start + 64] for start in range(0, len(wire), 64)]
        figures.append(min(microseconds(ours, reads, 1) for _ in range(3)) / total)
    return round(figures[1] / figures[0], 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, rough figures")
    quick: bool = parser.parse_args().quick
    decoders: dict[str, Count] = {"anyopenai": ours}
    other = peer()
    if other is not None:
        decoders["openai"] = other
    events, rounds = (2_000, 3) if quick else (20_000, 9)
    result = {
        "benchmark": "sse",
        "python": platform.python_version(),
        "events": events,
        "rounds": rounds,
        "peer": "openai" if other is not None else None,
        "us_per_event": {
            f"{kind}, {reading}": measure(frame, size, events, rounds, decoders)
            for kind, frame in FRAMES.items()
            for reading, size in READS.items()
        },
        "long_event_slowdown": linear(2**20 if quick else 2**24),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
