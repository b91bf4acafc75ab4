"""Documents become types: strictly at msgspec's cost, leniently as far as they go."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
from random import Random
from typing import Any, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._codec import BaseModel, DecodeFailure, UnknownObject, decode_any, decoder_for, encode
from anyopenai._codec.decoder import ResponseDecoder
from codec.documents import document, mutant, plain, seeds, spell
from codec.models import (
    Chunk,
    Completion,
    CustomCall,
    Delta,
    EasyMessage,
    Embeddings,
    FunctionCall,
    Group,
    InputItem,
    InputMessage,
    Item,
    Message,
    OutputMessage,
    Page,
    Part,
    Reference,
    TextPart,
    Tree,
    Usage,
)

KINDS: list[Any] = [
    Completion,
    Chunk,
    Item,
    Embeddings,
    Page[Item],
    Page[Part],
    Tree,
    list[Item],
    dict[str, Item],
    Part,
]
LOSSLESS: list[Any] = [Completion, Chunk, Item, Page[Item], Tree, Part]

COMPLETION = {
    "id": "c1",
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {
                "content": None,
                "refusal": None,
                "role": "assistant",
                "tool_calls": [
                    {"type": "function", "id": "t1", "function": {"name": "f", "arguments": "{}"}},
                    {"type": "custom", "id": "t2", "input": "x"},
                ],
            },
        }
    ],
    "created": 1,
    "object": "completion",
    "model": "m",
    "usage": {"prompt_tokens": 1, "total_tokens": 2},
}


def dumps(value: object) -> bytes:
    return json.dumps(value).encode()


def changed(**members: object) -> dict[str, Any]:
    return {**COMPLETION, **members}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in COMPLETION.items() if name not in names}


def covers(found: Any, sent: Any) -> bool:
    """Tell whether everything sent was found again; a null may be missing, and a tag that was missing be there."""
    if isinstance(sent, dict):
        return isinstance(found, dict) and all(
            name in found and covers(found[name], item) for name, item in sent.items() if item is not None
        )
    if isinstance(sent, list):
        return len(found) == len(sent) and all(map(covers, found, sent))
    return bool(found == sent)


def decode(kind: Any, value: object, **options: bool) -> Any:
    return decoder_for(kind, **options).decode(dumps(value))


class TestStrict:
    def test_a_document_that_fits_becomes_nested_structs(self) -> None:
        answer = decode(Completion, COMPLETION)
        assert isinstance(answer, Completion)
        assert isinstance(answer.usage, Usage)
        calls = answer.choices[0].message.tool_calls
        assert calls is not None
        assert [type(call) for call in calls] == [FunctionCall, CustomCall]
        assert calls[0].type == "function"

    def test_a_member_left_out_reads_as_none(self) -> None:
        assert decode(Completion, COMPLETION).metadata is None

    def test_a_value_that_no_version_knew_stays_open(self) -> None:
        assert decode(Completion, changed(object="completion.v9")).object == "completion.v9"

    def test_bytearray_and_memoryview_decode_alike(self) -> None:
        data = dumps(COMPLETION)
        decoder = decoder_for(Completion)
        assert decoder.decode(bytearray(data)) == decoder.decode(memoryview(data)) == decoder.decode(data)

    @pytest.mark.parametrize("kind", KINDS, ids=str)
    @given(rand=seeds)
    def test_random_valid_documents_mean_the_same_in_both_passes(self, kind: Any, rand: Random) -> None:
        text = spell(document(kind, rand), rand)
        strict = decoder_for(kind, strict=True).decode(text)
        assert decoder_for(kind).decode(text) == strict
        kept = decoder_for(kind, keep_unknown=True).decode(text)
        assert kept == strict
        assert repr(kept) == repr(strict)
        assert type(kept) is type(strict)

    @pytest.mark.parametrize("kind", KINDS, ids=str)
    @given(rand=seeds)
    def test_what_was_decoded_can_be_sent_and_decoded_again(self, kind: Any, rand: Random) -> None:
        sent = encode(decoder_for(kind).decode(dumps(document(kind, rand))))
        # Not the objects: two variants may differ in a member that was null only, which is not sent.
        again = encode(decoder_for(kind, strict=True).decode(sent))
        assert json.loads(again) == json.loads(sent)


class TestLenient:
    @pytest.mark.parametrize("kind", KINDS, ids=str)
    @given(rand=seeds)
    def test_mutants_never_fail(self, kind: Any, rand: Random) -> None:
        text = dumps(mutant(kind, rand))
        answer = decoder_for(kind).decode(text)
        kept = decoder_for(kind, keep_unknown=True).decode(text)
        encode(answer)
        encode(kept)
        repr(answer)

    @pytest.mark.parametrize("kind", LOSSLESS, ids=str)
    @given(rand=seeds)
    def test_nothing_of_a_mutant_is_lost_with_keep_unknown(self, kind: Any, rand: Random) -> None:
        sent = mutant(kind, rand)
        answer = decoder_for(kind, keep_unknown=True).decode(dumps(sent))
        assert covers(json.loads(encode(answer)), sent)
        if isinstance(answer, BaseModel):
            assert covers(answer.to_dict(), sent)
            assert covers(answer.model_dump(by_alias=True), sent)

    @given(seeds)
    def test_an_object_of_any_shape_is_taken_and_anything_else_refused(self, rand: Random) -> None:
        value = plain(rand)
        data = dumps(value)
        if isinstance(value, dict):
            assert isinstance(decoder_for(Completion).decode(data), Completion)
        else:
            with pytest.raises(DecodeFailure, match=r"expected Completion, got"):
                decoder_for(Completion).decode(data)

    def test_a_required_member_left_out_reads_as_none_and_is_not_sent_back(self) -> None:
        answer = decode(Completion, without("id", "usage"))
        assert answer.id is None
        assert json.loads(encode(answer)) == without("id", "usage")
        assert answer.to_dict() == without("id", "usage")
        answer.id = "mine"
        assert json.loads(encode(answer)) == {**without("usage"), "id": "mine"}

    def test_values_of_another_kind_are_kept(self) -> None:
        answer = decode(Completion, changed(created="yesterday", usage=[1], choices="none"))
        assert (answer.created, answer.usage, answer.choices) == ("yesterday", [1], "none")

    def test_null_is_kept_where_an_object_or_list_was_due(self) -> None:
        answer = decode(Completion, changed(choices=None))
        assert answer.choices is None
        answer = decode(Completion, changed(choices=[None]))
        assert answer.choices == [None]

    def test_an_object_of_an_unknown_kind_is_an_unknown_object(self) -> None:
        message = {"content": "x", "refusal": None, "role": "assistant", "tool_calls": [{"type": "new", "a": {"b": 1}}]}
        answer = decode(Message, message)
        assert type(answer.tool_calls[0]) is UnknownObject
        assert answer.tool_calls[0].a.b == 1
        assert json.loads(encode(answer)) == message

    def test_an_object_without_its_tag_becomes_what_its_members_say(self) -> None:
        message = {"content": "x", "refusal": None, "role": "assistant"}
        call = {"id": "t1", "function": {"name": "f", "arguments": "{}"}}
        assert type(decode(Message, {**message, "tool_calls": [call]}).tool_calls[0]) is FunctionCall
        assert type(decode(Message, {**message, "tool_calls": [{"id": "t", "input": "i"}]}).tool_calls[0]) is CustomCall
        assert type(decode(Message, {**message, "tool_calls": [{"huh": 1}]}).tool_calls[0]) is UnknownObject

    @pytest.mark.parametrize("tag", [1, True, None, [], {}, 1.5])
    def test_a_tag_of_a_wrong_kind_does_no_harm(self, tag: object) -> None:
        answer = decode(Page[Part], {"data": [{"type": tag, "text": "t"}]})
        assert answer.data[0].text == "t"

    def test_one_bad_member_does_not_spoil_its_neighbours(self) -> None:
        answer = decode(Completion, changed(created=None))
        assert answer.choices == decode(Completion, COMPLETION).choices
        assert type(answer.choices[0].message.tool_calls[0]) is FunctionCall

    def test_numbers_for_a_float_become_floats_in_both_passes(self) -> None:
        for sent in ({"share": 1}, {"share": 1, "cached_tokens": "many"}):
            details = decode(Usage, {"prompt_tokens": 1, "total_tokens": 1, "details": sent}).details
            assert type(details.share) is float

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b'{"content": "\\ud83d"}', "\ud83d"),
            (b'\xef\xbb\xbf{"content": "x"}', "x"),
            (b'{"content": 1e999}', float("inf")),
            (b'{"content": Infinity}', float("inf")),
            (b'{"content": ' + b"9" * 5000 + b"}", float("inf")),
            ('{"content": "x"}'.encode("utf-16"), "x"),
            ('\ufeff{"content": "x"}'.encode("utf-16-le"), "x"),
            (b'{"content": "caf\xc3"}', "caf\ufffd"),
            (b'{"content": "\xff\xed\xa0\x80"}', "\ufffd" * 4),
        ],
        ids=[
            "surrogate",
            "byte order mark",
            "1e999",
            "Infinity",
            "5000 digits",
            "UTF-16",
            "UTF-16 LE",
            "cut",
            "bad bytes",
        ],
    )
    def test_what_the_standard_library_reads_is_read(self, text: bytes, value: object) -> None:
        assert decoder_for(Delta).decode(text).content == value

    def test_not_a_number_is_read(self) -> None:
        content: Any = decoder_for(Delta).decode(b'{"content": NaN}').content
        assert content != content

    def test_renamed_members_are_found_by_their_wire_names(self) -> None:
        answer = decode(Item, {"id": 1, "from": "there", "from_": "undeclared"}, keep_unknown=True)
        assert answer.from_ == "there"
        assert answer.model_extra == {"from_": "undeclared"}
        assert json.loads(encode(answer)) == {"id": 1, "from": "there", "from_": "undeclared"}


class TestKeepUnknown:
    def test_undeclared_members_read_as_attributes_and_are_sent_back(self) -> None:
        document = {"choices": [{"delta": {"content": "a", "reasoning_content": "b"}, "x": 1}], "y": {"z": 2}}
        chunk = decode(Chunk, document, keep_unknown=True)
        assert chunk.choices[0].delta.reasoning_content == "b"
        assert chunk.choices[0].delta.model_extra == {"reasoning_content": "b"}
        assert json.loads(encode({"echo": [chunk]})) == {"echo": [document]}
        assert chunk.to_dict() == document

    def test_a_document_without_any_is_left_as_it_is(self) -> None:
        answer = decode(Completion, COMPLETION, keep_unknown=True)
        assert answer.model_extra == {}
        assert answer == decode(Completion, COMPLETION)

    @pytest.mark.parametrize("name", ["to_dict", "_request_id", "__class__", "__dict__", "model_extra", "", "a b", "é"])
    def test_no_name_can_hide_a_method_or_our_own_notes(self, name: str) -> None:
        document = {"content": "a", name: {"is": "kept"}}
        delta = decode(Delta, document, keep_unknown=True)
        assert type(delta) is Delta
        assert delta.model_extra == {name: {"is": "kept"}}
        assert delta.to_dict() == json.loads(encode(delta)) == document
        assert delta._request_id is None

    def test_without_it_undeclared_members_are_dropped(self) -> None:
        for sent in ({"content": "a", "more": 1}, {"content": 5, "more": 1}):
            assert decode(Delta, sent).model_extra == {}


class TestRefusals:
    @pytest.mark.parametrize(
        "text", [b"", b"  \n", b"nope", b"{", b'{"id": ', b"[1,]", b"\xff\xfe", b'{"a": "\xff}', b"<html>"]
    )
    @pytest.mark.parametrize("keep_unknown", [False, True])
    def test_what_is_not_json_fails(self, text: bytes, keep_unknown: bool) -> None:
        with pytest.raises(DecodeFailure):
            decoder_for(Completion, keep_unknown=keep_unknown).decode(text)
        with pytest.raises(DecodeFailure):
            decode_any(text)

    @given(st.binary(max_size=40))
    def test_any_bytes_decode_or_fail_in_the_documented_way(self, text: bytes) -> None:
        for kind in (Completion, Part, list[Item], object):
            with contextlib.suppress(DecodeFailure):
                decoder_for(kind).decode(text)

    def test_the_message_says_what_and_where_and_shows_the_beginning(self) -> None:
        with pytest.raises(DecodeFailure) as caught:
            decoder_for(Completion).decode(b'{"id": nope, ' + b"x" * 5000)
        message = str(caught.value)
        assert "at character 7" in message
        assert '{"id": nope' in message
        assert len(message) < 400

    @pytest.mark.parametrize(
        ("kind", "text", "got"),
        [
            (Completion, b'"text"', "a string"),
            (Completion, b"[{}]", "a list"),
            (Completion, b"null", "null"),
            (Completion, b"true", "a boolean"),
            (Completion, b"5", "a number"),
            (Part, b"[]", "a list"),
            (list[Item], b"{}", "an object"),
            (Page[Item], b"[]", "a list"),
            (dict[str, object], b"[]", "a list"),
            (str, b"{}", "an object"),
            (int, b'"5"', "a string"),
            (bool, b"1", "a number"),
            (Usage | None, b"3", "a number"),
        ],
    )
    @pytest.mark.parametrize("options", [{}, {"keep_unknown": True}])
    def test_json_of_another_kind_altogether_fails(self, kind: Any, text: bytes, got: str, options: Any) -> None:
        with pytest.raises(DecodeFailure, match=f"got {got}"):
            decoder_for(kind, **options).decode(text)

    def test_strict_refuses_what_does_not_fit_and_says_where(self) -> None:
        decoder = decoder_for(Completion, strict=True)
        assert decoder.decode(dumps(COMPLETION)).id == "c1"
        with pytest.raises(DecodeFailure, match=r"Expected `int`, got `str` - at `\$.created`"):
            decoder.decode(dumps(changed(created="x")))
        with pytest.raises(DecodeFailure, match="missing required field `id`"):
            decoder_for(Completion, strict=True, keep_unknown=True).decode(dumps(without("id")))

    def test_strict_and_keep_unknown_together_check_and_keep(self) -> None:
        answer = decoder_for(Completion, strict=True, keep_unknown=True).decode(dumps(changed(more=1)))
        assert answer.model_extra == {"more": 1}


class TestResolved:
    def test_variants_are_told_apart_by_two_members(self) -> None:
        user = {"type": "message", "role": "user", "content": [{"type": "text", "text": "t"}]}
        assistant = {**user, "role": "assistant", "id": "o", "status": "done"}
        answer = decode(Item, {"id": "i", "input": [user, {**user, "status": "s"}, assistant]})
        assert [type(item) for item in answer.input] == [EasyMessage, InputMessage, OutputMessage]
        assert type(answer.input[0].content[0]) is TextPart

    def test_a_missing_tag_is_no_obstacle(self) -> None:
        answer = decode(list[InputItem], [{"id": "r"}, {"role": "user", "content": "hi"}])
        assert [type(item) for item in answer] == [Reference, EasyMessage]

    def test_the_variant_that_the_values_fit_is_taken_where_names_say_nothing(self) -> None:
        text = {"type": "message", "role": "user", "content": "hi"}
        assert type(decode(list[InputItem], [text])[0]) is EasyMessage

    def test_objects_that_contradict_every_variant_are_unknown(self) -> None:
        answer = decode(list[InputItem], [{"type": "brand_new", "role": "user"}])
        assert type(answer[0]) is UnknownObject

    def test_scalars_lists_and_nested_unions_pass(self) -> None:
        assert decode(Item, {"id": "i", "input": "text"}).input == "text"
        nested = {"type": "group", "items": [{"id": "r"}, {"type": "group", "items": []}]}
        answer = decode(Item, {"id": "i", "input": nested, "extra": nested, "by_name": {"a": nested}})
        assert type(answer.input) is type(answer.extra) is type(answer.by_name["a"]) is Group
        assert [type(item) for item in answer.input.items] == [Reference, Group]

    def test_keep_unknown_reaches_into_variants(self) -> None:
        answer = decode(Item, {"id": "i", "input": [{"id": "r", "new": 1}]}, keep_unknown=True)
        assert answer.input[0].new == 1

    def test_a_users_union_without_tags_takes_the_class_that_fits(self) -> None:
        assert decode(Own | Picky, {"id": "a"}) == Own("a")
        assert decode(Picky | Own | None, {"id": "a"}) == Own("a")
        assert decode(Own | Picky, {"low": 1, "high": 2}) == Picky(1, 2)
        assert decode(Own | Picky | None, None) is None
        with pytest.raises(DecodeFailure, match=r"Own \| Picky"):
            decode(Own | Picky, {"low": "x", "high": 2}, strict=True)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Labels(TypedDict):
    a: int


class Own(msgspec.Struct):
    """A user's class, which knows nothing of ours."""

    id: str
    colour: Colour = Colour.RED
    tags: set[str] = msgspec.field(default_factory=set)
    point: Point | None = None
    sizes: tuple[int, int] = (0, 0)
    ratio: float = 0.5


