"""A vector is a sequence of floats in one block of memory, however it was sent."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import struct
import sys
from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._codec import Vector, decoder_for, encode
from anyopenai._codec import vector as vector_module
from codec.models import Embedding, Embeddings

singles = st.lists(st.floats(width=32, allow_nan=False), max_size=20)
doubles = st.lists(st.floats(allow_nan=False), max_size=20)


def packed(values: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def decoded(value: object, **options: bool) -> Any:
    document = {"embedding": value, "index": 0, "object": "embedding"}
    return decoder_for(Embedding, **options).decode(json.dumps(document).encode()).embedding


class TestDecoding:
    @pytest.mark.parametrize("options", [{}, {"keep_unknown": True}], ids=str)
    @given(values=singles)
    def test_base64_becomes_four_bytes_a_number(self, options: Any, values: list[float]) -> None:
        vector = decoded(packed(values), **options)
        assert type(vector) is Vector
        assert (vector.typecode, vector.tolist()) == ("f", values)

    @pytest.mark.parametrize("options", [{}, {"keep_unknown": True}], ids=str)
    @given(values=doubles)
    def test_a_list_becomes_eight_bytes_a_number_and_is_not_rounded(self, options: Any, values: list[float]) -> None:
        values = [value for value in values if abs(value) != float("inf")]
        vector = decoded(values, **options)
        assert type(vector) is Vector
        assert (vector.typecode, vector.tolist()) == ("d", values)

    def test_whole_numbers_in_a_list_are_numbers(self) -> None:
        assert decoded([1, 2.5, -3]) == [1.0, 2.5, -3.0]

    @pytest.mark.parametrize("options", [{}, {"keep_unknown": True}], ids=str)
    @pytest.mark.parametrize(
        "value", ["not base64!", "AAA", "AAAA", "AAAAAAA=", "=", "é", [1, "x"], [None], {"a": 1}, None, 5, [10**400]]
    )
    def test_what_is_no_vector_stays_as_it_was_sent(self, value: object, options: Any) -> None:
        assert decoded(value, **options) == value

    def test_a_subclass_that_declares_text_keeps_the_text(self) -> None:
        class Undecoded(Embedding, kw_only=True):
            embedding: str  # type: ignore[assignment]  # what the caller asked for

        data = json.dumps({"embedding": packed([1.0]), "index": 0, "object": "embedding"}).encode()
        assert decoder_for(Undecoded).decode(data).embedding == packed([1.0])

    def test_both_forms_can_stand_in_one_answer(self) -> None:
        items = [{"embedding": value, "index": 0, "object": "embedding"} for value in (packed([0.5]), [0.1], [])]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        data = json.dumps({"data": items, "model": "m", "object": "list", "usage": usage}).encode()
        answer = decoder_for(Embeddings, strict=True).decode(data)
        assert [item.embedding for item in answer.data] == [[0.5], [0.1], []]
        assert [item.embedding.typecode for item in answer.data] == ["f", "d", "d"]

    def test_a_vector_can_be_given_to_the_constructor(self) -> None:
        vector = Vector([1.0])
        assert Embedding(embedding=vector, index=0, object="embedding").embedding is vector


class TestSequence:
    @given(doubles)
    def test_it_equals_any_sequence_of_the_same_numbers(self, values: list[float]) -> None:
        vector = Vector(values)
        assert vector == values
        assert values == vector
        assert vector == tuple(values)
        assert vector == array("d", values)
        assert vector == Vector(values)
        assert vector != [*values, 1.0]
        assert (vector != values) is False

    @given(singles)
    def test_precision_does_not_matter_to_equality(self, values: list[float]) -> None:
        assert Vector(values, "f") == Vector(values) == values

    def test_it_differs_from_what_is_no_sequence_of_numbers(self) -> None:
        vector = Vector([1.0])
        assert vector != "1"
        assert vector != b"\x01"
        assert vector != 1.0
        assert vector != ["1"]
        assert vector != {1.0}
        assert vector is not None

    @given(doubles, st.integers(-25, 25), st.integers(-25, 25), st.integers(-3, 3).filter(bool))
    def test_it_slices_to_a_vector(self, values: list[float], start: int, stop: int, step: int) -> None:
        for typecode in ("d",):
            part = Vector(values, typecode)[start:stop:step]  # type: ignore[arg-type]  # one of the two
            assert type(part) is Vector
            assert part == values[start:stop:step]
        assert Vector([0.5], "f")[:].typecode == "f"

    def test_items_are_floats(self) -> None:
        vector = Vector([1, 2])
        assert (vector[0], vector[-1], list(vector), len(vector)) == (1.0, 2.0, [1.0, 2.0], 2)
        assert 2.0 in vector
        with pytest.raises(IndexError):
            vector[2]

    def test_it_has_no_hash(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            hash(Vector())

    def test_its_repr_is_short(self) -> None:
        assert repr(Vector([0.5, 1])) == "Vector([0.5, 1.0])"
        assert repr(Vector(range(1536))) == "Vector([0.0, 1.0, 2.0, ... 1536 numbers])"

    def test_it_is_made_of_numbers(self) -> None:
        for wrong in (b"\x00\x00\x80?", bytearray(4)):
            with pytest.raises(TypeError, match="from_bytes"):
                Vector(wrong)
        with pytest.raises(TypeError):
            Vector(["a"])  # type: ignore[list-item]  # on purpose
        with pytest.raises(ValueError, match="5 bytes are no sequence"):
            Vector.from_bytes(b"12345")
        with pytest.raises(ValueError, match=r"(?i)base64|padding|data"):
            Vector.from_base64("???")
        assert Vector.from_base64(packed([1.0])) == Vector.from_bytes(b"\x00\x00\x80?") == [1.0]

    @pytest.mark.parametrize("typecode", ["f", "d"])
    def test_copies_and_pickles_are_equal_vectors_of_the_same_precision(self, typecode: Any) -> None:
        vector = Vector([0.5, -1.0], typecode)
        for again in (
            copy.copy(vector),
            copy.deepcopy(vector),
            *(pickle.loads(pickle.dumps(vector, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        ):
            assert type(again) is Vector
            assert again == vector
            assert again is not vector
            assert again.typecode == typecode


class TestMemory:
    def test_its_memory_is_shared_not_copied(self) -> None:
        vector = decoded(packed([1.0, 2.0]))
        view = memoryview(vector)
        assert (view.format, view.nbytes) == ("f", 8)
        vector[0] = 5.0
        assert view[0] == 5.0

    def test_numpy_sees_it_without_a_copy(self) -> None:
        numpy = pytest.importorskip("numpy")
        single = decoded(packed([1.0, 2.0]))
        seen = numpy.asarray(single)
        assert seen.dtype == numpy.float32
        single[0] = 7.0
        assert seen[0] == 7.0
        assert numpy.asarray(decoded([1.0])).dtype == numpy.float64
        assert (single == numpy.array([7.0, 2.0])).all()
        assert Vector(numpy.array([1.5])) == [1.5]

    @pytest.mark.parametrize("order", ["little", "big"])
    def test_bytes_are_little_endian_on_every_machine(self, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
        data = struct.pack("<2f", 1.0, -2.5)
        if order != sys.byteorder:
            monkeypatch.setattr(vector_module.sys, "byteorder", order)
            swapped = array("f", data)
            swapped.byteswap()
            data = swapped.tobytes()
        vector = Vector.from_bytes(data)
        assert vector == [1.0, -2.5]
        assert pickle.loads(pickle.dumps(vector)) == vector
        function, (typecode, wire) = vector.__reduce_ex__(4)
        assert typecode == "f"
        assert function(typecode, wire) == vector


def test_objects_that_hold_one_give_lists_of_numbers() -> None:
    item = Embedding(embedding=Vector.from_base64(packed([0.5, 0.25])), index=0, object="embedding")
    expected = {"embedding": [0.5, 0.25], "index": 0, "object": "embedding"}
    assert item.to_dict() == item.model_dump() == expected
    assert type(item.to_dict()["embedding"]) is list
    assert json.loads(item.to_json()) == json.loads(encode(item)) == expected
    assert pickle.loads(pickle.dumps(item)) == copy.deepcopy(item) == item
