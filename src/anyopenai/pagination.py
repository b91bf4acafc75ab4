"""The pages that lists come in, and how one leads to the next; how a page is fetched is not known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, Self, TypeVar, cast

from ._codec import BaseModel
from .errors import OpenAIError

__all__ = (
    "AsyncConversationCursorPage",
    "AsyncCursorPage",
    "AsyncNextCursorPage",
    "AsyncPage",
    "AsyncTokenPage",
    "ConversationCursorPage",
    "CursorPage",
    "ItemIterator",
    "NextCursorPage",
    "Page",
    "PageInfo",
    "PageIterator",
    "TokenPage",
    "Walk",
)

T = TypeVar("T")
PageT = TypeVar("PageT", bound="BasePage[Any]")

# Kept in the page's own `__dict__`; a name with an underscore is never dumped or sent.
_WALK: Final = "_walk"


def _room(page: BaseModel) -> dict[str, object]:
    """Return where an instance keeps what is no member."""
    return cast("dict[str, object]", page.__dict__)


class PageInfo:
    """What must be asked for to get the next page.

    Attributes:
        params: Query parameters that replace those of the page's own request.
    """

    __slots__ = ("params",)

    def __init__(self, params: Mapping[str, object]) -> None:
        self.params: Mapping[str, object] = params

    def __repr__(self) -> str:
        return f"PageInfo(params={dict(self.params)!r})"


class Walk(Protocol):
    """Knows how a page was asked for, and asks for the next one."""

    async def next_page(self, info: PageInfo) -> Any:
        """Fetch the page that `info` leads to."""
        ...


class BasePage(BaseModel, Generic[T], kw_only=True):
    """One page of a list; `async for` over it goes on into the pages that follow."""

    data: list[T]

    def _attach(self, walk: Walk) -> Self:
        """Tell the page how it was asked for."""
        _room(self)[_WALK] = walk
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # A page that travels to another process stays a page; only its way on is lost.
        walk = _room(self).pop(_WALK, None)
        try:
            return super().__reduce__()
        finally:
            if walk is not None:
                _room(self)[_WALK] = walk

    def _items(self) -> Sequence[T]:
        # A lenient answer may have null here.
        return self.data or ()

    def next_page_info(self) -> PageInfo | None:
        """Return what to ask for to get the next page; None when this is the last one."""
        return None

    def has_next_page(self) -> bool:
        """Tell whether another page follows; an empty page ends every list."""
        return bool(self._items()) and self.next_page_info() is not None

    async def get_next_page(self) -> Self:
        """Fetch the page that follows.

        Raises:
            RuntimeError: There is none, or the page does not come from a client (it was unpickled or made by hand).
            OpenAIError: The request fails.
        """
        info = self.next_page_info() if self._items() else None
        if info is None:
            raise RuntimeError("this is the last page; ask has_next_page() before get_next_page()")
        walk = cast("Walk | None", _room(self).get(_WALK))
        if walk is None:
            raise RuntimeError("this page does not come from a client, so it cannot ask for the next one")
        return cast("Self", await walk.next_page(info))

    def iter_pages(self) -> PageIterator[Self]:
        """Return an asynchronous iterator over this page and those that follow."""
        return PageIterator(self)

    def __aiter__(self) -> AsyncIterator[T]:
        return ItemIterator(self)


def _after_last(page: BasePage[Any]) -> PageInfo | None:
    """Ask for what comes after the last item's id."""
    items = page._items()
    last = cast("object", getattr(items[-1], "id", None)) if items else None
    return PageInfo({"after": last}) if isinstance(last, str) and last else None


class AsyncPage(BasePage[T], Generic[T], kw_only=True):
    """A list that comes whole."""

    object: str | None = None


class AsyncCursorPage(BasePage[T], Generic[T], kw_only=True):
    """A page followed by the items after its last one."""

    has_more: bool | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return what to ask for to get the next page; None when this is the last one."""
        return None if self.has_more is False else _after_last(self)


class AsyncConversationCursorPage(BasePage[T], Generic[T], kw_only=True):
    """A page that names its last item."""

    has_more: bool | None = None
    last_id: str | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return what to ask for to get the next page; None when this is the last one."""
        return PageInfo({"after": self.last_id}) if self.has_more is not False and self.last_id else None


class AsyncNextCursorPage(BasePage[T], Generic[T], kw_only=True):
    """A page that carries a token for the one that follows."""

    has_more: bool | None = None
    next: str | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return what to ask for to get the next page; None when this is the last one."""
        return PageInfo({"after": self.next}) if self.has_more is not False and self.next else None


class AsyncTokenPage(BasePage[T], Generic[T], kw_only=True):
    """A page that carries a token for the one that follows, sent back under another name."""

    has_more: bool | None = None
    next: str | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return what to ask for to get the next page; None when this is the last one."""
        return PageInfo({"page": self.next}) if self.has_more is not False and self.next else None


Page = AsyncPage
CursorPage = AsyncCursorPage
ConversationCursorPage = AsyncConversationCursorPage
NextCursorPage = AsyncNextCursorPage
TokenPage = AsyncTokenPage


class PageIterator(Generic[PageT]):
    """Goes from page to page; asks for a page only when it is wanted."""

    __slots__ = ("_begun", "_page")

    def __init__(self, first: PageT) -> None:
        self._page: PageT | None = first
        self._begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PageT:
        page = self._page
        if page is None:
            raise StopAsyncIteration
        if self._begun:
            page = self._page = await following(page)
            if page is None:
                raise StopAsyncIteration
        self._begun = True
        return page


class ItemIterator(Generic[T]):
    """Goes from item to item across pages; asks for a page only when the one before is used up."""

    __slots__ = ("_items", "_page")

    def __init__(self, first: BasePage[T]) -> None:
        self._page: BasePage[T] | None = first
        self._items: Iterator[T] = iter(first._items())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            page = self._page
            if page is None:
                raise StopAsyncIteration
            # Set before the wait: an iterator whose request failed is over, as a generator would be.
            self._page = None
            page = await following(page)
            if page is None:
                raise StopAsyncIteration
            self._page = page
            self._items = iter(page._items())


async def following(page: PageT) -> PageT | None:
    """Fetch the page after one; None at the end.

    Raises:
        OpenAIError: The request fails, or the server gives the page that it gave before.
    """
    if not page.has_next_page():
        return None
    info = page.next_page_info()
    after = await page.get_next_page()
    again = after.next_page_info()
    if info is not None and again is not None and dict(info.params) == dict(again.params) and after.has_next_page():
        raise OpenAIError(
            f"the server gave the same page for {dict(info.params)!r} again, so the list would never end; "
            "it seems to ignore that parameter"
        )
    return after
