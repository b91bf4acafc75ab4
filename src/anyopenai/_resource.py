"""`Resource`, the base of every generated namespace, and its raw and streaming views; no API method lives here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from ._contract import Omit

if TYPE_CHECKING:
    from ._contract import Caller
    from ._engine.iteration import Paginator
    from ._engine.response import RawResponse, StreamedResponse

__all__ = ("NamespaceView", "Resource", "StreamingView", "listed", "need_one_of", "refuse_class", "refuse_view")

P = ParamSpec("P")
T = TypeVar("T")
PageT = TypeVar("PageT")


class Resource:
    """A namespace of API methods, such as `client.embeddings`; it holds who carries its calls out, and nothing else.

    Namespaces are cheap and hold no connection; `with_raw_response` and `with_streaming_response` are further views
    of the same caller. A namespace within a namespace is made, and its module loaded, on first use.
    """

    __slots__ = ("__dict__", "_caller")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def with_raw_response(self) -> object:
        """The same methods; awaiting one gives a `RawResponse`: status, headers, the whole body, and `parse()`."""
        return type(self)(self._caller.raw)

    @property
    def with_streaming_response(self) -> object:
        """The same methods, each an async context manager whose body has not been read yet.

        `async with client.files.with_streaming_response.content(id) as response:` sends the request on entry and
        closes the response on exit.
        """
        return StreamingView(type(self)(self._caller.streamed))

    def __repr__(self) -> str:
        return f"<anyopenai {type(self).__name__}>"


def refuse_view(caller: object, method: str, instead: str) -> None:
    """Refuse `with_raw_response` and `with_streaming_response` for a method that is made of several requests, or streams.

    Args:
        caller: Who carries calls out.
        method: What is called, for the error.
        instead: What to do, for the error.

    Raises:
        TypeError: The caller is such a view; nothing was sent.
    """
    if getattr(caller, "view", "plain") != "plain":
        raise TypeError(f"{method} has no raw view; {instead}")


class StreamingView:
    """A namespace whose methods give async context managers; attribute access leads to namespaces within it."""

    __slots__ = ("_resource",)

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._resource, name)
        if isinstance(member, Resource):
            return StreamingView(member)
        if not callable(member):
            return member
        method = cast("Callable[..., Awaitable[_Closable]]", member)

        @wraps(method)
        def open_response(*args: object, **kwargs: object) -> _Opening:
            return _Opening(lambda: method(*args, **kwargs))

        return open_response

    def __dir__(self) -> list[str]:
        return dir(self._resource)

    def __repr__(self) -> str:
        return f"{self._resource!r}.with_streaming_response"


class NamespaceView:
    """All namespaces of a client under one of their views: `client.with_raw_response.models` is `models.with_raw_response`.

    Args:
        holder: What has the namespaces.
        view: The name of the view.
    """

    __slots__ = ("_holder", "_view")

    def __init__(self, holder: object, view: str) -> None:
        self._holder = holder
        self._view = view

    @property
    def typed(self) -> Any:
        """Itself; type checkers are told by whoever makes it which namespaces it has."""
        return self

    def __getattr__(self, name: str) -> Any:
        namespace = getattr(self._holder, name)
        if not isinstance(namespace, Resource):
            raise AttributeError(f"{name!r} is no namespace of the client; {self._view} gives namespaces")
        return getattr(namespace, self._view)

    def __dir__(self) -> list[str]:
        return dir(self._holder)

    def __repr__(self) -> str:
        return f"<anyopenai {self._view}>"


class _Closable(Protocol):
    async def aclose(self) -> None: ...


class _Opening:
    """Sends a request on entry and closes the response on exit; may be entered once."""

    __slots__ = ("_response", "_send")

    def __init__(self, send: Callable[[], Awaitable[_Closable]]) -> None:
        self._send: Callable[[], Awaitable[_Closable]] | None = send
        self._response: _Closable | None = None

    async def __aenter__(self) -> _Closable:
        if self._send is None:
            raise RuntimeError("a streaming response is opened once; call the method again for another request")
        send, self._send = self._send, None
        self._response = await send()
        return self._response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._response is not None:
            await self._response.aclose()

    def __await__(self) -> Any:
        raise TypeError(
            "with_streaming_response is entered: write `async with ....with_streaming_response.x(...) as r:`"
        )


def listed(values: Iterable[str] | Omit) -> str | Omit:
    """Return the value of a header that takes a list."""
    return values if isinstance(values, Omit) else ",".join(values)


def need_one_of(method: str, *kinds: Mapping[str, object]) -> None:
    """Refuse a call that lacks arguments of every kind of call that the method takes.

    Args:
        method: Its dotted name.
        kinds: Of each kind, the required arguments with their values; `omit` where one was not given.

    Raises:
        TypeError: No kind has all of its arguments; it is raised before anything is sent.
    """
    if any(not any(isinstance(value, Omit) for value in kind.values()) for kind in kinds):
        return
    given = {name for kind in kinds for name, value in kind.items() if not isinstance(value, Omit)}
    sets = "; or ".join(", ".join(kind) for kind in kinds)
    raise TypeError(
        f"{method}() is missing required arguments: it was given {', '.join(sorted(given)) or 'none'}, "
        f"and takes one of these sets: {sets}"
    )


def refuse_class(parameter: str, value: object, helper: str) -> None:
    """Refuse a class where the API takes a schema, and say which method takes classes.

    Raises:
        TypeError: `value` is a class.
    """
    if isinstance(value, type):
        raise TypeError(
            f"{parameter}={value.__name__} is a class, and this method sends what it is given; "
            f"call {helper}, which derives the schema and parses the answer"
        )


if TYPE_CHECKING:

    def raw(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
        """Say what a method is under `with_raw_response`."""
        ...

    def raw_page(method: Callable[P, Paginator[Any, PageT]]) -> Callable[P, Awaitable[RawResponse[PageT]]]:
        """Say what a paginated method is under `with_raw_response`."""
        ...

    def opened(method: Callable[P, Awaitable[T]]) -> Callable[P, AbstractAsyncContextManager[StreamedResponse[T]]]:
        """Say what a method is under `with_streaming_response`."""
        ...

    def opened_page(
        method: Callable[P, Paginator[Any, PageT]],
    ) -> Callable[P, AbstractAsyncContextManager[StreamedResponse[PageT]]]:
        """Say what a paginated method is under `with_streaming_response`."""
        ...
