"""A large list is decoded item by item, and the result is that of one decode."""

from __future__ import annotations

import base64
import json
import struct
from random import Random
from typing import Any

import pytest
from hypothesis import given

from anyopenai._codec import DecodeFailure, decoder_for
from anyopenai._codec import decoder as decoder_module
from anyopenai._codec.decoder import ResponseDecoder
from anyopenai._codec.steps import item_end, list_start
from codec.documents import document, mutant, plain, seeds, spell
from codec.models import Completion, Embeddings, Item, Page, Part, Tree

KINDS: list[Any] = [Embeddings, Page[Item], Page[Part], Page[Tree]]
OPTIONS: list[dict[str, bool]] = [{}, {"keep_unknown": True}, {"strict": True}]


@pytest.fixture(autouse=True, scope="module")
def _take_small_documents_apart() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "_WHOLE_BYTES", 1)
        patch.setattr(decoder_module, "_STEP_BYTES", 16)
        yield


def run(decoder: ResponseDecoder[Any], data: Any) -> tuple[Any, int]:
    """Drive the steps to the end; give the result, or the failure, and how often it paused."""
    steps = decoder.decode_steps(data)
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value, pauses
        except DecodeFailure as failure:
            return str(failure), pauses
        pauses += 1


def whole(decoder: ResponseDecoder[Any], data: Any) -> Any:
    try:
        return decoder.decode(data)
    except DecodeFailure as failure:
        return str(failure)


def same(decoder: ResponseDecoder[Any], data: Any) -> int:
    """Check that steps give what one decode gives; return how often they paused."""
    expected = whole(decoder, data)
    result, pauses = run(decoder, data)
    assert result == expected
    assert repr(result) == repr(expected)
    assert type(result) is type(expected)
    return pauses


def page(rand: Random, kind: Any) -> dict[str, Any]:
    """Give a page with several items and members before and after them, some undeclared."""
    found = document(kind, rand)
    found["data"] += [item for _ in range(rand.randrange(4)) for item in document(kind, rand)["data"]]
    members = list(found.items())
    members += [(name, plain(rand)) for name in ("first", "nested") if rand.random() < 0.3]
    rand.shuffle(members)
    return dict(members)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(rand=seeds)
def test_steps_give_what_one_decode_gives(kind: Any, options: Any, rand: Random) -> None:
    decoder = decoder_for(kind, **options)
    same(decoder, spell(page(rand, kind), rand))
    same(decoder, spell(mutant(kind, rand), rand))
    same(decoder, spell(plain(rand), rand))


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(rand=seeds)
def test_steps_fail_as_one_decode_fails_on_damaged_text(kind: Any, rand: Random) -> None:
    data = bytearray(spell(page(rand, kind), rand))
    for _ in range(rand.randrange(1, 3)):
        place = rand.randrange(len(data))
        match rand.randrange(4):
            case 0:
                del data[place:]
                data += b" "
            case 1:
                data[place] = rand.choice(b'{}[]",:\\ 0a\xff')
            case 2:
                data[place:place] = rand.choice((b'"', b"{", b"}", b"]", b",", b'"data":[]', b"\\", b"NaN"))
            case _:
                del data[place : place + rand.randrange(9)]
                data += b" "
    same(decoder_for(kind), bytes(data))


def embeddings(count: int, size: int, **members: object) -> bytes:
    vector = base64.b64encode(struct.pack(f"<{size}f", *range(size))).decode()
    items = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    return json.dumps(
        {"object": "list", "data": items, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}, **members}
    ).encode()


def test_embeddings_pause_at_every_item() -> None:
    assert same(decoder_for(Embeddings), embeddings(50, 8)) >= 50


