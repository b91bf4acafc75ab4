"""Streamed chat completions, read to the end: CPU for each event; large reads, small reads, many streams, paced ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.clients import open_chat
from benchmarks.harness.clock import Meter
from benchmarks.harness.driver import all_of, on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_OURS: Final = ("anyopenai", "anyopenai (uvloop)", "anyopenai (trio)")
_WHO: Final = (*_OURS, "openai", "openai + aiohttp", "aiohttp + msgspec")
_HTTP2: Final = ("anyopenai", "anyopenai (trio)", "openai", "httpcore + msgspec")

_LARGE: Final = "one stream, large reads"
_CHUNKS: Final = "one stream, an event for each chunk"
_HUNDRED: Final = "100 streams, an event for each chunk"
_PACED: Final = "100 streams of 50 events/s"
_PACED_H2: Final = "100 streams of 50 events/s, HTTP/2"


def _cases(scale: Scale) -> Sequence[Case]:
    events = scale.pick(20_000, 4_000, 40)
    streams = scale.pick(100, 100, 3)
    paced = scale.pick(250, 50, 3)

    def case(name: str, who: Sequence[str], route: str, count: int, at_once: int = 1, protocol: str = "h1") -> Case:
        facts = {"route": route.format(count), "count": count, "streams": at_once, "protocol": protocol}
        if route.startswith("large"):
            facts["events"] = count
        return Case(name, who, facts, "canned" if route.startswith("large") else "live")

    every = [
        case(_LARGE, _WHO, "large/{}", events),
        case(_CHUNKS, _WHO, "chunks/{}", events),
        case(_HUNDRED, _WHO, "chunks/{}", max(3, events // 100), streams),
        case(_PACED, _WHO, "paced/{}/20", paced, streams),
        case("one stream, large reads, HTTP/2", _HTTP2, "large/{}", events, 1, "h2c"),
        case("one stream, an event for each DATA frame, HTTP/2", _HTTP2, "chunks/{}", events, 1, "h2c"),
        case(_PACED_H2, _HTTP2, "paced/{}/20", paced, streams, "h2c"),
    ]
    if scale.name == "quick":
        return [one for one in every if one.name in (_LARGE, _CHUNKS, _PACED, _PACED_H2)]
    return [one for one in every if scale.name == "full" or one.name in (_LARGE, _PACED, _PACED_H2)]


SCENARIO = Scenario(
    title="Streams: `create(stream=True)` read to the end, 0.3 KB an event",
    unit="event",
    cases=_cases,
    targets=(
        Target("one stream: at most 1/30 of openai-python", _LARGE, 1 / 30, over=(_LARGE, "openai")),
        Target("one stream: at most 1.3 x raw aiohttp + splitter", _LARGE, 1.3, over=(_LARGE, "aiohttp + msgspec")),
        Target("event by event: at most 1/30 of openai-python", _CHUNKS, 1 / 30, over=(_CHUNKS, "openai")),
        Target("event by event: at most 1.3 x raw aiohttp", _CHUNKS, 1.3, over=(_CHUNKS, "aiohttp + msgspec")),
        Target("paced: at most 1/4 of openai-python", _PACED, 1 / 4, over=(_PACED, "openai")),
        Target("paced: at most 1.3 x raw aiohttp", _PACED, 1.3, over=(_PACED, "aiohttp + msgspec")),
        Target("paced, HTTP/2: at most 1/4 of openai-python", _PACED_H2, 1 / 4, over=(_PACED_H2, "openai")),
    ),
    note="Every contender reads the same streams to their end and decodes every event.",
)


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    streams: int = facts["streams"]
    # What is paced takes its time whoever reads, and a single stream has the same length for all.
    repeat = 1 if streams > 1 else max(1, round(4 * facts["share"]))

    async def main() -> Figures:
        async with open_chat(contender, address, facts["protocol"], facts["route"]) as chat:
            seen = 0

            async def read() -> None:
                nonlocal seen
                for _ in range(repeat):
                    count = await chat.events()
                    seen += count

            # Builds what is built once. A short stream would do, but the canned server has this one only.
            route = facts["route"] if "events" in facts else "chunks/3"
            async with open_chat(contender, address, facts["protocol"], route) as first:
                await first.events()
            with Meter() as meter:
                await all_of(contender.loop, streams, read)
            assert seen == streams * repeat * (facts["count"] + 1), (seen, streams, repeat)
            return meter.figures(seen)

    return on_loop(contender.loop, main)
