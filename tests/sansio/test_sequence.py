"""Numbered events over several connections: each once, in order, or a gap; whatever comes does no harm."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anyopenai._sansio.sequence import EventSequence, number_of
from anyopenai._sansio.sse import ServerSentEvent


def event(number: object = None, **members: Any) -> ServerSentEvent:
    numbered = {} if number is None else {"sequence_number": number}
    return ServerSentEvent(json.dumps({"type": "response.output_text.delta", **members, **numbered}).encode())


def numbers(events: list[ServerSentEvent]) -> list[int | None]:
    return [number_of(event) for event in events]


EVENTS = [event(number) for number in range(20)]


@given(
    connections=st.lists(st.tuples(st.integers(0, 20), st.lists(st.integers(0, 20), max_size=5)), max_size=8),
    overlap=st.integers(0, 20),
)
def test_every_event_passes_once_however_much_is_sent_again(
    connections: list[tuple[int, list[int]]], overlap: int
) -> None:
    """Each connection begins at or before what is due, ends anywhere, and brings its events in any reads."""
    sequence = EventSequence()
    passed: list[ServerSentEvent] = []
    for count, cuts in [*connections, (20, [])]:
        due = 0 if sequence.last is None else sequence.last + 1
        sent = EVENTS[max(0, due - overlap) : due + count]
        places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        for start, end in pairwise(places):
            passed += sequence.take(sent[start:end])
        sequence.resume()
    assert passed == EVENTS
    assert (sequence.gap, sequence.orderly, sequence.last) == (None, True, 19)


@given(last=st.integers(0, 9), first=st.integers(0, 19))
def test_events_that_are_missing_are_a_gap_and_nothing_behind_it_passes(last: int, first: int) -> None:
    sequence = EventSequence()
    sequence.take(EVENTS[: last + 1])
    sequence.resume()
    passed = sequence.take(EVENTS[first:])
    if first > last + 1:
        assert (passed, sequence.gap) == ([], (last + 1, first))
    else:
        assert (passed, sequence.gap) == (EVENTS[last + 1 :], None)


def test_a_continuation_begins_behind_what_the_caller_has() -> None:
    sequence = EventSequence("resp", 4)
    assert numbers(sequence.take(EVENTS)) == list(range(5, 20))
    loose = EventSequence("resp", 4, strict=False)
    assert loose.take(EVENTS) == EVENTS
    missing = EventSequence("resp", 4)
    assert missing.take(EVENTS[6:]) == []
    assert missing.gap == (5, 6)


def test_the_first_connections_own_way_of_counting_passes() -> None:
    sequence = EventSequence()
    odd = [event(0), event(0), event(5), event(2), event()]
    assert sequence.take(odd) == odd
    assert (sequence.orderly, sequence.gap) == (False, None)


def test_errors_and_events_without_a_number_always_pass() -> None:
    sequence = EventSequence()
    sequence.take(EVENTS[:5])
    sequence.resume()
    told = [event(0, type="error"), event(), ServerSentEvent(b"[DONE]"), ServerSentEvent(b'{"error": "x"}')]
    assert sequence.take(told) == told
    assert sequence.last == 4


def test_the_response_is_known_by_the_first_id_that_can_be_asked_for() -> None:
    sequence = EventSequence()
    for number, found in enumerate(("", ".", "..", None, "resp_1", "resp_2")):
        sequence.take([event(number, response={"id": found, "status": "in_progress"})])
    assert sequence.response_id == "resp_1"


def test_a_number_deep_in_an_event_is_not_its_own() -> None:
    deep = event(None, response={"id": "r", "tools": [{"default": {"sequence_number": 7}}]})
    assert number_of(deep) is None
    assert number_of(event(3, delta={"of": "another type"}, output_index=None)) == 3
    assert number_of(event("3")) is None
    assert number_of(event(True)) is None


@given(data=st.one_of(st.binary(min_size=1), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["type", "sequence_number", "response", "id", "delta", "output_index"]), inner
    ),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_garbage_passes_and_raises_nothing(data: bytes) -> None:
    sequence = EventSequence()
    sequence.resume()
    assert sequence.take([ServerSentEvent(data)]) == [ServerSentEvent(data)]
