"""Nothing that a server sends breaks decoding, whatever the method; what is sent and known is kept."""

from __future__ import annotations

import contextlib
import json
import math
from importlib import import_module
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from anyopenai._codec import BaseModel, DecodeFailure, UnknownObject, Vector, decoder_for
from anyopenai._codec.lenient import NULL_IS_EMPTY, lenient
from codec.documents import document, seeds, spell
from generated.callers import NotingClient
from generated.facts import METHODS, arguments, method_of, required
from generated.mutants import MUTATIONS, mutant

# What sockets and webhooks send, which no method gives; those of namespaces that are there.
EVENTS = """
beta.BetaResponsesServerEvent
live.ConnectServerEvent live.ForkServerEvent live.ServerEvent
realtime.RealtimeServerEvent realtime.RealtimeTranslationServerEvent
responses.ResponsesServerEvent
webhooks.UnwrapWebhookEvent
"""


def _roots() -> dict[str, Any]:
    """Every type that a method or a socket gives, by the first method that gives it or by its own name."""
    client, found = NotingClient(), {}
    for name in EVENTS.split():
        package, _, own = name.rpartition(".")
        with contextlib.suppress(ImportError):
            kind = getattr(import_module(f"anyopenai.types.{package}"), own, None)
            found.update({name: kind} if kind is not None else {})
    for dotted, facts in METHODS.items():
        positional, given_ = arguments(facts, required(facts))
        result = method_of(client, dotted)(*positional, **given_)
        if hasattr(result, "send"):
            with pytest.raises(StopIteration):
                result.send(None)
        operation = client.last().operation
        variants = operation.variants[1].values() if operation.variants else ()
        for number, kind in enumerate((operation.returns, operation.event, *variants)):
            if kind not in (None, str, bytes) and kind not in found.values():
                found[dotted if number == 0 else f"{dotted}[{number}]"] = kind
    return found


ROOTS = _roots()

each_root = pytest.mark.parametrize("kind", ROOTS.values(), ids=list(ROOTS))


def differences(value: Any, sent: Any, *, kept: bool, path: str = "") -> list[str]:
    """Say what of a document is not in what it was decoded to.

    Args:
        value: What came of it.
        sent: The document.
        kept: Whether members that no class declares are kept too.
        path: Where it stands.
    """
    if isinstance(value, BaseModel):
        if not isinstance(sent, dict):
            return [f"{path}: {type(value).__name__} of {sent!r}"]
        found: list[str] = []
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(value)}
        tag = value.__struct_config__.tag_field
        for wire, part in sent.items():
            if wire in fields or wire == tag:
                own = getattr(value, fields.get(wire, wire))
                if part is None and wire in getattr(value, NULL_IS_EMPTY, ()):
                    part = []
                found += differences(own, part, kept=kept, path=f"{path}.{wire}")
            elif kept:
                if wire not in value.model_extra:
                    found.append(f"{path}.{wire} is lost")
                elif not wire.startswith("_") and not hasattr(type(value), wire):
                    found += differences(getattr(value, wire), part, kept=kept, path=f"{path}.{wire}")
        found += [f"{path}.{name} was not sent" for name in fields.keys() - sent.keys() if getattr(value, fields[name])]
        return found
    if isinstance(value, Vector):
        numbers = Vector.from_base64(sent).tolist() if isinstance(sent, str) else sent
        # In a list of numbers Python takes true for 1, and a Vector keeps numbers only.
        same = len(value) == len(numbers) and all(
            one == other or (one != one and other != other) for one, other in zip(value, numbers, strict=True)
        )
        return [] if same else [f"{path}: {value!r} of {sent!r}"]
    if isinstance(value, dict) and isinstance(sent, dict):
        if value.keys() != sent.keys():
            return [f"{path}: {sorted(value)} of {sorted(sent)}"]
        return [one for key in sent for one in differences(value[key], sent[key], kept=kept, path=f"{path}.{key}")]
    if isinstance(value, list) and isinstance(sent, list):
        if len(value) != len(sent):
            return [f"{path}: {len(value)} items of {len(sent)}"]
        pairs = enumerate(zip(value, sent, strict=True))
        return [one for at, pair in pairs for one in differences(*pair, kept=kept, path=f"{path}[{at}]")]
    if isinstance(value, float) and isinstance(sent, float) and math.isnan(value) and math.isnan(sent):
        return []
    same = value == sent and isinstance(value, bool) == isinstance(sent, bool)
    return [] if same else [f"{path}: {value!r} of {sent!r}"]