class Picky(msgspec.Struct):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


class Positional(msgspec.Struct, array_like=True):
    x: int
    y: int


class ChunkWithReasoning(Chunk, kw_only=True):
    reasoning: str | None = None


class TestOtherTypes:
    def test_a_users_struct_is_built_in_both_passes(self) -> None:
        document = {"id": "a", "colour": "red", "tags": ["x"], "point": {"x": 1}, "sizes": [1, 2], "ratio": 1}
        expected = Own("a", Colour.RED, {"x"}, Point(1), (1, 2), 1.0)
        assert decode(Own, document) == expected
        lenient = decode(Own, {**document, "id": None})
        assert lenient == Own(None, Colour.RED, {"x"}, Point(1), (1, 2), 1.0)  # type: ignore[arg-type]  # as sent
        assert decode(Own, {**document, "colour": "mauve", "tags": 3}).colour == "mauve"
        assert decode(Own, {"id": 5}) == Own(5)  # type: ignore[arg-type]  # as sent

    def test_a_subclass_of_ours_has_its_members_too(self) -> None:
        assert decode(ChunkWithReasoning, {"reasoning": "hm", "created": "x"}).reasoning == "hm"

    def test_a_class_that_refuses_in_post_init_leaves_the_value_as_it_is(self) -> None:
        assert decode(list[Picky], [{"low": 2, "high": 1}, {"low": 1, "high": 2}]) == [
            {"low": 2, "high": 1},
            Picky(1, 2),
        ]

    def test_positional_structs_come_from_lists(self) -> None:
        assert decode(Positional, [1, 2]) == Positional(1, 2)
        assert decode(list[Positional], [[1, 2], ["a"]]) == [Positional(1, 2), ["a"]]

    def test_dataclasses_typed_dicts_and_scalars_decode(self) -> None:
        assert decode(Point, {"x": 1}) == Point(1)
        with pytest.raises(DecodeFailure, match="is not Point"):
            decode(Point, {"x": "1"})
        assert decode(Labels, {"a": 1}) == {"a": 1}
        assert decode(Labels, {"a": "one"}) == {"a": "one"}
        assert decode(str, "text") == "text"
        assert decode(float, 1) == 1.0
        assert decode(dict[int, str], {"1": "a"}) == {1: "a"}
        assert decode(object, [1, {"a": None}]) == [1, {"a": None}]

    def test_none_takes_anything_and_gives_none(self) -> None:
        assert decoder_for(type(None)).decode(b"") is None
        assert decoder_for(type(None)).decode(b"null") is None
        assert decoder_for(type(None)).decode(b'{"deleted": true}') is None

    def test_a_class_with_model_validate_is_asked(self) -> None:
        class Foreign:
            @classmethod
            def model_validate(cls, value: Any) -> Foreign:
                if "id" not in value:
                    raise ValueError("no id")
                return cls()

        assert isinstance(decode(Foreign, {"id": 1}), Foreign)
        with pytest.raises(DecodeFailure, match="is not Foreign"):
            decode(Foreign, {})

    def test_a_decoder_is_made_once_for_a_type(self) -> None:
        assert decoder_for(Completion) is decoder_for(Completion)
        assert decoder_for(Completion) is not decoder_for(Completion, strict=True)
        assert isinstance(decoder_for(Page[Item]), ResponseDecoder)
        assert repr(decoder_for(Completion, keep_unknown=True)) == "decoder_for(Completion, keep_unknown=True)"

    def test_a_type_that_cannot_be_decoded_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="more than one array-like"):
            decoder_for(list[Usage] | tuple[Usage, ...])  # type: ignore[arg-type]  # a union is no type to a checker
