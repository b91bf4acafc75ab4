"""`AgentTurnResult` and the errors of agents' helpers: text, types, and what is kept when they travel."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any

import pydantic
import pytest
from msgspec import Struct
from typing_extensions import TypedDict

from agents.speaking import HELLO, decoded, said, turn
from anyopenai import OpenAIError
from anyopenai.agents import (
    AgentFilePreparationError,
    AgentFileStagingError,
    AgentOutputParseError,
    AgentTurnResult,
    AgentTurnResultError,
    PreparedAgentFiles,
)
from anyopenai.agents.turn import TurnRecord
from anyopenai.structured import output_of


def result_of(*events: Any) -> AgentTurnResult[object]:
    record = record_of(*events)
    assert record.turn is not None
    return AgentTurnResult(record.turn, record.messages())


def record_of(*events: Any) -> TurnRecord:
    record = TurnRecord()
    record.collecting = True
    for event in events:
        record.take(decoded(event))
    return record


class City(Struct):
    city: str


@dataclass
class Data:
    city: str


class Typed(TypedDict):
    city: str


class Model(pydantic.BaseModel):
    city: str


class Counts(Struct):
    counts: dict[str, int]


@pytest.mark.parametrize("kind", [City, Data, Typed, Model, output_of(City)])
def test_the_last_message_is_read_as_any_kind_of_type(kind: Any) -> None:
    result = result_of(*turn(said("On it. ", id="m1"), said('{"city":', '"Rome"}', id="m2", index=1)))
    parsed = result.parse(kind)
    assert parsed.output_parsed == (
        Typed(city="Rome") if kind is Typed else (City if not isinstance(kind, type) else kind)(city="Rome")
    )
    assert parsed.output_text == result.output_text == 'On it. {"city":"Rome"}'
    assert result.output_parsed is None


def test_a_schema_gives_a_dict() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert result_of(*turn(said('{"city":"Rome"}'))).parse(schema).output_parsed == {"city": "Rome"}


def test_a_type_that_strict_mode_cannot_ask_for_can_be_read() -> None:
    """Nothing is sent for it."""
    assert result_of(*turn(said('{"counts":{"a":1}}'))).parse(Counts).output_parsed == Counts({"a": 1})


@pytest.mark.parametrize("events", [turn(), turn(said("Rome")), turn(said('{"town":"Rome"}'))])
def test_what_does_not_fit_keeps_the_result(events: Any) -> None:
    result = result_of(*events)
    with pytest.raises(AgentOutputParseError) as caught:
        result.parse(City)
    assert caught.value.result == result


def test_a_result_is_not_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        result_of(*HELLO).turn = None  # type: ignore[misc,assignment]  # what is refused


def test_errors_travel_with_what_they_have() -> None:
    record = record_of(*HELLO)
    result = result_of(*HELLO)
    prepared = PreparedAgentFiles([{"type": "file_id", "file_id": "f", "path": "/workspace/a"}], ["f"])
    for error in (
        record.error("incomplete"),
        AgentOutputParseError(result, "it is not City"),
        AgentFilePreparationError(prepared),
        AgentFileStagingError("f"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, OpenAIError)
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)


@pytest.mark.parametrize("reason", ["failed", "cancelled", "requires_action", "incomplete", "observation_failed"])
def test_an_error_says_which_turn_and_why(reason: Any) -> None:
    error = record_of(*HELLO).error(reason)
    assert isinstance(error, AgentTurnResultError)
    assert f"turn turn_1 of the agent has no result ({reason})" in str(error)
    assert [one.id for one in error.messages] == ["msg_1"]
