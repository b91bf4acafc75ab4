"""`Paginator`: a list that has not been asked for yet, as users hold it; how its pages are asked for is not known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast

from ..pagination import ItemIterator

if TYPE_CHECKING:
    from ..pagination import BasePage

__all__ = ("Paginator",)

T = TypeVar("T")
PageT = TypeVar("PageT")


class _Fetch(Protocol):
    async def first_page(self) -> Any: ...


class Paginator(Generic[T, PageT]):
    """A list that has not been asked for yet: await it for its first page, or iterate over the items of all pages.

    ::

        page = await client.files.list()
        async for file in client.files.list():
            ...

    A page is asked for only when the items before it are used up; leaving the loop asks for no more.
    """

    __slots__ = ("_fetch",)

    def __init__(self, fetch: _Fetch) -> None:
        self._fetch = fetch

    def __await__(self) -> Generator[Any, Any, PageT]:
        first: Awaitable[PageT] = self._fetch.first_page()
        return first.__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(self._fetch)


class _Items(Generic[T]):
    """Iterates over the items of all pages, beginning with a request for the first."""

    __slots__ = ("_fetch", "_items")

    def __init__(self, fetch: _Fetch) -> None:
        self._fetch: _Fetch | None = fetch
        self._items: ItemIterator[T] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._items is None:
            fetch, self._fetch = self._fetch, None
            if fetch is None:
                raise StopAsyncIteration
            page = cast("BasePage[T]", await fetch.first_page())
            self._items = ItemIterator(page)
        return await anext(self._items)
