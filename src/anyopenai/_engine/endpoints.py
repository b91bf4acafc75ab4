"""`Endpoints`: the client's methods for endpoints that no generated method covers; what they send is in `requests`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from .._contract import Operation
from .requests import Verb, prepare_request

if TYPE_CHECKING:
    from .._contract import RequestOptions
    from .._files import BinaryContent, RequestFiles
    from ..pagination import BasePage
    from .engine import Engine
    from .iteration import Paginator, Stream

__all__ = ("Endpoints",)

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Stream[Any]")
PageT = TypeVar("PageT", bound="BasePage[Any]")

Options = Mapping[str, object]


class Endpoints:
    """`get`, `post`, `put`, `patch`, `delete`; whoever inherits has an `Engine`.

    The overloads say what a class as `cast_to` gives; for a union, which is no class to a type checker, the result is
    left to the caller's own annotation.
    """

    if TYPE_CHECKING:

        @property
        def _engine(self) -> Engine: ...

    @overload
    async def get(self, path: str, *, cast_to: type[T], options: Options | None = None) -> T: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: object,
        options: Options | None = None,
        stream: Literal[True],
        stream_cls: type[StreamT],
    ) -> StreamT: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: object,
        options: Options | None = None,
        stream: bool = False,
        stream_cls: object = None,
    ) -> Any: ...
    async def get(
        self,
        path: str,
        *,
        cast_to: object,
        options: Options | None = None,
        stream: bool = False,
        stream_cls: object = None,
    ) -> object:
        """Send a GET to any path; see `request`."""
        return await self.request("GET", path, cast_to=cast_to, options=options, stream=stream, stream_cls=stream_cls)

    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> T: ...
    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
        stream: Literal[True],
        stream_cls: type[StreamT],
    ) -> StreamT: ...
    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
        stream: bool = False,
        stream_cls: object = None,
    ) -> Any: ...
    async def post(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
        stream: bool = False,
        stream_cls: object = None,
    ) -> object:
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

    @overload
    async def put(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> T: ...
    @overload
    async def put(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> Any: ...
    async def put(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> object:
        """Send a PUT to any path; see `request`."""
        return await self.request(
            "PUT", path, cast_to=cast_to, body=body, content=content, files=files, options=options
        )

    @overload
    async def patch(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> T: ...
    @overload
    async def patch(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> Any: ...
    async def patch(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
    ) -> object:
        """Send a PATCH to any path; see `request`."""
        return await self.request(
            "PATCH", path, cast_to=cast_to, body=body, content=content, files=files, options=options
        )

    @overload
    async def delete(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object | None = None,
        content: BinaryContent | str | None = None,
        options: Options | None = None,
    ) -> T: ...
    @overload
    async def delete(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        options: Options | None = None,
    ) -> Any: ...
    async def delete(
        self,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        options: Options | None = None,
    ) -> object:
        """Send a DELETE to any path; see `request`."""
        return await self.request("DELETE", path, cast_to=cast_to, body=body, content=content, options=options)

    # The result's type depends on `cast_to`; the methods above say how.
    async def request(
        self,
        method: Verb,
        path: str,
        *,
        cast_to: object,
        body: object | None = None,
        content: BinaryContent | str | None = None,
        files: RequestFiles | None = None,
        options: Options | None = None,
        stream: bool = False,
        stream_cls: object = None,
    ) -> Any:
        """Call an endpoint that has no method, with everything else as usual: keys, retries, limits, errors.

        Cancelling at any point leaves no connection taken.

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
            TypeError: An option that there is not, or arguments that exclude each other; nothing was sent.
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
        model: type[T],
        page: type[PageT],
        body: Mapping[str, object] | None = None,
        options: Options | None = None,
        method: str = "get",
    ) -> Paginator[T, PageT]:
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
        # A class of pages is still to be told what is on them; a parametrised one knows.
        unknown = getattr(page, "__parameters__", None)
        operation: Operation[Any] = Operation(
            name="client.get_api_list",
            verb=cast("Verb", method.upper()),
            # Braces would stand for arguments.
            path=path.replace("{", "%7B").replace("}", "%7D"),
            returns=cast("Any", page)[model] if unknown else page,
            body="json" if body is not None else "none",
            page=True,
        )
        return self._engine.pages(operation, body=body, options=cast("RequestOptions", known))
