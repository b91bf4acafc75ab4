"""Results as one picture: what every contender costs, beside ours; needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .scenario import OURS

__all__ = ("draw",)

_INCHES_EACH = 0.24


def draw(results: Sequence[dict[str, Any]], path: Path) -> bool:
    """Draw the peers' ratios as bars, on a logarithmic scale; False where matplotlib or a peer is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [(result, bars) for result in results if (bars := _bars(result))]
    if not panels:
        return False
    heights = [len(bars) for _, bars in panels]
    figure, axes = pyplot.subplots(
        len(panels),
        1,
        figsize=(10, sum(heights) * _INCHES_EACH + len(panels) * 0.9),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    shades = pyplot.get_cmap("tab10")
    clients = sorted({contender for _, bars in panels for _, contender, _ in bars})
    for (result, bars), (axis,) in zip(panels, axes, strict=True):
        places = range(len(bars), 0, -1)
        axis.barh(
            list(places),
            [value for *_, value in bars],
            color=[shades(clients.index(contender) % 10) for _, contender, _ in bars],
            log=True,
        )
        axis.set_yticks(list(places), [f"{case}: {contender}" for case, contender, _ in bars], fontsize=7)
        axis.axvline(1, color="black", linewidth=0.8)
        for place, (*_, value) in zip(places, bars, strict=True):
            axis.annotate(f" {value:.3g}", (max(value, 1), place), va="center", fontsize=7)
        axis.set_title(f"{result['title']}: times anyopenai", fontsize=9, loc="left")
        axis.tick_params(axis="x", labelsize=7)
        axis.margins(x=0.12, y=0.01)
    # Without this, the version of the drawing library would make every picture a new file.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    return True


def _bars(result: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Return the peers' ratios in the cases that something was promised for."""
    promised = {target["case"] for target in result["targets"]}
    return [
        (case["name"], contender, row["times_ours"])
        for case in result["cases"]
        for contender, row in case["contenders"].items()
        if case["name"] in promised and row.get("times_ours") and not contender.startswith(OURS)
    ]
