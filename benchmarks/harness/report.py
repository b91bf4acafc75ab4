"""Results as Markdown: targets first, then every figure; nothing that measures or judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ("report",)

_HEADS = {
    "cpu_us": "CPU us",
    "wall_us": "wall us",
    "rss_mb": "peak MiB",
    "cpu_ms": "CPU ms",
    "wall_ms": "wall ms",
    "cpu_s": "CPU s",
    "wall_s": "wall s",
    "kb": "KiB each",
    "bytes": "bytes each",
    "grown_mb": "MiB above idle",
    "longest_ms": "longest step ms",
}


def report(results: Sequence[dict[str, Any]]) -> str:
    """Return the whole report for the results of some scenarios."""
    lines = [
        "# What was measured",
        "",
        "Written by `tox -e bench`; how to read it stands in [the README](../README.md). CPU is user and system time of the",
        "client's process; figures are medians over the rounds, ratios are medians of the ratios within each round.",
        "",
        "## Targets",
        "",
    ]
    rows = [(result["scenario"], *_verdict(target)) for result in results for target in result["targets"]]
    lines += _table(("scenario", "target", "limit", "measured", "verdict"), rows)
    for result in results:
        lines += ["", f"## {result['title']}", ""]
        lines += [_origin(result), ""]
        if result["note"]:
            lines += [result["note"], ""]
        lines += _figures(result)
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    """Write a figure with as many digits as it is worth."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _verdict(target: dict[str, Any]) -> tuple[str, ...]:
    measured, limit = target["measured"], target["limit"]
    if measured is None:
        words = "not measured"
    elif target["met"]:
        words = "met"
    else:
        words = f"**missed by {(measured / limit - 1) * 100:.0f} %**"
    if target["over"] is not None and limit < 1:
        return target["text"], f"1/{1 / limit:.3g}", f"1/{1 / measured:.3g}" if measured else "-", words
    return target["text"], _number(limit), _number(measured), words


def _origin(result: dict[str, Any]) -> str:
    machine = result["machine"]
    versions = machine["versions"]
    servers = ", ".join(result["servers"])
    words = f"{result['rounds']} rounds, {machine['date']}, {machine['python']}, {machine['cores']} cores"
    words += f" ({machine['processor']}), load {machine['load']}" if machine.get("load") is not None else ""
    if servers:
        words += f"; server {servers}"
    peers = ("openai", "aiohttp", "httpcore", "msgspec")
    words += "; " + ", ".join(f"{name} {versions[name]}" for name in peers if name in versions)
    return words + "."


def _figures(result: dict[str, Any]) -> list[str]:
    names: list[str] = []
    for case in result["cases"]:
        for row in case["contenders"].values():
            names += [name for name in row["median"] if name not in names]
    rows: list[tuple[str, ...]] = []
    for case in result["cases"]:
        for contender, row in case["contenders"].items():
            median = row["median"]
            ratio = row.get("times_ours")
            cells = (_number(median.get(name)) for name in names)
            rows.append((case["name"], contender, *cells, "" if ratio is None else f"{ratio:.3g}"))
        rows += [(case["name"], who, *("-" for _ in names), why) for who, why in case["skipped"].items()]
    heads = (_HEADS.get(name, name.replace("_", " ")) for name in names)
    return _table((f"per {result['unit']}", "client", *heads, "times ours"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return lines
