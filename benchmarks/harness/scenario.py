"""What a scenario is made of: scales, cases, contenders and targets, as plain data; nothing that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

__all__ = ("CONTENDERS", "OURS", "Case", "Contender", "Figures", "Scale", "Scenario", "Target", "Unsupported", "load")

Figures = dict[str, float]
"""What one process measured: CPU, wall and memory by name."""

OURS: Final = "anyopenai"


class Unsupported(Exception):  # noqa: N818  # no error: the table says why there is no figure
    """The contender cannot do what the case asks for; the text says why."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        name: `full`, `quick` or `smoke`.
        rounds: Processes of each contender for each case.
    """

    name: str
    rounds: int

    def pick(self, full: int, quick: int, smoke: int) -> int:
        """Return the number for this scale."""
        return {"full": full, "quick": quick, "smoke": smoke}[self.name]


@dataclass(frozen=True, slots=True)
class Contender:
    """A client under test.

    Attributes:
        name: As it stands in the tables.
        modules: What must be installed.
        loop: The event loop it runs on.
        share: The part of the units that it is given, so that a slow one does not take most of the time.
    """

    name: str
    modules: tuple[str, ...] = ()
    loop: str = "asyncio"
    share: float = 1.0

    def missing(self) -> str | None:
        """Say which module is not installed here; None if all are."""
        absent = [name for name in self.modules if find_spec(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else None


CONTENDERS: Final[Mapping[str, Contender]] = {
    one.name: one
    for one in (
        Contender(OURS),
        Contender("anyopenai (uvloop)", ("uvloop",), "uvloop"),
        Contender("anyopenai (trio)", ("trio",), "trio"),
        Contender("openai", ("openai", "httpx2"), share=0.2),
        Contender("openai + aiohttp", ("openai", "aiohttp"), share=0.25),
        Contender("aiohttp + msgspec", ("aiohttp",)),
        Contender("httpcore + msgspec", ("httpcore",), share=0.5),
        Contender("openai + starlette", ("openai", "httpx2", "starlette"), share=0.2),
        Contender("httpx2 + starlette", ("httpx2", "starlette"), share=0.5),
        Contender("aiohttp + starlette", ("aiohttp", "starlette")),
        Contender("msgspec"),
    )
}


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a scenario's table.

    Attributes:
        name: As it stands in the table.
        contenders: Who takes part, by name.
        facts: What `run` is told; must survive JSON.
        server: Which server it needs: `canned`, `live`, `live, TLS`, or None.
    """

    name: str
    contenders: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What the project has promised; judged by the median over the rounds.

    Attributes:
        text: As it was promised.
        case: The case that our figure comes from.
        limit: The most that the figure, or its ratio, may be.
        figure: Which figure.
        over: Whose figure ours is divided by: a case and a contender; None for the figure as it is.
        ours: Which of our own contenders.
    """

    text: str
    case: str
    limit: float
    figure: str = "cpu_us"
    over: tuple[str, str] | None = None
    ours: str = OURS


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is measured.

    Attributes:
        title: What, in one line.
        unit: What `cpu_us` is the cost of.
        cases: The cases at a scale.
        targets: What was promised.
        figure: The figure that ratios are made of.
        note: What a reader must know to read the table right.
    """

    title: str
    unit: str
    cases: Callable[[Scale], Sequence[Case]]
    targets: Sequence[Target] = ()
    figure: str = "cpu_us"
    note: str = ""

    @staticmethod
    def names() -> list[str]:
        """Return every scenario's name."""
        found = (Path(__file__).parents[1] / "scenarios").glob("*.py")
        return sorted(path.stem for path in found if not path.stem.startswith("_"))


def load(name: str) -> Scenario:
    """Return the scenario that a module in `scenarios/` holds."""
    scenario: Scenario = import_module(f"benchmarks.scenarios.{name}").SCENARIO
    return scenario
