"""`Endpoints`: the client's methods for endpoints that no generated method covers; what they send is in `requests`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from .._contract import Operation
from .requests import Verb, prepare_request

if TYPE_CHECKING:
    from .._files import RequestFiles
    from ..pagination import BasePage
    from .engine import Engine
    from .iteration import Paginator, Stream

__all__ = ("Endpoints",)

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Stream[Any]")
PageT = TypeVar("PageT", bound="BasePage[Any]")


class Endpoints:
    """`get`, `post`, `put`, `patch`, `delete`; whoever inherits has an `Engine`."""

    if TYPE_CHECKING:

        @property
        def _engine(self) -> Engine: ...

    @overload
    async def get(
        self, path: str, *, cast_to: type[T], options: Mapping[str, Any] = ..., stream: Literal[False] = False
    ) -> T: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: Mapping[str, Any] = ...,
        stream: Literal[True],
        stream_cls: type[StreamT],
    ) -> StreamT: ...
    @overload
    async def get(
        self, path: str, *, cast_to: Any, options: Mapping[str, Any] = ..., stream: bool = False, stream_cls: Any = None
    ) -> Any: ...
    async def get(
        self,
        path: str,
        *,
        cast_to: Any,
        options: Mapping[str, Any] | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a GET to any path; see `request`."""
        return await self.request("GET", path, cast_to=cast_to, options=options, stream=stream, stream_cls=stream_cls)

    async def post(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object | None = None,
        content: object | None = None,
        files: RequestFiles | None = None,
        options: Mapping[str, Any] | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a POST to any path; see `request`."""
        return await self.request(
            "POST",
            path,
            cast_to=cast_to,
            body=body,
            content=content,
            files=files,
            options=options,
            stream=stream,
            stream_cls=stream_cls,
        )

    async def put(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object | None = None,
        content: object | None = None,
        files: RequestFiles | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a PUT to any path; see `request`."""
        return await self.request(
            "PUT", path, cast_to=cast_to, body=body, content=content, files=files, options=options
        )

    async def patch(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object | None = None,
        content: object | None = None,
        files: RequestFiles | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a PATCH to any path; see `request`."""
        return await self.request(
            "PATCH", path, cast_to=cast_to, body=body, content=content, files=files, options=options
        )

    async def delete(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object | None = None,
        content: object | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a DELETE to any path; see `request`."""
        return await self.request("DELETE", path, cast_to=cast_to, body=body, content=content, options=options)

    async def request(
        self,
        method: Verb,
        path: str,
        *,
        cast_to: Any,
        body: object | None = None,
        content: object | None = None,
        files: RequestFiles | None = None,
        options: Mapping[str, Any] | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Call an endpoint that has no method, with everything else as usual: keys, retries, limits, errors.

        Args:
            method: The HTTP verb.
            path: A path below the base URL, escapes in it kept; or an absolute URL. Another origin than the base URL's
                gets no credentials and no headers of the client.
            cast_to: What the answer becomes: a Struct class, a union of such, `dict`, `object`, `str`, `bytes`,
                `BinaryResponse`, `RawResponse`, or None.
            body: Sent as JSON; with `files`, the fields of the form.
            content: Sent as it is: bytes, text, an open file, a path, or an iterable of bytes.
            files: Files of a form.
            options: `headers`, `params`, `extra_json`, and the members of `RequestOptions`.
            stream: The answer is a stream of events; returns a `Stream`. The body must ask the server for it.
            stream_cls: `Stream[Event]`, to say what the events are; else `cast_to` says it.

        Raises:
            TypeError: An option that there is not, or arguments that exclude each other.
            APIError: The call failed; see the exception's class.
        """
        engine = self._engine
        call = await prepare_request(
            engine.settings,
            method,
            path,
            cast_to=cast_to,
            body=body,
            content=content,
            files=files,
            options=options or {},
            stream=stream,
            stream_cls=stream_cls,
        )
        return await engine.carry_out(call)

    def get_api_list(
        self,
        path: str,
        *,
        model: Any,
        page: type[PageT],
        body: Mapping[str, object] | None = None,
        options: Mapping[str, Any] | None = None,
        method: str = "get",
    ) -> Paginator[Any, PageT]:
        """Return the items of a list endpoint that has no method: await it for a page, iterate over it for items.

        Args:
            path: A path below the base URL.
            model: The type of an item.
            page: The page's class, such as `AsyncCursorPage`.
            body: Sent as JSON, where the list is asked for with a POST.
            options: `headers`, `params`, and the members of `RequestOptions`.
            method: The verb.
        """
        known = dict(options or {})
        for theirs, ours in (("headers", "extra_headers"), ("params", "extra_query")):
            if theirs in known:
                known[ours] = known.pop(theirs)
        verb = cast("Verb", method.upper())
        returns = page if not getattr(page, "__parameters__", None) else cast("Any", page)[model]
        operation: Operation[Any] = Operation(
            name="client.get_api_list",
            verb=verb,
            # Braces would stand for arguments.
            path=path.replace("{", "%7B").replace("}", "%7D"),
            returns=returns,
            body="json" if body is not None else "none",
            page=True,
        )
        return self._engine.pages(operation, body=body, options=cast("Any", known))
