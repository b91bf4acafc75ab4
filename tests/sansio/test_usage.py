"""What calls cost, read from every endpoint's shape and summed by tag."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import Usage, UsageLedger
from anyopenai._sansio.usage import counts_usage, usage_from, usage_in, usage_of
from anyopenai.types import CompletionUsage
from anyopenai.types.responses import ResponseUsage

CHAT: dict[str, Any] = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
RESPONSE: dict[str, Any] = {
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens_details": {"reasoning_tokens": 3},
}
SAME = Usage(calls=1, input_tokens=10, cached_tokens=4, output_tokens=5, reasoning_tokens=3, total_tokens=15)


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (CHAT, SAME),
        (RESPONSE, SAME),
        (CompletionUsage.model_validate(CHAT), SAME),
        (ResponseUsage.model_validate(RESPONSE), SAME),
        ({"prompt_tokens": 7, "total_tokens": 7}, Usage(calls=1, input_tokens=7, total_tokens=7)),
        ({"input_tokens": 2, "output_tokens": 3}, Usage(calls=1, input_tokens=2, output_tokens=3, total_tokens=5)),
        ({"type": "duration", "seconds": 12.5}, Usage(calls=1, seconds=12.5)),
        ({}, Usage(calls=1)),
        (None, Usage(calls=1, unreported=1)),
    ],
    ids=str,
)
def test_usage_of_every_shape_reads_the_same(reported: object, usage: Usage) -> None:
    assert usage_from(reported) == usage


def test_several_objects_of_one_call_are_one_call() -> None:
    assert usage_from({"total_tokens": 1}, None, {"total_tokens": 2}) == Usage(calls=1, total_tokens=3)
    assert usage_from() == Usage(calls=1, unreported=1)


def test_an_answers_usage_is_found_in_the_object_and_in_its_bytes() -> None:
    assert usage_of({"usage": CHAT}) == SAME
    assert usage_of({"usage": None}) is None
    assert usage_of("text") is None
    assert usage_in(json.dumps({"id": "x", "data": [{"usage": 1}], "usage": RESPONSE}).encode()) == SAME
    assert usage_in(b'{"id": "x"}') is None
    assert usage_in(b"RIFF\xff") is None
    assert usage_in(b"[]") is None


@pytest.mark.parametrize(
    ("verb", "name", "counts"),
    [
        ("POST", "chat.completions.create", True),
        ("POST", "responses.compact", True),
        ("POST", "images.edit", True),
        ("GET", "responses.retrieve", False),
        ("POST", "responses.cancel", False),
        ("POST", "chat.completions.update", False),
        ("POST", "batches.create", False),
    ],
)
def test_only_what_is_made_anew_is_counted(verb: str, name: str, counts: bool) -> None:
    assert counts_usage(verb, name) is counts


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["usage", "input_tokens", "prompt_tokens", "total_tokens", "input_tokens_details", "seconds"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(reported=st.lists(values, max_size=3))
def test_no_shape_raises_and_no_number_is_below_zero(reported: list[object]) -> None:
    usage = usage_from(*reported)
    assert usage.calls == 1
    assert min(usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.total_tokens, usage.seconds) >= 0


@given(costs=st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 10**9)), max_size=20))
def test_a_ledger_adds_up_by_tag(costs: list[tuple[str | None, int]]) -> None:
    ledger, other = UsageLedger(), UsageLedger()
    for position, (tag, tokens) in enumerate(costs):
        into = ledger if position % 2 else other
        usage = Usage(calls=1, total_tokens=tokens)
        (into if tag is None else into.tag(tag))(usage)
    ledger.add(other)
    assert ledger.total == Usage(calls=len(costs), total_tokens=sum(tokens for _, tokens in costs))
    for tag in (None, "a", "b"):
        assert ledger[tag].total_tokens == sum(tokens for name, tokens in costs if name == tag)
    assert set(ledger) == {tag for tag, _ in costs}
    assert len(ledger) == len(set(ledger))


def test_a_ledger_takes_costs_by_hand() -> None:
    ledger = UsageLedger()
    ledger.add(CHAT, "x")
    ledger.add({"usage": RESPONSE}, "x")
    ledger.add(SAME)
    untagged = UsageLedger()
    untagged(SAME)
    ledger.add(untagged, "x")
    assert (ledger["x"].total_tokens, ledger["x"].calls) == (45, 3)
    assert ledger["never"] == Usage()
    assert "total_tokens=15" in repr(ledger)
