"""A document that arrives in pieces, and what is known of it after each of them; no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks.harness.clock import Meter, peak_mb
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_FEW: Final = "1 MB in 1,000 pieces"
_MANY: Final = "1 MB in 10,000 pieces"
_STRING: Final = "one string of 1 MB in 1,000 pieces"
_QUARTER: Final = "256 KB in 1,000 pieces"
_MEBIBYTE: Final = 2**20


def _cases(scale: Scale) -> Sequence[Case]:
    times = scale.pick(5, 1, 1)
    whole = scale.pick(_MEBIBYTE, _MEBIBYTE, 2**14)
    both, ours = ("anyopenai", "openai"), ("anyopenai",)

    def case(name: str, who: Sequence[str], size: int, pieces: int) -> Case:
        return Case(name, who, {"name": name, "times": times, "size": size, "pieces": min(pieces, size // 16)})

    return [
        case(_FEW, both, whole, 1_000),
        case(_QUARTER, both, whole // 4, 1_000),
        case(_STRING, both, whole, 1_000),
        # The peer reads the whole again for each piece: minutes.
        case(_MANY, ours, whole, 10_000),
    ]


SCENARIO = Scenario(
    title="Incomplete JSON: the value so far after every piece",
    unit="KiB of the document",
    cases=_cases,
    targets=(
        Target("linear: a KiB of 1 MB costs at most 1.5 times one of 256 KB", _FEW, 1.5, over=(_QUARTER, "anyopenai")),
        Target("1,000 pieces: at most 1/4 of openai-python's parser", _FEW, 1 / 4, over=(_FEW, "openai")),
    ),
    note="openai-python reads everything that has arrived again with jiter, after every piece, and leaves open strings "
    "out; both ways are measured as they are used in streams.",
)


def _document(name: str, size: int) -> str:
    if name == _STRING:
        return json.dumps({"text": "It was a bright cold day in April. " * (size // 35)})
    text = "It was a bright cold day in April, and the clocks were striking thirteen."
    item = {"id": 12345, "name": "an item", "tags": ["first", "second"], "score": 0.12345, "done": True, "text": text}
    return json.dumps({"items": [item] * (size // len(json.dumps(item)))})


def _pieces(document: str, count: int) -> list[str]:
    step = -(-len(document) // count)
    return [document[start : start + step] for start in range(0, len(document), step)]


def _ours(pieces: Sequence[str]) -> Iterator[object]:
    from anyopenai._sansio.partial_json import PartialJSON

    parser = PartialJSON()
    for piece in pieces:
        parser.feed(piece)
        yield parser.value


def _theirs(pieces: Sequence[str]) -> Iterator[object]:
    """What its chat stream does for each chunk: join, then parse all there is."""
    from jiter import from_json  # pyright: ignore

    content = ""
    for piece in pieces:
        content += piece
        yield from_json(content.encode(), partial_mode=True)


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    document = _document(facts["name"], facts["size"])
    pieces = _pieces(document, facts["pieces"])
    read: Callable[[Sequence[str]], Iterator[object]] = _theirs if contender.name == "openai" else _ours
    times = max(1, round(facts["times"] * facts["share"]))
    last: object = None
    with Meter() as meter:
        for _ in range(times):
            for value in read(pieces):
                last = value
    assert last == json.loads(document)
    return {**meter.figures(max(1, times * len(document) // 1024)), "rss_mb": peak_mb()}
