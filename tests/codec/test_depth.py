"""Documents and bodies that nest too deeply end in an error, on every interpreter, whatever reads them."""

from __future__ import annotations

import contextlib
import copy
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given

from anyopenai._codec import BaseModel, DecodeFailure, decode_any, decoder_for, encode
from anyopenai._codec.plain import MAX_DEPTH, depth_exceeds
from codec.documents import plain, seeds, spell
from codec.models import Completion, Group, InputItem, Item, Page, Tree

KINDS: list[Any] = [object, Tree, Item, Completion, Page[Tree], dict[str, object], list[Tree], InputItem]

BOMBS = {
    "lists": (b"[", b"]"),
    "objects": (b'{"a":', b"}", b"1"),
    "trees": (b'{"value":1,"children":[', b"]}"),
    "groups": (b'{"type":"group","items":[', b"]}"),
    "unknown": (b'{"type":"new","x":[', b"]}"),
    "values": (b'{"value":', b"}", b"null"),
}


def bomb(name: str, levels: int, close: bool = True) -> bytes:
    opening, closing, *middle = BOMBS[name]
    return opening * levels + b"".join(middle) + (closing * levels if close else b"")


def use(value: object) -> None:
    """Do what a user may do with a result; only the documented errors may come of it."""
    # The interpreter's own containers say RecursionError; none of our objects does.
    with contextlib.suppress(RecursionError) if not isinstance(value, BaseModel) else contextlib.nullcontext():
        repr(value)
    with contextlib.suppress(ValueError):
        encode(value)
    if isinstance(value, BaseModel):
        with contextlib.suppress(ValueError):
            value.to_dict()


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_bomb_is_refused_or_does_no_harm(kind: Any, name: str) -> None:
    for levels in (600, 5_000, 30_000):
        for options in ({}, {"keep_unknown": True}, {"strict": True}):
            # msgspec takes a few thousand levels on later interpreters, or skips what the type has no room for.
            with contextlib.suppress(DecodeFailure):
                use(decoder_for(kind, **options).decode(bomb(name, levels)))
            with pytest.raises(DecodeFailure):
                decoder_for(kind, **options).decode(bomb(name, levels, close=False))


@pytest.mark.parametrize("name", BOMBS)
def test_plain_json_has_one_limit_on_every_interpreter(name: str) -> None:
    a_level = BOMBS[name][0].count(b"[") + BOMBS[name][0].count(b"{")
    decode_any(bomb(name, MAX_DEPTH // a_level))
    for levels in (MAX_DEPTH // a_level + 1, 5_000, 60_000):
        with pytest.raises(DecodeFailure, match="nests deeper than 500 levels"):
            decode_any(bomb(name, levels))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_inside_a_member_does_no_harm(name: str) -> None:
    for inner in (bomb(name, 200), bomb(name, 5_000)):
        for tail in (b"}", b',"children":3}'):
            data = b'{"value":' + inner + b',"children":[{"value":' + inner + tail + b"]}"
            with contextlib.suppress(DecodeFailure):
                tree = decoder_for(Tree).decode(data)
                assert isinstance(tree, Tree)
                use(tree)


@pytest.mark.parametrize("kind", [object, Tree, Page[Tree], dict[str, object]], ids=str)
def test_the_lenient_pass_has_one_limit(kind: Any) -> None:
    decoder = decoder_for(kind, keep_unknown=True)
    decoder.decode(b'{"value":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}")
    with pytest.raises(DecodeFailure, match="500"):
        decoder.decode(b'{"value":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}")


@pytest.mark.parametrize("text", [b'{"value":%s}', b'{"value":%s,"children":[3]}'])
def test_whatever_was_decoded_can_be_shown_compared_copied_and_sent(text: bytes) -> None:
    levels = MAX_DEPTH - 100
    data = text % (b"[" * levels + b"]" * levels)
    tree = decoder_for(Tree).decode(data)
    assert repr(tree).startswith("Tree(value=[[[")
    assert tree == decoder_for(Tree, keep_unknown=True).decode(data)
    assert decoder_for(Tree).decode(encode(tree)) == tree
    assert tree.to_dict()["value"] == tree.value
    assert copy.copy(tree) == tree


def test_structs_as_deep_as_the_limit_can_be_shown_and_sent() -> None:
    levels = MAX_DEPTH // 2 - 1
    for bad in (b"", b',"children":3'):
        data = b'{"value":1,"children":[' * levels + b'{"value":1' + bad + b"}" + b"]}" * levels
        tree = decoder_for(Tree).decode(data)
        assert isinstance(tree.children, list)
        assert repr(tree).startswith("Tree(value=1, children=[Tree(")
        assert encode(decoder_for(Tree).decode(encode(tree))) == encode(tree)
        assert encode(tree.to_dict()) == encode(tree)
    # An object of a union that we resolve takes more calls a level than the interpreter allows for so many.
    group = bomb("groups", 80)
    item = decoder_for(InputItem).decode(group)
    assert type(item) is Group
    assert encode(item) == group


@given(seeds)
def test_depth_is_counted_outside_strings(rand: Random) -> None:
    value = plain(rand)
    for _ in range(rand.randrange(8)):
        value = [value] if rand.random() < 0.5 else {'[[{"': value}

    def depth(part: Any) -> int:
        if isinstance(part, dict):
            return 1 + max(map(depth, part.values()), default=0)
        return 1 + max(map(depth, part), default=0) if isinstance(part, list) else 0

    text = spell(value, rand)
    for limit in range(12):
        assert depth_exceeds(text, limit) == (depth(value) > limit and len(text) > 2 * limit)


def test_wide_is_not_deep() -> None:
    assert decode_any(b"[" + b"[[[[[]]]],{}]," * 1_000 + b"1]")
    assert decode_any(b'["' + b"[" * 2_000 + b'"]')


def test_a_body_too_deep_to_write_is_a_value_error() -> None:
    for wrap in (lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: (inner,), lambda inner: {1: inner}):
        for levels in (600, 20_000, 100_000):
            value: Any = float("nan")
            for _ in range(levels):
                value = wrap(value)
            with pytest.raises(ValueError, match=r"nests|nan"):
                encode(value)
            while isinstance(value, list | dict | tuple):
                # One level at a time, as freeing them all at once is the interpreter's problem on some versions.
                value = next(iter(value.values() if isinstance(value, dict) else value))


def test_structs_too_deep_to_write_or_show() -> None:
    tree: Any = None
    for _ in range(5_000):
        tree = Tree(value=1, children=[tree])
    with pytest.raises(ValueError, match="nests"):
        encode(tree)
    assert "Tree(...)" in repr(tree) or "Tree(" in repr(tree)
    with pytest.raises(ValueError, match="nests"):
        tree.to_dict()
    while isinstance(tree, BaseModel):
        tree = tree.children[0]  # type: ignore[attr-defined]  # a Tree


def test_a_caller_deep_in_its_own_stack_gets_an_error_and_no_crash() -> None:
    data = b'{"value":1,"children":[' * 240 + b"3" + b"]}" * 240

    def dig(levels: int) -> Any:
        if levels:
            return dig(levels - 1)
        try:
            return decoder_for(Tree).decode(data)
        except DecodeFailure as failure:
            return failure

    result = dig(sys.getrecursionlimit() - 350)
    assert isinstance(result, Tree | DecodeFailure)
