"""Namespaces and their views, on a caller that carries nothing out."""

from __future__ import annotations

import pytest

from anyopenai._contract import Omit, omit
from anyopenai._resource import NamespaceView, Resource, StreamingView, listed, need_one_of
from generated.callers import NotingClient


async def test_the_raw_view_calls_through_the_raw_caller() -> None:
    client = NotingClient()
    await client.models.with_raw_response.retrieve("m")
    assert client.last().view == "raw"
    await client.chat.with_raw_response.completions.retrieve("c")
    assert client.last().view == "raw"
    await client.chat.completions.with_raw_response.messages.list("c")
    assert (client.last().view, client.last().paged) == ("raw", True)


async def test_the_client_s_raw_view_reaches_every_namespace() -> None:
    client = NotingClient()
    await client.with_raw_response.models.retrieve("m")
    assert client.last().view == "raw"
    with pytest.raises(AttributeError, match="no namespace"):
        _ = client.with_raw_response.noting  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        _ = client.with_raw_response.embedings  # type: ignore[attr-defined]


async def test_a_streaming_response_is_sent_on_entry_and_closed_on_exit() -> None:
    client = NotingClient()
    opening = client.files.with_streaming_response.content("f")
    assert client.noting.calls == []
    async with opening as response:
        assert client.last().view == "streamed"
        assert response is client.noting.opened[0]
        assert not client.noting.opened[0].closed
    assert client.noting.opened[0].closed


async def test_a_streaming_response_is_closed_when_its_block_fails() -> None:
    client = NotingClient()
    with pytest.raises(ZeroDivisionError):
        async with client.with_streaming_response.models.retrieve("m"):
            raise ZeroDivisionError
    assert client.noting.opened[0].closed


async def test_a_streaming_response_is_entered_once() -> None:
    client = NotingClient()
    opening = client.models.with_streaming_response.list()
    async with opening:
        pass
    with pytest.raises(RuntimeError, match="opened once"):
        async with opening:
            pass


async def test_awaiting_a_streaming_response_says_to_enter_it() -> None:
    client = NotingClient()
    with pytest.raises(TypeError, match="async with"):
        await client.models.with_streaming_response.retrieve("m")  # type: ignore[misc]
    assert client.noting.calls == []


async def test_namespaces_within_a_streaming_view_are_streaming_views() -> None:
    client = NotingClient()
    async with client.chat.with_streaming_response.completions.create(model="m", messages=[]):
        assert client.last().view == "streamed"
    method = client.chat.with_streaming_response.completions.create
    assert method.__name__ == "create"
    assert "completions" in dir(client.chat.with_streaming_response)


def test_a_namespace_is_made_once_and_its_views_share_no_state() -> None:
    client = NotingClient()
    assert client.chat is client.chat
    assert client.chat.completions is client.chat.completions
    assert client.chat.with_raw_response is not client.chat.with_raw_response
    assert type(client.chat.with_raw_response) is type(client.chat)


def test_representations_show_what_they_are_and_no_caller() -> None:
    client = NotingClient()
    assert repr(client.chat) == "<anyopenai Chat>"
    assert repr(client.chat.with_streaming_response) == "<anyopenai Chat>.with_streaming_response"
    assert repr(client.with_raw_response) == "<anyopenai with_raw_response>"
    assert isinstance(client.chat, Resource)
    assert isinstance(client.chat.with_streaming_response, StreamingView)
    assert isinstance(client.with_raw_response, NamespaceView)


def test_a_header_that_takes_a_list_joins_it_and_leaves_omit_alone() -> None:
    assert listed(["a", "b"]) == "a,b"
    assert isinstance(listed(omit), Omit)


def test_one_whole_set_of_arguments_is_enough() -> None:
    need_one_of("m", {"a": 1, "b": omit}, {"c": None})
    need_one_of("m", {"a": 1, "b": 2}, {"c": omit})


def test_no_whole_set_of_arguments_is_refused_with_what_was_given_and_what_would_do() -> None:
    with pytest.raises(TypeError) as caught:
        need_one_of("things.make", {"a": "secret", "b": omit}, {"a": "secret", "c": omit})
    assert str(caught.value) == (
        "things.make() is missing required arguments: it was given a, and takes one of these sets: a, b; or a, c"
    )
    with pytest.raises(TypeError, match="it was given none, and"):
        need_one_of("things.make", {"a": omit})
