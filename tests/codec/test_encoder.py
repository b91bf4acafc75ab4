"""Request bodies are written as JSON, or refused with the place of what cannot be."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import enum
import io
import json
from array import array
from collections import OrderedDict, UserDict, deque
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyopenai._codec import UnknownObject, Vector, decoder_for, encode
from anyopenai._contract import NOT_GIVEN, omit
from codec.documents import document, plain, seeds
from codec.models import Completion, CustomCall, Delta, Embedding, Item, Message, Page, Reference, Tree


class Colour(enum.Enum):
    RED = "red"
    NESTED = ("a", 1.5)


class Size(enum.IntEnum):
    LARGE = 3


class Name(enum.StrEnum):
    ADA = "ada"


@dataclasses.dataclass
class Point:
    x: int
    rest: object = None


class OwnStruct(msgspec.Struct):
    a: int
    b: str | None = None
    c: list[int] = msgspec.field(default_factory=list)


class Positional(msgspec.Struct, array_like=True, tag=True):
    x: int


class FakePydantic:
    """What a pydantic model looks like from here."""

    def __init__(self, result: object) -> None:
        self.result = result

    def model_dump(self, *, mode: str, by_alias: bool, exclude_unset: bool) -> object:
        assert (mode, by_alias, exclude_unset) == ("json", True, True)
        return self.result


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Number(float):
    pass


def written(value: object) -> Any:
    return json.loads(encode(value))


class TestWhatIsWritten:
    @given(seeds)
    def test_plain_values_mean_what_they_meant(self, rand: Random) -> None:
        value = plain(rand)
        assert written(value) == value

    @given(st.text(st.characters(codec="utf-8")))
    def test_text_is_sent_as_utf_8(self, text: str) -> None:
        sent = encode({"a": text, text: 1})
        assert json.loads(sent.decode("utf-8")) == {"a": text, text: 1}
        if text.isalpha():
            assert text.encode() in sent

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ((1, (2,)), [1, [2]]),
            (lambda: (number for number in range(3)), [0, 1, 2]),
            (range(3), [0, 1, 2]),
            (deque([1]), [1]),
            ({"a": 1}.values(), [1]),
            ({"a": 1}.keys(), ["a"]),
            ({5}, [5]),
            (frozenset("a"), ["a"]),
            (lambda: iter([{"x": (i for i in "ab")}]), [{"x": ["a", "b"]}]),
            (OrderedDict(a=1), {"a": 1}),
            (UserDict(a=(1,)), {"a": [1]}),
            (MappingProxyType({"a": {"b": 2}}), {"a": {"b": 2}}),
            (UnknownObject(type="x", y=[1]), {"type": "x", "y": [1]}),
            (Vector([1, 2.5]), [1.0, 2.5]),
            (array("i", [1, 2]), [1, 2]),
            (Colour.RED, "red"),
            (Colour.NESTED, ["a", 1.5]),
            (Size.LARGE, 3),
            (Name.ADA, "ada"),
            (Text("é"), "é"),
            (Whole(7), 7),
            (Number(0.5), 0.5),
            (True, True),
            (10**30, 10**30),
            (datetime(2020, 1, 2, 3, 4, tzinfo=UTC), "2020-01-02T03:04:00Z"),
            (date(2020, 1, 2), "2020-01-02"),
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (Decimal("1.50"), "1.50"),
            (Point(1, [Point(2)]), {"x": 1, "rest": [{"x": 2, "rest": None}]}),
            (OwnStruct(1), {"a": 1, "b": None, "c": []}),
            (Positional(4), ["Positional", 4]),
            (CustomCall(id="i", input="x"), {"type": "custom", "id": "i", "input": "x"}),
            (FakePydantic({"a": [1]}), {"a": [1]}),
            (FakePydantic([1, 2]), [1, 2]),
            ({1: 2, 1.5: 3, Name.ADA: 4, Text("t"): 5, Size.LARGE: 6}, {"1": 2, "1.5": 3, "ada": 4, "t": 5, "3": 6}),
        ],
        ids=lambda value: type(value).__name__,
    )
    @pytest.mark.parametrize("wrap", ["bare", "inside", "beside"])
    def test_values_of_many_kinds(self, value: Any, expected: Any, wrap: str) -> None:
        if callable(value):
            value = value()
        if wrap == "bare":
            assert written(value) == expected
        elif wrap == "inside":
            assert written({"a": [{"b": value}]}) == {"a": [{"b": expected}]}
        else:
            # Something that msgspec does not write sends the whole body through the walk.
            assert written({"a": value, "b": deque([1])}) == {"a": expected, "b": [1]}

    def test_a_generator_is_read_once(self) -> None:
        body = {"input": (text for text in ("a", "b")), "more": {"x": omit, "y": iter([1])}}
        assert written(body) == {"input": ["a", "b"], "more": {"y": [1]}}

    def test_numpy_arrays_and_scalars_are_written(self) -> None:
        numpy = pytest.importorskip("numpy")
        body = {
            "matrix": numpy.array([[1, 2], [3, 4]]),
            "single": numpy.float32(0.5),
            "double": numpy.float64(0.25),
            "count": numpy.int64(3),
            "flag": numpy.bool_(True),
            "zero": numpy.array(7),
        }
        expected = {"matrix": [[1, 2], [3, 4]], "single": 0.5, "double": 0.25, "count": 3, "flag": True, "zero": 7}
        assert written(body) == expected

    def test_none_is_sent_as_null(self) -> None:
        assert (
            encode({"a": None, "b": [None, {"c": None}], "d": "null"}) == b'{"a":null,"b":[null,{"c":null}],"d":"null"}'
        )
        assert encode(None) == b"null"

    def test_order_is_kept(self) -> None:
        assert encode({"b": 1, "a": deque(), "c": {"z": 1, "y": omit, "x": 2}}) == b'{"b":1,"a":[],"c":{"z":1,"x":2}}'


class TestOmit:
    @pytest.mark.parametrize("marker", [omit, NOT_GIVEN])
    def test_members_that_are_omitted_are_left_out_at_any_depth(self, marker: object) -> None:
        body = {"a": marker, "b": {"c": marker, "d": [{"e": marker, "f": 1}]}, "g": None}
        assert encode(body) == b'{"b":{"d":[{"f":1}]},"g":null}'

    def test_in_a_struct_too(self) -> None:
        delta: Any = Delta(content="x")
        delta.role = omit
        assert written({"a": [delta]}) == {"a": [{"content": "x"}]}

    def test_in_a_list_it_is_an_error(self) -> None:
        with pytest.raises(TypeError, match=r"a\[1\] is of type Omit"):
            encode({"a": [1, omit]})


class TestNothingIsChanged:
    def test_the_callers_objects_stay_as_they_were(self) -> None:
        body: dict[str, Any] = {
            "a": omit,
            "messages": [{"role": "user", "content": omit, "x": (1,)}, UnknownObject(a={"b": 1})],
            "v": Vector([1.0]),
            "d": deque([{"y": omit}]),
        }
        before = copy.deepcopy(body)
        encode(body)
        assert body == before
        assert body["messages"][0]["content"] is omit


class TestStructs:
    @given(seeds)
    def test_an_answer_is_sent_back_as_it_came(self, rand: Random) -> None:
        sent = document(Page[Item], rand)
        page = decoder_for(Page[Item]).decode(json.dumps(sent).encode())
        assert written({"pages": [page], "x": deque()})["pages"] == [written(page)]

    def test_a_request_id_is_not_sent(self) -> None:
        answer = Reference(id="r")
        answer._request_id = "req_1"
        assert encode({"a": answer}) == b'{"a":{"id":"r"}}'
        assert encode({"a": answer, "b": deque()}) == b'{"a":{"id":"r"},"b":[]}'

    def test_attributes_that_were_added_are_sent(self) -> None:
        message: Any = Message(content="c", refusal=None, role="assistant")
        message.reasoning_content = "r"
        assert written([message]) == [{"content": "c", "refusal": None, "role": "assistant", "reasoning_content": "r"}]

    def test_a_vector_is_sent_as_numbers(self) -> None:
        item = Embedding(embedding=Vector([0.5]), index=0, object="embedding")
        assert encode(item) == b'{"embedding":[0.5],"index":0,"object":"embedding"}'


class TestRefusals:
    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    def test_numbers_that_are_not_finite(self, bad: float) -> None:
        name = str(bad)
        for body, place in (
            ({"a": [1, {"b": bad}]}, r"a\[1\]\.b"),
            ({"a": "null", "b": None, "c": (bad,)}, r"c\[0\]"),
            ({"a": Vector([1, bad])}, r"a\[1\]"),
            ({"a": Delta(content="x", role=bad)}, r"a\.role"),  # type: ignore[arg-type]  # lenient answers hold any
            ({"a": deque([bad])}, r"a\[0\]"),
            ({"a": Number(bad)}, "a"),
            ([{"x": 1}, bad], r"\[1\]"),
            (bad, "the request body"),
            ({"a": [[bad]]}, r"a\[0\]\[0\]"),
            (Tree(value={"x": bad}), r"value\.x"),
        ):
            with pytest.raises(ValueError, match=rf"^{place} is {name}, and JSON has finite numbers only"):
                encode(body)

    @given(seeds)
    def test_a_number_that_is_not_finite_is_found_wherever_it_is(self, rand: Random) -> None:
        value: Any = float("nan")
        for _ in range(rand.randrange(1, 6)):
            value = rand.choice(
                ([1, value], {"a": None, "b": value}, (value,), [None, "null", value], Tree(value=value))
            )
        with pytest.raises(ValueError, match="is nan"):
            encode(value)

    @pytest.mark.parametrize("text", ["\ud800", "a\udfff", "x\ud83d y"])
    def test_half_of_a_surrogate_pair(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"messages\[0\]\.content holds half of a surrogate pair"):
            encode({"messages": [{"content": text}]})
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            encode({text: 1})

    @pytest.mark.parametrize("value", [b"abc", bytearray(b"abc"), memoryview(b"abc"), b""])
    def test_bytes(self, value: object) -> None:
        for body in ({"a": {"b": value}}, {"a": {"b": value}, "c": deque()}):
            with pytest.raises(TypeError, match=r"^a\.b is (bytes|bytearray|memoryview), .*base64"):
                encode(body)

    def test_files_and_paths(self) -> None:
        for value in (Path("x"), io.BytesIO(b"x"), io.StringIO("x")):
            with pytest.raises(TypeError, match=r"file\[0\] is a file"):
                encode({"file": [value]})

    @pytest.mark.parametrize("value", [object(), 1j, SimpleNamespace(a=1), len, Path, ValueError("x")], ids=repr)
    def test_objects_without_a_form_in_json(self, value: object) -> None:
        with pytest.raises(TypeError, match=r"^tools\[0\]\.x is of type \w+, which has no form in JSON"):
            encode({"tools": [{"x": value}]})

    @pytest.mark.parametrize("key", [None, True, b"a", (1, 2), 1j, float("nan")])
    def test_names_of_members_that_are_no_text(self, key: object) -> None:
        with pytest.raises((TypeError, ValueError), match=r"^a[.\[]"):
            encode({"a": {key: 1}, "b": deque()})

    def test_what_contains_itself(self) -> None:
        for make in (dict, list):
            loop: Any = make()
            other = [loop]
            if isinstance(loop, dict):
                loop["x"] = other
            else:
                loop.append(other)
            with pytest.raises(ValueError, match="contains itself"):
                encode({"a": loop})
        tree = Tree(value=1)
        tree.children = [tree]
        with pytest.raises(ValueError, match=r"a\.children\[0\] contains itself"):
            encode({"a": tree})

    def test_the_same_object_twice_is_no_circle(self) -> None:
        part = {"x": deque([1])}
        assert written({"a": part, "b": [part, part]}) == {"a": {"x": [1]}, "b": [{"x": [1]}] * 2}

    @given(seeds)
    @example(Random(0))
    def test_any_mixture_is_written_or_refused_in_the_documented_way(self, rand: Random) -> None:
        leaves = (
            1,
            "a",
            None,
            omit,
            b"x",
            object(),
            1j,
            0.5,
            float("inf"),
            Vector([1]),
            Path("x"),
            {1},
            "\ud800",
            Colour.RED,
        )

        def build(depth: int) -> Any:
            kind = rand.randrange(7 if depth < 4 else 1)
            if kind < 3:
                return rand.choice(leaves)
            inner = [build(depth + 1) for _ in range(rand.randrange(3))]
            return (
                inner,
                tuple(inner),
                dict(zip("abc", inner, strict=False)),
                Tree(value=inner),
            )[kind - 3]

        value = build(0)
        with contextlib.suppress(TypeError, ValueError):
            json.loads(encode(value))


def test_completions_hold_up_as_bodies() -> None:
    assert written(Completion(id="a", choices=[], created=1, object="completion", model="m")) == {
        "id": "a",
        "choices": [],
        "created": 1,
        "object": "completion",
        "model": "m",
    }
