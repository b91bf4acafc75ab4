"""Walking over pages: what a page keeps, and what it asks for."""

from __future__ import annotations

import pickle

import pytest

from anyopenai import OpenAIError
from anyopenai.pagination import (
    AsyncConversationCursorPage,
    AsyncCursorPage,
    AsyncNextCursorPage,
    AsyncPage,
    AsyncTokenPage,
    BasePage,
    PageInfo,
)
from anyopenai.types import FileObject, Model
from engine.support import client_over, ok

ITEMS = [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        (AsyncPage, {}, None),
        (AsyncCursorPage, {"has_more": True}, {"after": "b"}),
        (AsyncCursorPage, {}, {"after": "b"}),
        (AsyncCursorPage, {"has_more": False}, None),
        (AsyncConversationCursorPage, {"last_id": "z"}, {"after": "z"}),
        (AsyncConversationCursorPage, {"has_more": True}, None),
        (AsyncNextCursorPage, {"next": "t"}, {"after": "t"}),
        (AsyncNextCursorPage, {"next": "t", "has_more": False}, None),
        (AsyncTokenPage, {"next": "t"}, {"page": "t"}),
    ],
    ids=str,
)
async def test_each_kind_of_page_leads_on_in_its_own_way(
    kind: type[BasePage[object]], members: dict[str, object], expected: dict[str, object] | None
) -> None:
    client, transport = client_over(ok({"data": ITEMS, **members}), ok({"data": []}))
    page = await client.get_api_list("/things", model=FileObject, page=kind)
    info = page.next_page_info()
    assert (None if info is None else dict(info.params)) == expected
    assert page.has_next_page() is (expected is not None)
    if expected is None:
        with pytest.raises(RuntimeError, match="last page"):
            await page.get_next_page()
        return
    await page.get_next_page()
    ((name, value),) = expected.items()
    assert transport.requests[1].query == {name: [value]}


async def test_an_empty_or_null_page_ends_every_list() -> None:
    client, transport = client_over(ok({"data": [], "has_more": True}), ok({"data": None, "has_more": True}))
    for _ in range(2):
        assert [file async for file in client.files.list()] == []
    assert len(transport.requests) == 2


async def test_a_server_that_gives_one_page_for_ever_is_found_out() -> None:
    client, _ = client_over(*[ok({"data": ITEMS, "has_more": True})] * 3)
    with pytest.raises(OpenAIError, match="again"):
        async for _ in client.files.list():
            pass


async def test_the_callers_own_cursor_chooses_only_the_first_page() -> None:
    client, transport = client_over(ok({"data": ITEMS, "has_more": True}), ok({"data": [], "has_more": True}))
    async for _ in client.files.list(extra_query={"after": "start", "limit": 2}):
        pass
    assert [request.query for request in transport.requests] == [
        {"after": ["start"], "limit": ["2"]},
        {"after": ["b"], "limit": ["2"]},
    ]


async def test_what_the_caller_passed_may_change_while_the_list_is_walked() -> None:
    client, transport = client_over(ok({"data": ITEMS, "has_more": True}), ok({"data": []}))
    headers = {"x-a": "1"}
    page = await client.files.list(extra_headers=headers)
    await page.get_next_page()
    assert transport.requests[1].headers["x-a"] == "1"


async def test_a_page_is_dumped_and_pickled_without_its_way_on() -> None:
    client, _ = client_over(ok({"object": "list", "data": ITEMS, "has_more": True}))
    page = await client.files.list()
    assert set(page.to_dict()) == {"object", "data", "has_more"} - (
        {"object"} if "object" not in page.to_dict() else set()
    )
    again = pickle.loads(pickle.dumps(page))
    assert again == page
    assert [item.id for item in again.data] == ["a", "b"]
    with pytest.raises(RuntimeError, match="does not come from a client"):
        await again.get_next_page()
    assert page.has_next_page()
    assert page._request_id == "req_fake_1"


async def test_iterators_of_pages_and_items_end_for_good() -> None:
    client, _ = client_over(ok({"data": ITEMS, "has_more": True}), ok({"data": [{"id": "c"}], "has_more": False}))
    page = await client.files.list()
    pages = page.iter_pages()
    assert [[item.id for item in one.data] async for one in pages] == [["a", "b"], ["c"]]
    with pytest.raises(StopAsyncIteration):
        await anext(pages)


async def test_an_error_ends_an_iterator_as_it_would_end_a_generator() -> None:
    from anyopenai.testing import Answer

    client, _ = client_over(ok({"data": ITEMS, "has_more": True}), Answer.error(404))
    items = aiter(client.files.list())
    assert [(await anext(items)).id, (await anext(items)).id] == ["a", "b"]
    with pytest.raises(OpenAIError):
        await anext(items)
    with pytest.raises(StopAsyncIteration):
        await anext(items)


async def test_unknown_options_of_a_list_raise_at_once() -> None:
    client, _ = client_over()
    with pytest.raises(TypeError, match=r"files\.list\(\) got an unexpected keyword argument 'foo'"):
        client.files.list(foo=1)


async def test_a_page_of_a_streamed_response_leads_on_too() -> None:
    client, _ = client_over(ok({"data": ITEMS, "has_more": True}), ok({"data": [{"id": "c"}], "has_more": False}))
    async with client.files.with_streaming_response.list() as response:
        page = await response.parse()
    assert [item.id async for item in page] == ["a", "b", "c"]


def test_a_page_info_shows_its_parameters() -> None:
    assert repr(PageInfo({"after": "x"})) == "PageInfo(params={'after': 'x'})"


async def test_models_are_one_page() -> None:
    client, transport = client_over(ok({"object": "list", "data": [{"id": "m"}]}))
    assert [type(model) async for model in client.models.list()] == [Model]
    assert len(transport.requests) == 1


async def test_a_list_that_is_asked_for_with_a_post_sends_its_body() -> None:
    client, transport = client_over(ok({"object": "list", "data": [{"id": "hit"}]}))
    hits = client.get_api_list(
        "/vector_stores/v/search", model=FileObject, page=AsyncPage, body={"query": "x"}, method="post"
    )
    assert [hit.id async for hit in hits] == ["hit"]
    assert (transport.requests[0].method, transport.requests[0].json()) == ("POST", {"query": "x"})
