"""Shelves and pages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.testing.exchange import Refusal, Request
from anyopenai.testing.state import Shelf, new_id, page


def request(query: str = "") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    scope: dict[str, object] = {"method": "GET", "query_string": query.encode(), "headers": []}
    return Request(scope, receive, "/", "req_1")  # type: ignore[arg-type]  # a plain dict is a mutable mapping


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": f"i{number}"} for number in range(count)]


@settings(max_examples=60)
@given(count=st.integers(0, 30), limit=st.integers(1, 12), order=st.sampled_from(["asc", "desc"]))
def test_walking_the_pages_gives_every_row_once_and_in_order(count: int, limit: int, order: str):
    seen: list[object] = []
    after = ""
    while True:
        got = page(rows(count), request(f"limit={limit}&order={order}{after}"))
        data = got["data"]
        assert isinstance(data, list)
        seen += [row["id"] for row in data]
        if not got["has_more"]:
            break
        after = f"&after={got['last_id']}"
    expected = [row["id"] for row in rows(count)]
    assert seen == (expected if order == "asc" else expected[::-1])


def test_an_empty_page_has_no_ids():
    assert page([], request()) == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=zz", "after")],
)
def test_bad_queries_are_blamed_by_name(query: str, param: str):
    with pytest.raises(Refusal) as caught:
        page(rows(2), request(query))
    assert (caught.value.status, caught.value.error["param"]) == (400, param)


def test_a_shelf_keeps_the_newest():
    shelf: Shelf[int] = Shelf("thing", 2)
    for number in range(4):
        shelf.add(f"i{number}", number)
    assert list(shelf.values()) == [2, 3]
    assert len(shelf) == 2
    assert "i3" in shelf
    assert shelf.pop("i2") == 2
    with pytest.raises(Refusal, match="There is no thing with the id 'i2'"):
        shelf.get("i2")


def test_changing_an_object_keeps_its_place():
    shelf: Shelf[int] = Shelf("thing", 5)
    shelf.add("a", 1)
    shelf.add("b", 2)
    shelf.replace("a", 3)
    assert list(shelf.values()) == [3, 2]


def test_large_objects_push_older_ones_out_and_the_newest_stays():
    shelf: Shelf[int] = Shelf("thing", 10, keep_bytes=100)
    for number, size in enumerate((40, 40, 40, 10)):
        shelf.add(f"i{number}", number, size)
    assert list(shelf.values()) == [1, 2, 3]
    shelf.pop("i1")
    shelf.add("i4", 4, 50)
    assert list(shelf.values()) == [2, 3, 4]
    shelf.add("i5", 5, 1000)
    assert list(shelf.values()) == [5]


def test_ids_have_their_prefix_and_differ():
    assert new_id("file-").startswith("file-")
    assert new_id("x") != new_id("x")
