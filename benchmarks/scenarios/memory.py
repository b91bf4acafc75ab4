"""What an open stream keeps in memory: many streams that have given one event, and wait."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.clients import open_chat
from benchmarks.harness.clock import Meter, resident_mb
from benchmarks.harness.driver import all_of, on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_OURS: Final = ("anyopenai", "anyopenai (uvloop)", "anyopenai (trio)")
_H1: Final = "HTTP/1.1, a connection each"
_H2: Final = "HTTP/2"


def _cases(scale: Scale) -> Sequence[Case]:
    # httpcore has one connection for all, with 100 streams at most.
    http2 = {"streams": scale.pick(80, 80, 4), "protocol": "h2c"}
    return [
        Case(
            _H1,
            (*_OURS, "openai", "openai + aiohttp", "aiohttp + msgspec"),
            {"streams": scale.pick(500, 300, 4), "protocol": "h1"},
            "live",
        ),
        Case(_H2, ("anyopenai", "anyopenai (trio)", "openai"), http2, "live"),
    ]


SCENARIO = Scenario(
    title="Memory of an open stream",
    unit="stream",
    figure="kb",
    cases=_cases,
    targets=(
        Target("at most 1/4 of openai-python", _H1, 1 / 4, figure="kb", over=(_H1, "openai")),
        Target("HTTP/2: at most 1/4 of openai-python", _H2, 1 / 4, figure="kb", over=(_H2, "openai")),
    ),
    note="Growth of the process's resident memory, divided by the number of streams; ten were open before.",
)


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    streams: int = facts["streams"]

    async def main() -> Figures:
        # Whatever is held stays open until the process ends: leaving is not what is measured.
        kept: list[object] = []
        async with open_chat(contender, address, facts["protocol"], "held") as chat:

            async def hold() -> None:
                kept.append(await chat.hold())

            await all_of(contender.loop, 10, hold)
            gc.collect()
            before = resident_mb()
            with Meter() as meter:
                await all_of(contender.loop, streams, hold)
            gc.collect()
            grown = resident_mb() - before
            assert len(kept) == streams + 10
            return {"kb": grown * 1024 / streams, **meter.figures(streams)}

    return on_loop(contender.loop, main)
