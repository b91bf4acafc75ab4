"""The methods that openai-python's users know, on Structs and on objects of unknown kinds."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from anyopenai._codec import BaseModel, DecodeFailure, UnknownObject, decoder_for
from anyopenai._codec.literal import Literal
from codec.models import Chunk, Completion, CustomCall, Delta, Item, Message, Reference, TextPart, Tree, Usage

MESSAGE: dict[str, Any] = {
    "content": "hé",
    "refusal": None,
    "role": "assistant",
    "tool_calls": [{"type": "custom", "id": "t", "input": "i"}],
}


def message(**members: object) -> Any:
    return decoder_for(Message, keep_unknown=True).decode(json.dumps({**MESSAGE, **members}).encode())


class TestDumping:
    def test_to_dict_leaves_out_what_was_not_set(self) -> None:
        assert message().to_dict() == MESSAGE
        assert Delta().to_dict() == {}

    def test_model_dump_includes_none(self) -> None:
        dumped = message().model_dump()
        assert dumped == {**MESSAGE, "tool_calls": [{**MESSAGE["tool_calls"][0], "parameters": None}]}
        assert Delta().model_dump() == {"content": None, "role": None, "tool_calls": None}

    def test_none_can_be_left_out_everywhere(self) -> None:
        expected = {key: value for key, value in MESSAGE.items() if value is not None}
        assert message().to_dict(exclude_none=True) == message().model_dump(exclude_none=True) == expected

    def test_unset_members_can_be_shown_or_hidden_in_both(self) -> None:
        assert message().to_dict(exclude_unset=False) == message().model_dump()
        assert message().model_dump(exclude_unset=True) == message().model_dump(exclude_defaults=True) == MESSAGE

    def test_wire_names_or_attribute_names_are_used_as_told(self) -> None:
        item = Item(id="i", input="x", from_="f")
        assert (
            item.to_dict()
            == item.model_dump(by_alias=True, exclude_none=True)
            == {"id": "i", "input": "x", "from": "f"}
        )
        assert item.to_dict(use_api_names=False) == {"id": "i", "input": "x", "from_": "f"}
        assert item.model_dump(exclude_none=True) == {"id": "i", "input": "x", "from_": "f"}

    def test_some_members_can_be_chosen(self) -> None:
        assert message().model_dump(include={"content", "role"}) == {"content": "hé", "role": "assistant"}
        assert "tool_calls" not in message().model_dump(exclude={"tool_calls"})
        assert json.loads(message().model_dump_json(include={"role"})) == {"role": "assistant"}
        assert CustomCall(id="a", input="b").model_dump(include={"type"}) == {"type": "custom"}

    def test_json_is_indented_by_two_unless_told_otherwise(self) -> None:
        assert Reference(id="r").to_json() == '{\n  "id": "r"\n}'
        assert message().to_json(indent=None) == json.dumps(MESSAGE, ensure_ascii=False, separators=(",", ":"))
        assert Delta().model_dump_json() == '{"content":null,"role":null,"tool_calls":null}'
        assert Delta().model_dump_json(indent=1, exclude_unset=True) == "{}"

    def test_undeclared_members_are_shown(self) -> None:
        answer = message(more={"x": [1, None]}, to_json="mine")
        assert answer.to_dict() == {**MESSAGE, "more": {"x": [1, None]}, "to_json": "mine"}
        assert answer.model_dump()["more"] == {"x": [1, None]}

    def test_dumped_values_are_the_callers_own(self) -> None:
        tree = Tree(value={"a": [1]})
        dumped: Any = tree.to_dict()
        dumped["value"]["a"].append(2)
        assert tree.value == {"a": [1]}

    def test_json_mode_gives_only_what_json_has(self) -> None:
        tree = Tree(value=[{1, 2}, (3,), UnknownObject(a=UnknownObject(b=1))])
        assert tree.to_dict(mode="json") == {"value": [[1, 2], [3], {"a": {"b": 1}}]}
        with pytest.raises(TypeError, match="object has no form in JSON"):
            Tree(value=object()).to_json()

    def test_text_that_a_server_cut_in_half_can_still_be_written(self) -> None:
        delta = decoder_for(Delta).decode(b'{"content":"\\ud83d"}')
        assert delta.to_json(indent=None) == '{"content":"\\ud83d"}'
        assert Delta.model_validate_json(delta.to_json()) == delta
        assert Delta.model_validate_json('{"content":"\ud83d"}') == delta


class TestRequestId:
    def test_it_is_an_attribute_and_nothing_more(self) -> None:
        one, other = Delta(content="x"), Delta(content="x")
        assert one._request_id is None
        one._request_id = "req_1"
        assert one._request_id == "req_1"
        assert one == other
        assert one.to_dict() == other.to_dict()
        assert repr(one) == repr(other)
        assert one.model_extra == {}

    def test_it_travels_with_copies_and_pickles(self) -> None:
        answer = Delta(content="x")
        answer._request_id = "req_1"
        for again in (
            copy.copy(answer),
            copy.deepcopy(answer),
            pickle.loads(pickle.dumps(answer)),
            answer.model_copy(),
        ):
            assert again._request_id == "req_1"


class TestValue:
    def test_objects_are_equal_when_their_class_and_members_are(self) -> None:
        assert Delta(content="x") == Delta(content="x") != Delta(content="y")
        assert Delta() != Usage(prompt_tokens=1, total_tokens=1)
        assert Delta() != {}

    def test_undeclared_members_count(self) -> None:
        assert message(more=1) == message(more=1) != message(more=2)
        assert message(more=1) != message()

    def test_members_can_be_changed(self) -> None:
        delta = Delta()
        delta.content = "x"
        assert delta == Delta(content="x")

    def test_copies_are_apart_at_the_depth_asked_for(self) -> None:
        answer = message(more={"x": 1}, to_dict={"y": 1})
        shallow, deep = answer.model_copy(update={"content": "new"}), answer.model_copy(deep=True)
        assert shallow.content == "new"
        assert answer.content == "hé"
        assert shallow.tool_calls is answer.tool_calls
        assert deep == answer
        assert deep.tool_calls is not answer.tool_calls
        shallow.later = 1
        assert "later" not in answer.model_extra

    def test_pickles_are_equal(self) -> None:
        for answer in (
            message(more={"x": 1}, to_dict=3),
            decoder_for(Completion).decode(b'{"choices":[{"index":"x"}]}'),
        ):
            again = pickle.loads(pickle.dumps(answer))
            assert again == answer
            assert again.to_dict() == answer.to_dict()

    def test_repr_shows_what_is_set(self) -> None:
        assert repr(Delta(content="x")) == "Delta(content='x')"
        assert repr(Delta()) == "Delta()"
        assert repr(message(more=1)).endswith(", more=1)")
        assert repr(decoder_for(Delta, keep_unknown=True).decode(b'{"a":1}')) == "Delta(a=1)"

    def test_an_object_that_contains_itself_can_be_shown(self) -> None:
        tree = Tree(value=1)
        tree.children = [tree]
        assert "..." in repr(tree)

    def test_an_attribute_that_is_not_there_says_how_to_keep_undeclared_members(self) -> None:
        with pytest.raises(
            AttributeError, match=r"'Delta' object has no attribute 'reasoning'.*keep_unknown_fields=True"
        ):
            Delta().reasoning  # type: ignore[attr-defined]  # noqa: B018
        assert not hasattr(Delta(), "reasoning")


class TestValidate:
    def test_plain_members_become_an_object(self) -> None:
        built = Message.model_validate({**MESSAGE, "more": 1})
        assert built == message(more=1)
        assert Message.model_validate(built) is built
        assert Message.model_validate_json(json.dumps(MESSAGE)) == message()
        assert Message.model_validate_json(message().to_json()) == message()
        assert Chunk.model_validate({}).choices is None

    def test_what_is_no_object_of_the_kind_is_refused(self) -> None:
        for wrong in ("x", [1], None, {"type": "image"}):
            with pytest.raises(DecodeFailure, match="expected the members of TextPart"):
                TextPart.model_validate(wrong)
        with pytest.raises(DecodeFailure):
            Message.model_validate_json("[")


class TestUnknownObject:
    def test_members_are_attributes_all_the_way_down(self) -> None:
        item = UnknownObject(type="new", parts=[{"text": "t", "more": {"x": 1}}, 2], size={"w": 1})
        assert item.type == "new"
        assert item.parts[0].more.x == 1  # type: ignore[index]
        assert item.size is item.size
        assert item["size"] == {"w": 1}

    def test_members_can_be_set_and_deleted(self) -> None:
        item = UnknownObject(a=1)
        item.b = {"c": 2}
        assert item == {"a": 1, "b": {"c": 2}}
        del item.a
        assert item == {"b": {"c": 2}}
        with pytest.raises(AttributeError, match="no member 'zzz'"):
            del item.zzz

    def test_a_member_that_is_not_there_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match=r"no member 'x'; it has \['a'\]"):
            UnknownObject(a=1).x  # noqa: B018
        assert getattr(UnknownObject(), "x", 5) == 5

    def test_it_dumps_copies_and_pickles(self) -> None:
        item = UnknownObject(a={"b": None}, c=[{"d": 1}])
        assert item.to_dict() == item.model_dump() == {"a": {"b": None}, "c": [{"d": 1}]}
        assert type(item.to_dict()) is dict
        assert json.loads(item.to_json()) == json.loads(item.model_dump_json()) == item
        assert item.model_dump_json() == '{"a":{"b":null},"c":[{"d":1}]}'
        for again in (copy.copy(item), copy.deepcopy(item), pickle.loads(pickle.dumps(item))):
            assert type(again) is UnknownObject
            assert again == item
        assert repr(UnknownObject(a=1)) == "UnknownObject({'a': 1})"


def test_literals_are_their_plain_types_at_run_time() -> None:
    assert Literal["a", "b"] is str
    assert Literal[1] is int
    assert Literal["a", 1] == str | int
    assert Literal[True, None] == bool | None
    assert repr(Literal) == "anyopenai._codec.Literal"


def test_base_classes_need_no_members() -> None:
    class Empty(BaseModel, kw_only=True):
        pass

    assert Empty().to_dict() == {}
    assert decoder_for(Empty, keep_unknown=True).decode(b'{"a":1}').to_dict() == {"a": 1}
