"""The decoder of event streams alone: bytes to events, however the bytes are cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks.harness.clock import Meter
from benchmarks.harness.documents import DELTA, FRAME
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_FRAMES: Final = {
    "chat": FRAME,
    "chat, CRLF": FRAME.replace(b"\n", b"\r\n"),
    "Responses": b"event: response.output_text.delta\ndata: " + DELTA + b"\n\n",
}
_READS: Final = {"64 KiB reads": 65536, "4 KiB reads": 4096, "one event per read": 0, "64-byte reads": 64}
_TENTH: Final = "one long event, a tenth, per MiB"
_LONG: Final = "one long event, per MiB"


def _cases(scale: Scale) -> Sequence[Case]:
    events = scale.pick(20_000, 5_000, 20)
    cuts = [
        Case(f"{kind}, {reading}", ("anyopenai", "openai"), {"kind": kind, "step": step, "events": events})
        for kind in _FRAMES
        for reading, step in _READS.items()
        if scale.name == "full" or (kind == "chat" and step in (65536, 0)[: scale.pick(2, 2, 1)])
    ]
    size = scale.pick(2**24, 2**22, 2**16)
    return [
        *cuts,
        Case(_TENTH, ("anyopenai",), {"bytes": size // 10}),
        Case(_LONG, ("anyopenai",), {"bytes": size}),
    ]


SCENARIO = Scenario(
    title="The decoder of event streams alone",
    unit="event",
    cases=_cases,
    targets=(Target("one long event in 64-byte reads: linear in its bytes", _LONG, 1.5, over=(_TENTH, "anyopenai")),),
)

Count = Callable[[list[bytes]], int]


def _ours(reads: list[bytes]) -> int:
    from anyopenai._sansio.sse import SSEDecoder

    decoder = SSEDecoder()
    return sum(len(decoder.feed(data)) for data in reads)


def _theirs(reads: list[bytes]) -> int:
    from openai._streaming import SSEDecoder  # pyright: ignore

    return sum(1 for _ in SSEDecoder().iter_bytes(iter(reads)))


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    count: Count = _theirs if contender.name == "openai" else _ours
    if "bytes" in facts:
        wire, step, expected = b"data: " + b"x" * facts["bytes"] + b"\n\n", 64, 1
        units = facts["bytes"] / 2**20
    else:
        frame = _FRAMES[facts["kind"]]
        expected = max(1, round(facts["events"] * facts["share"]))
        wire, step, units = frame * expected, facts["step"] or len(frame), float(expected)
    reads = [wire[start : start + step] for start in range(0, len(wire), step)]
    count(reads[:1])
    with Meter() as meter:
        seen = count(reads)
    assert seen == expected, (seen, expected)
    return meter.figures(units)