def use(value: Any) -> None:
    """Do what a user may do with an answer."""
    repr(value)
    if isinstance(value, BaseModel):
        value.to_dict()
        value.model_dump()
        assert value == value.model_copy()


@each_root
@settings(max_examples=6)
@given(rand=seeds)
def test_a_valid_document_means_the_same_in_both_passes(kind: Any, rand: Random) -> None:
    sent = document(kind, rand)
    text = spell(sent, rand)
    strict = decoder_for(kind, strict=True).decode(text)
    assert decoder_for(kind).decode(text) == strict
    assert lenient(keep_unknown=False).build(kind, json.loads(text)) == strict
    assert decoder_for(kind, keep_unknown=True).decode(text) == strict
    assert differences(strict, sent, kept=False) == []


@each_root
@settings(max_examples=3)
@given(rand=seeds)
def test_a_mutant_decodes_and_what_was_sent_is_there(kind: Any, rand: Random) -> None:
    for name, mutation in MUTATIONS.items():
        sent = mutant(kind, rand, mutation)
        text = json.dumps(sent).encode()
        value = decoder_for(kind).decode(text)
        kept = decoder_for(kind, keep_unknown=True).decode(text)
        use(value)
        use(kept)
        assert differences(value, sent, kept=False) == [], name
        assert differences(kept, sent, kept=True) == [], name
        with contextlib.suppress(DecodeFailure):
            strict = decoder_for(kind, strict=True).decode(text)
            assert lenient(keep_unknown=False).build(kind, json.loads(text)) == strict, name


@each_root
def test_a_bomb_gets_an_error_or_does_no_harm(kind: Any) -> None:
    rand = Random(0)
    sent = document(kind, rand)
    while not isinstance(sent, dict):
        sent = {"type": "x"} if isinstance(sent, str | None) else document(kind, rand)
    name = rand.choice(list(sent)) if sent else "data"
    for opening, closing in (("[", "]"), ('{"data":', "}")):
        inner = opening * 6_000 + "1" + closing * 6_000
        text = json.dumps({**sent, name: "HERE"}).replace('"HERE"', inner).encode()
        # Later interpreters let msgspec decode more levels than can be dumped: that is refused as clearly.
        with contextlib.suppress(ValueError):
            use(decoder_for(kind).decode(text))
        with pytest.raises(DecodeFailure, match="nests deeper than 500 levels"):
            decoder_for(kind, keep_unknown=True).decode(text)


def test_types_that_hold_themselves_have_a_limit_too() -> None:
    from anyopenai.types.responses import Response

    levels = 5_000
    opening, closing = b'{"type":"and","filters":[', b"]}"
    text = b'{"tools":[{"type":"file_search","vector_store_ids":[],"filters":%b%b}]}'
    with pytest.raises(DecodeFailure, match="nests deeper than 500 levels"):
        decoder_for(Response).decode(text % (opening * levels, closing * levels))
    response = decoder_for(Response).decode(text % (opening * 20, closing * 20))
    use(response)
    assert not isinstance(response.tools[0], UnknownObject)


def test_what_is_lost_or_changed_would_be_told() -> None:
    from anyopenai.types import Model

    sent = {"id": "m", "created": 1, "object": "model", "owned_by": "me", "mood": 1}
    value = decoder_for(Model).decode(json.dumps(sent).encode())
    assert differences(value, sent, kept=False) == []
    assert differences(value, sent, kept=True) == [".mood is lost"]
    assert differences(value, {**sent, "created": True}, kept=False) == [".created: 1 of True"]
    assert differences(value, {"id": "m", "created": 1}, kept=False) != []