def test_pieces_are_as_large_as_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    data = embeddings(100, 256)
    monkeypatch.setattr(decoder_module, "_STEP_BYTES", len(data) // 10)
    assert 9 <= same(decoder_for(Embeddings), data) <= 12


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_is_taken(wrap: Any) -> None:
    assert same(decoder_for(Embeddings), wrap(embeddings(5, 4))) >= 5


def test_items_with_odd_braces_in_their_strings_are_still_taken_one_by_one() -> None:
    items = [{"id": "}{"[index % 2] * 3, "input": '"{', "from": "\\"} for index in range(20)]
    assert same(decoder_for(Page[Item]), json.dumps({"data": items}).encode()) >= 20


def test_items_that_need_the_lenient_pass_are_still_taken_one_by_one() -> None:
    items = [{"id": index, "extra": {"type": "new", "deep": {"a": {}}}} for index in range(20)]
    data = json.dumps({"data": items}).encode()
    assert same(decoder_for(Page[Item]), data) >= 20
    assert same(decoder_for(Page[Item], keep_unknown=True), data) >= 20


@pytest.mark.parametrize(
    "text",
    [
        b'{"data":[{"index":1}],"data":[]}',
        b'{"data":[{"index":1}],"d\\u0061ta":[{"index":2}]}',
        b'{"data":[{"index":1}],"data":null}',
        b'{"data":3,"data":[{"index":1}]}',
        b'{"x":{"data":[{"index":1}]}}',
        b'{"x":"\\"data\\":[{}]","data":[{"index":1}]}',
        b'{"model":"m\\\\","data":[{"index":1}]}',
        b'{"x":[{"data":[{"index":1}]}],"data":[{"index":2}]}',
        b'{"data":[{"index":1},null,{"index":2}]}',
        b'{"data":[{"index":1},[],3,"{}"]}',
        b'{"data":[]}',
        b'{"data":[ ]}',
        b'{"data":{}}',
        b'{"data":null}',
        b'{"data":[{"index":1}]}x',
        b'{"data":[{"index":1}]',
        b'{"data":[{"index":1},]}',
        b'{"data":[{"index":1} {"index":2}]}',
        b'{"data":[{"index":1}}',
        b'[{"data":[{"index":1}]}]',
        b'\xef\xbb\xbf{"data":[{"index":1}]}',
        b'"data":[{"index":1}]}',
        b'{"type":"x" "data":[{"index":1}]}',
        b'{"data":[{"index":1,"object":"\xff"}]}',
        b'{"data":[{"index":1,"object":"\\ud800"}]}',
    ],
)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_documents_of_another_shape_are_decoded_as_a_whole(text: bytes, options: Any) -> None:
    for kind in (Embeddings, Page[Item], Page[Tree]):
        same(decoder_for(kind, **options), text)


def test_types_without_such_a_list_are_decoded_as_a_whole() -> None:
    for kind in (Completion, list[Item], Part, object):
        same(decoder_for(kind), b'{"data":[{"id":1},{"id":2}],"id":"x"}')


def test_depth_is_limited_alike() -> None:
    for levels in (496, 497, 498, 499, 500):
        data = b'{"data":[{"value":' + b"[" * levels + b"]" * levels + b"}]}"
        same(decoder_for(Page[Tree]), data)
        same(decoder_for(Page[Tree], keep_unknown=True), data)


def test_a_small_document_takes_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(decoder_module, "_WHOLE_BYTES", 65_536)
    assert run(decoder_for(Embeddings), embeddings(2, 4))[1] == 0


def test_a_list_is_found_only_in_the_outermost_object() -> None:
    assert list_start(b' { "a" : 1 , "data" : [ {', "data") == 24
    assert list_start(b'{"a":{"data":[', "data") is None
    assert list_start(b'{"a":"\\"","data":[', "data") is None
    assert list_start(b'{"a":1,"data":{', "data") is None
    assert list_start(b'{"a":"' + b"x" * 10_000 + b'","data":[', "data") is None


def test_an_item_ends_where_its_braces_close_outside_strings() -> None:
    assert item_end(b'[{"a":"}","b":{"c":"\\"}"}},{}]', 1) == 26
    assert item_end(b'[{"a":"}', 1) is None
    assert item_end(b"[{", 1) is None
