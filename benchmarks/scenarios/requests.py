"""Chat completions, so many in flight: HTTP/1.1 and HTTP/2, in the clear and encrypted, on every event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.clients import open_chat
from benchmarks.harness.clock import Meter
from benchmarks.harness.driver import all_of, on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_OURS: Final = ("anyopenai", "anyopenai (uvloop)", "anyopenai (trio)")
_PEERS: Final = ("openai", "openai + aiohttp", "aiohttp + msgspec")
_EVERYBODY: Final = (*_OURS, *_PEERS)
# Its pool scans all connections for every request: minutes at 256.
_SMALL: Final = (*_EVERYBODY, "httpcore + msgspec")
_HTTP2: Final = (*_OURS, "openai", "httpcore + msgspec")

_H1, _H256, _H32, _H1000 = (f"HTTP/1.1, {count} in flight" for count in (1, 256, 32, 1000))
_QUEUED: Final = "HTTP/1.1, 50,000 queued"
_TLS: Final = "HTTP/1.1 over TLS, 256 in flight"
_H2: Final = "HTTP/2 over TLS, 256 in flight"
_H2C: Final = "HTTP/2, 256 in flight"


def _cases(scale: Scale) -> Sequence[Case]:
    many = scale.pick(8_000, 2_500, 16)

    def case(name: str, who: Sequence[str], in_flight: int, protocol: str = "h1", requests: int = many) -> Case:
        in_flight = scale.pick(in_flight, in_flight, min(in_flight, 4))
        return Case(name, who, {"in_flight": in_flight, "requests": requests, "protocol": protocol}, "canned")

    queued = scale.pick(50_000, 5_000, 8)
    facts = {"in_flight": queued, "requests": queued, "protocol": "h1", "queued": True}
    every = [
        case(_H1, _SMALL, 1, requests=many // 4),
        case(_H32, _SMALL, 32),
        case(_H256, _EVERYBODY, 256),
        case(_H1000, _EVERYBODY, 1000),
        Case(_QUEUED, ("anyopenai", "anyopenai (trio)", "aiohttp + msgspec"), facts, "canned"),
        case(_TLS, _EVERYBODY, 256, "tls"),
        case("HTTP/2 over TLS, 1 in flight", _HTTP2, 1, "h2", many // 4),
        case("HTTP/2 over TLS, 32 in flight", _HTTP2, 32, "h2"),
        case(_H2, _HTTP2, 256, "h2"),
        case("HTTP/2 over TLS, 1000 in flight", _HTTP2, 1000, "h2"),
        case(_H2C, _HTTP2, 256, "h2c"),
    ]
    if scale.name == "quick":
        # One round of everything within the three minutes that a quick look may take.
        kept = (_H1, _H256, _H1000, _QUEUED, _TLS, _H2)
        return [one for one in every if one.name in kept]
    return [one for one in every if scale.name == "full" or one.name in (_H32, _TLS, _H2)]


SCENARIO = Scenario(
    title="Requests: `client.chat.completions.create`, 0.5 KB up, 1.1 KB down",
    unit="request",
    cases=_cases,
    targets=(
        Target("HTTP/1.1 at 256: at most 1/15 of openai-python", _H256, 1 / 15, over=(_H256, "openai")),
        Target("HTTP/1.1 at 256: no more than raw aiohttp + msgspec", _H256, 1, over=(_H256, "aiohttp + msgspec")),
        Target("1 in flight at most 2 x of 32", _H1, 2, over=(_H32, "anyopenai")),
        Target("1000 in flight at most 1.2 x of 256", _H1000, 1.2, over=(_H256, "anyopenai")),
        Target("50,000 queued at most 1.2 x of 1000", _QUEUED, 1.2, over=(_H1000, "anyopenai")),
        Target("HTTP/2 at 256: at most 1/5 of openai-python's HTTP/2", _H2, 1 / 5, over=(_H2, "openai")),
        Target("HTTP/2 at 256: at most 1/5 of openai-python's HTTP/1.1", _H2, 1 / 5, over=(_TLS, "openai")),
    ),
    note="`50,000 queued` starts that many tasks at once, one request each, over at most 1000 connections; all other "
    "cases have as many tasks as are in flight, which ask again and again after a warm-up that opens the connections.",
)


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    in_flight: int = facts["in_flight"]
    each = max(1, round(facts["requests"] * facts["share"] / in_flight))
    warm_up, tasks = (min(in_flight, 1000), in_flight) if facts.get("queued") else (in_flight, in_flight)

    async def main() -> Figures:
        async with open_chat(contender, address, facts["protocol"], "json") as chat:

            async def ask_twice() -> None:
                await chat.create()
                await chat.create()

            async def ask() -> None:
                for _ in range(each):
                    await chat.create()

            await all_of(contender.loop, warm_up, ask_twice)
            with Meter() as meter:
                await all_of(contender.loop, tasks, ask)
            return meter.figures(each * tasks)

    return on_loop(contender.loop, main)
