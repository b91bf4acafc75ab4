"""Lists that come in pages: which pages are asked for, with what, and when no more."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai import InternalServerError, OpenAI
from anyopenai.pagination import ConversationCursorPage, CursorPage, NextCursorPage
from anyopenai.types import Batch
from behaviour.answers import batch_list, model_list
from behaviour.server import Server, error, json


def afters(server: Server) -> list[str | None]:
    """The `after` of every request."""
    return [dict(request.query).get("after") for request in server.requests]


async def test_iterating_walks_every_page_after_the_last_id(server: Server, client: OpenAI) -> None:
    server.script(
        json(batch_list("a", "b", has_more=True)),
        json(batch_list("c", has_more=True)),
        json(batch_list("d", has_more=False)),
    )
    assert [batch.id async for batch in client.batches.list(limit=2)] == ["a", "b", "c", "d"]
    assert afters(server) == [None, "b", "c"]
    assert [dict(request.query)["limit"] for request in server.requests] == ["2"] * 3


@pytest.mark.parametrize("more", [{"has_more": True}, {}], ids=["has_more", "nothing said"])
async def test_an_empty_page_ends_the_walk(server: Server, client: OpenAI, more: dict[str, object]) -> None:
    server.script(json(batch_list("a", **more)), json(batch_list(**more)))
    assert [batch.id async for batch in client.batches.list()] == ["a"]
    assert afters(server) == [None, "a"]


async def test_a_first_page_that_is_empty_is_one_request(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list(has_more=True)))
    assert [batch async for batch in client.batches.list()] == []
    assert len(server.requests) == 1


async def test_awaiting_gives_a_page_that_leads_to_the_next(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    page = await client.batches.list()
    assert [batch.id for batch in page.data] == ["a"]
    assert page.has_more is True
    assert page.has_next_page()
    following = await page.get_next_page()
    assert [batch.id for batch in following.data] == ["b"]
    assert not following.has_next_page()
    with pytest.raises(RuntimeError):
        await following.get_next_page()
    assert len(server.requests) == 2


async def test_pages_can_be_iterated_over(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", "b", has_more=True)), json(batch_list("c", has_more=False)))
    first = await client.batches.list()
    assert [[batch.id for batch in page.data] async for page in first.iter_pages()] == [["a", "b"], ["c"]]


async def test_iterating_over_an_awaited_page_crosses_pages(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    assert [batch.id async for batch in await client.batches.list()] == ["a", "b"]


async def test_leaving_the_loop_asks_for_no_more(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", "b", has_more=True)))
    async for batch in client.batches.list():
        if batch.id == "b":
            break
    assert len(server.requests) == 1


async def test_nothing_is_sent_before_a_list_is_used(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list()))
    client.batches.list()
    assert server.requests == []


async def test_an_error_on_a_later_page_comes_after_the_earlier_items(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", "b", has_more=True)), error(500))
    seen: list[str] = []

    async def walk() -> None:
        async for batch in client.batches.list():
            seen.append(batch.id)

    with pytest.raises(InternalServerError):
        await walk()
    assert seen == ["a", "b"]


async def test_a_list_without_pages_is_one_request(server: Server, client: OpenAI) -> None:
    server.script(json(model_list("a", "b")))
    assert [model.id async for model in client.models.list()] == ["a", "b"]
    assert len(server.requests) == 1


async def test_extra_query_and_headers_go_with_every_page(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    listing = client.batches.list(extra_query={"flag": "x"}, extra_headers={"x-mine": "y"})
    assert len([batch async for batch in listing]) == 2
    assert [dict(request.query)["flag"] for request in server.requests] == ["x", "x"]
    assert [request["x-mine"] for request in server.requests] == ["y", "y"]


async def test_arrays_and_nested_filters_survive_into_later_pages(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    wanted = {"include": ["x", "y"], "metadata": {"k": "v"}}
    assert len([batch async for batch in client.batches.list(extra_query=wanted)]) == 2
    for request in server.requests:
        assert [pair for pair in request.query if pair[0] != "after"] == [
            ("include[]", "x"),
            ("include[]", "y"),
            ("metadata[k]", "v"),
        ]


async def test_a_filter_of_the_method_survives_into_later_pages(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    items = client.responses.input_items.list("resp_1", include=["reasoning.encrypted_content"], order="asc")
    assert len([item async for item in items]) == 2
    for request in server.requests:
        assert ("include[]", "reasoning.encrypted_content") in request.query
        assert ("order", "asc") in request.query


@pytest.mark.parametrize(
    ("page", "facts", "sent"),
    [
        (NextCursorPage, {"next": "token-1", "has_more": True}, ("after", "token-1")),
        (ConversationCursorPage, {"last_id": "z", "has_more": True}, ("after", "z")),
        (CursorPage, {"has_more": True}, ("after", "a")),
    ],
    ids=["a token", "the page's last id", "the last item's id"],
)
async def test_each_kind_of_page_says_what_to_ask_for_next(
    server: Server, client: OpenAI, page: type[Any], facts: dict[str, object], sent: tuple[str, str]
) -> None:
    server.script(json(batch_list("a", **facts)), json(batch_list("b", has_more=False)))
    items = client.get_api_list("/things", model=Batch, page=page)
    assert [item.id async for item in items] == ["a", "b"]
    assert [request.query for request in server.requests] == [[], [sent]]


async def test_a_list_asked_for_with_a_post_sends_its_body_with_every_page(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    items = client.get_api_list("/search", model=Batch, page=CursorPage, method="post", body={"query": "x"})
    assert [item.id async for item in items] == ["a", "b"]
    assert [(request.method, request.json()) for request in server.requests] == [("POST", {"query": "x"})] * 2


async def test_the_page_of_a_raw_response_can_be_walked_on(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    raw = await client.batches.with_raw_response.list()
    assert raw.status_code == 200
    page = raw.parse()
    assert [batch.id for batch in page.data] == ["a"]
    assert [batch.id async for batch in page] == ["a", "b"]


async def test_a_view_with_options_keeps_them_for_every_page(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list("a", has_more=True)), json(batch_list("b", has_more=False)))
    view = client.with_options(default_headers={"x-view": "1"})
    assert len([batch async for batch in view.batches.list()]) == 2
    assert [request["x-view"] for request in server.requests] == ["1", "1"]
