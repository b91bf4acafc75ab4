"""Every generated method asks its caller for what `operations.json` says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import replace
from typing import Any

import pytest

import anyopenai.types
from anyopenai._contract import omit
from generated.callers import NotingClient
from generated.facts import (
    EVERY_METHOD,
    METHODS,
    arguments,
    first_name,
    kinds,
    method_of,
    names,
    path_names,
    required,
)

# The modules of types: a method's answer is one of their classes, under the name that users know.
TYPES = [
    importlib.import_module(name)
    for _, name, package in pkgutil.walk_packages(anyopenai.types.__path__, "anyopenai.types.")
    if not package
]

# Answers whose type an argument chooses.
UNIONS = {
    "audio.transcriptions.create": {"Transcription", "TranscriptionVerbose", "TranscriptionDiarized", "str"},
    "audio.translations.create": {"Translation", "TranslationVerbose", "str"},
}

each_method = pytest.mark.parametrize(("dotted", "facts"), METHODS.items(), ids=list(METHODS))


async def _called(method: Any, positional: list[str], given: dict[str, Any]) -> None:
    """Call a method; a paginated one need not be awaited."""
    result = method(*positional, **given)
    if inspect.iscoroutine(result):
        await result


def _is_called(kind: Any, name: str) -> bool:
    """Whether users know a type by a name; a union is known as the facts have it, in a cast."""
    name = re.sub(r"^cast\(Any, (\w+)\)$", r"\1", name)
    return any(getattr(module, name, None) == kind for module in TYPES)


def test_no_method_is_missing() -> None:
    assert len(EVERY_METHOD) == 396
    assert METHODS.keys() == EVERY_METHOD.keys()


@each_method
async def test_arguments_go_where_the_facts_say(dotted: str, facts: dict[str, Any]) -> None:
    client = NotingClient()
    positional, given = arguments(facts)
    await _called(method_of(client, dotted), positional, given)
    call = client.last()
    assert call.path == tuple(f"<{name}>" for name in path_names(facts))
    for place, sent in (("query", call.query), ("body", call.body)):
        wanted = {name: False if name == "stream" else f"<{name}>" for name in names(facts, place)}
        assert sent == wanted
    # The only argument that a method sends as a header; it is a list there.
    assert call.headers == ({"OpenAI-Beta": ",".join("<betas>")} if "betas" in names(facts, "header") else {})
    assert call.options == {}
    assert call.paged == ("page" in facts)


@each_method
async def test_the_operation_is_that_of_the_facts(dotted: str, facts: dict[str, Any]) -> None:
    client = NotingClient()
    positional, given = arguments(facts, required(facts))
    await _called(method_of(client, dotted), positional, given)
    operation = client.last().operation
    assert operation.name == first_name(dotted)
    assert (operation.verb, operation.path) == (facts["verb"], facts["path"])
    assert operation.security == facts.get("security", "bearer")
    assert dict(operation.headers) == facts.get("headers", {})
    assert operation.files == tuple(facts.get("files", ()))
    body = "none" if not names(facts, "body") else "multipart" if facts.get("multipart") else "json"
    assert operation.body == body
    assert operation.page == ("page" in facts)
    assert (operation.event is not None) == ("event" in facts)
    assert operation.event is None or _is_called(operation.event, facts["event"])
    assert operation.named_events == bool(facts.get("named_events"))
    # Speech comes as bytes, or as events without a type of their own, which end like others.
    assert (operation.ending is not None) == ("event" in facts or operation.name == "audio.speech.create")
    assert operation.doc.startswith("https://")
    returns = facts.get("returns")
    if "page" in facts:
        assert operation.returns.__origin__.__name__ == facts["page"]
        assert _is_called(operation.returns.__args__[0], facts["item"])
    elif returns == "binary":
        assert operation.answer == "binary"
    elif returns == "str":
        assert (operation.answer, operation.returns) == ("text", str)
    elif returns is None:
        assert (operation.answer, operation.returns) == ("none", None)
    elif dotted in UNIONS:
        assert operation.variants is not None
        assert {kind.__name__ for kind in (operation.returns, *operation.variants[1].values())} == UNIONS[dotted]
    else:
        assert _is_called(operation.returns, returns)


@each_method
async def test_what_is_left_out_is_omitted(dotted: str, facts: dict[str, Any]) -> None:
    client = NotingClient()
    needed = required(facts)
    positional, given = arguments(facts, needed)
    await _called(method_of(client, dotted), positional, given)
    call = client.last()
    for name, value in {**call.query, **call.body}.items():
        assert (value is omit) == (name not in needed)


@each_method
async def test_a_missing_argument_is_refused_before_anything_is_sent(dotted: str, facts: dict[str, Any]) -> None:
    client = NotingClient()
    for missing in required(facts):
        positional, given = arguments(facts, required(facts))
        if missing in given:
            del given[missing]
        else:
            positional = positional[1:]
        with pytest.raises(TypeError, match=r"missing|required"):
            await _called(method_of(client, dotted), positional, given)
    assert client.noting.calls == []


@pytest.mark.parametrize("dotted", [dotted for dotted, facts in METHODS.items() if kinds(facts)])
async def test_a_method_of_several_kinds_takes_each_whole_set_and_no_part_of_one(dotted: str) -> None:
    client = NotingClient()
    facts = METHODS[dotted]
    for wanted in kinds(facts):
        positional, given = arguments(facts, list(dict.fromkeys([*path_names(facts), *wanted])))
        await _called(method_of(client, dotted), positional, given)
        sent = client.last().body
        assert {name for name, value in sent.items() if value is not omit} == set(wanted) - set(path_names(facts))
    count = len(client.noting.calls)
    always = set.intersection(*(set(wanted) for wanted in kinds(facts)))
    positional, given = arguments(facts, [*path_names(facts), *(name for name in always if name in given)])
    with pytest.raises(TypeError, match=rf"^{dotted}\(\) is missing required arguments: it was given .*; or "):
        await _called(method_of(client, dotted), positional, given)
    assert len(client.noting.calls) == count


def test_four_methods_are_of_several_kinds() -> None:
    assert [dotted for dotted, facts in METHODS.items() if kinds(facts)] == [
        "admin.organization.external_keys.create",
        "audio.voices.create",
        "beta.agents.automations.create",
        "beta.agents.environments.files.create",
    ]


def test_the_former_home_of_chat_is_chat_itself() -> None:
    client = NotingClient()
    assert type(client.beta.chat) is type(client.chat)
    assert client.beta.chat.completions.create.__func__ is client.chat.completions.create.__func__
    assert client.beta.chat.completions.with_raw_response.create.__func__ is client.chat.completions.create.__func__


@each_method
async def test_options_are_handed_on(dotted: str, facts: dict[str, Any]) -> None:
    """An unknown keyword is among them: the engine refuses it."""
    client = NotingClient()
    positional, given = arguments(facts, required(facts))
    await _called(method_of(client, dotted), positional, {**given, "timeout": 3.0, "no_such": 1})
    assert client.last().options == {"timeout": 3.0, "no_such": 1}


@each_method
async def test_what_the_caller_gives_is_handed_on(dotted: str, facts: dict[str, Any]) -> None:
    """Also where the API gives nothing: the raw views' callers give a response all the same."""
    client = NotingClient()
    positional, given = arguments(facts, required(facts))
    if "page" not in facts:
        assert await method_of(client, dotted)(*positional, **given) is client.last().operation


@each_method
async def test_both_views_ask_for_the_same_in_their_own_way(dotted: str, facts: dict[str, Any]) -> None:
    client = NotingClient()
    positional, given = arguments(facts)
    await _called(method_of(client, dotted), positional, given)
    plain = client.last()
    namespace, _, name = dotted.rpartition(".")
    await method_of(client, f"{namespace}.with_raw_response.{name}")(*positional, **given)
    raw = client.last()
    async with method_of(client, f"{namespace}.with_streaming_response.{name}")(*positional, **given) as opened:
        assert not opened.closed
    streamed = client.last()
    assert opened.closed
    assert (raw.view, streamed.view) == ("raw", "streamed")
    assert replace(raw, view="plain") == replace(streamed, view="plain") == plain


@each_method
def test_the_docstring_names_the_request_and_every_argument(dotted: str, facts: dict[str, Any]) -> None:
    method = method_of(NotingClient(), dotted)
    text = inspect.getdoc(method) or ""
    first, _, rest = text.partition("\n")
    assert first.endswith(".")
    assert f"`{facts['verb']} {facts['path']}`" in " ".join(rest.split())
    for name in (*path_names(facts), *names(facts, "query"), *names(facts, "body"), *names(facts, "header")):
        assert f"\n    {name} (" in rest
    assert "Raises:" in rest
    assert "\nSource: https://" in rest


@each_method
def test_path_arguments_stand_where_the_facts_say(dotted: str, facts: dict[str, Any]) -> None:
    parameters = inspect.signature(method_of(NotingClient(), dotted)).parameters
    positional = [name for name, one in parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional == [name for name in path_names(facts) if name not in facts.get("keyword", ())]


async def test_stream_is_told_to_the_caller_and_sent() -> None:
    client = NotingClient()
    await client.chat.completions.create(model="m", messages=[], stream=True)
    assert (client.last().stream, client.last().body["stream"]) == (True, True)
    await client.responses.retrieve("id", stream=True)
    assert (client.last().stream, client.last().query["stream"]) == (True, True)
    await client.responses.create(model="m", input="x")
    assert (client.last().stream, client.last().body["stream"]) == (omit, omit)


async def test_a_class_as_response_format_is_refused_and_parse_is_named() -> None:
    client = NotingClient()
    with pytest.raises(TypeError, match=r"response_format=int is a class.*chat\.completions\.parse"):
        await client.chat.completions.create(model="m", messages=[], response_format=int)  # type: ignore[call-overload]
    assert client.noting.calls == []


def test_embeddings_travel_as_base64_unless_told_otherwise() -> None:
    from anyopenai.resources.embeddings import _CREATE
    from anyopenai.types.base64_embedding_response import Base64EmbeddingResponse

    assert _CREATE.defaults == {"encoding_format": "base64"}
    assert _CREATE.variants == ("encoding_format", {"base64": Base64EmbeddingResponse})
