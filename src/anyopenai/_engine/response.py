"""What raw calls give: `RawResponse`, read to its end, and `StreamedResponse`, whose body the caller reads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload
from warnings import warn

from .._tasks import grace
from ..errors import OpenAIError
from .arrival import text_of
from .binary import BinaryResponse
from .closing import Closing
from .download import ByteIterator, LineIterator, TextIterator, save
from .head import ResponseHead
from .iteration import Stream
from .mapping import foreign_errors

if TYPE_CHECKING:
    import os

    from .arrival import Arrival

__all__ = ("BinaryResponse", "RawResponse", "StreamedResponse")

T = TypeVar("T")
U = TypeVar("U")


class RawResponse(ResponseHead, Generic[T]):
    """An answer with its head; `parse()` gives what the method alone would have given.

    With `stream=True` the body is left to the `Stream` that `parse()` gives.
    """

    __slots__ = ("__weakref__", "_closed", "_parse", "_result")

    def __init__(self, arrival: Arrival, parse: Callable[[Any], T]) -> None:
        super().__init__(arrival)
        self._parse = parse
        self._result: tuple[Any, T] | None = None
        self._closed = arrival.content is not None

    @property
    def is_closed(self) -> bool:
        """Whether the connection has been given back or closed."""
        return self._closed or self._arrival.response.complete

    @property
    def content(self) -> bytes:
        """The whole body.

        Raises:
            OpenAIError: The body is a stream of events, which `parse()` gives.
        """
        if self._arrival.content is None:
            raise OpenAIError("the body is a stream of events and has not been read; use parse() to get the stream")
        return self._arrival.body

    @property
    def text(self) -> str:
        """The body as text, in the character set that its content type names, else UTF-8."""
        return text_of(self.content, self.headers)

    def json(self) -> object:
        """Return the body decoded from JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.content)

    @overload
    def parse(self) -> T: ...
    @overload
    def parse(self, *, to: type[U]) -> U: ...
    def parse(self, *, to: Any = None) -> Any:
        """Return the body as the method's type, or as another one.

        Args:
            to: A type to decode into instead: a Struct class, `dict`, `object`, `str`, `bytes`, or a `Stream[...]`.

        Raises:
            APIError: The body is an error object.
            APIResponseValidationError: The body cannot be read as the type.
        """
        if self._result is None or self._result[0] is not to:
            self._result = (to, self._parse(to))
        return self._result[1]

    async def aclose(self) -> None:
        """Close the connection if the body is a stream of events that has not been read."""
        if not self._closed:
            self._closed = True
            await _close(self._arrival, self._result)

    async def close(self) -> None:
        """Do the same as `aclose`."""
        await self.aclose()

    def __del__(self) -> None:
        try:
            # From parse() on, the stream has the connection.
            if self.is_closed or self._result is not None:
                return
            self._closed = True
            self._arrival.response.abandon()
        except AttributeError:
            return  # the constructor did not come this far
        warn(f"{self!r} was dropped before parse() gave its stream", ResourceWarning, stacklevel=2, source=self)


class StreamedResponse(ResponseHead, Closing, Generic[T]):
    """An answer whose body the caller reads: at once, piece by piece, or into a file.

    Leaving the `async with` block closes the connection unless the body is at its end.
    """

    __slots__ = ("__weakref__", "_closed", "_foreign", "_parse", "_result", "_started")

    def __init__(self, arrival: Arrival, parse: Callable[[StreamedResponse[T], Any], Awaitable[T]]) -> None:
        super().__init__(arrival)
        self._parse = parse
        self._result: tuple[Any, T] | None = None
        self._foreign = foreign_errors(arrival.call)
        self._closed = False
        self._started = False

    @property
    def is_closed(self) -> bool:
        """Whether the connection has been given back or closed."""
        return self._closed or self._arrival.content is not None or self._arrival.response.complete

    async def read(self) -> bytes:
        """Return the whole body; later calls return it again.

        Cancelling loses the rest of the body and closes the connection.

        Raises:
            APIConnectionError: The body broke off.
            APITimeoutError: It fell silent for longer than the timeout.
            OpenAIError: The response is closed, or has been read in pieces.
        """
        if self._arrival.content is None:
            self._check_open()
            self._started = True
            limit = self._arrival.call.settings.max_bytes
            # It gives its bytes away without a copy, where joining large pieces holds the event loop; see `read_whole`.
            buffer = BytesIO()
            size = 0
            while piece := await self.receive():
                size += buffer.write(piece)
                if size > limit:
                    await self.aclose()
                    raise OpenAIError(f"the body exceeds {limit} bytes; read it in pieces with iter_bytes()")
            self._arrival.content = buffer.getvalue()
        return self._arrival.body

    async def receive(self) -> bytes:
        """Return the next piece as it arrived, or b"" at the end; prefer `iter_bytes`."""
        call = self._arrival.call
        with self._foreign:
            return await self._arrival.response.receive(timeout=call.remaining_silence(call.timeout.read))

    async def text(self) -> str:
        """Return the whole body as text, in the character set that its content type names, else UTF-8."""
        return text_of(await self.read(), self.headers)

    async def json(self) -> object:
        """Return the whole body decoded from JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(await self.read())

    @overload
    async def parse(self) -> T: ...
    @overload
    async def parse(self, *, to: type[U]) -> U: ...
    async def parse(self, *, to: Any = None) -> Any:
        """Return the body as the method's type, or as another one; with `stream=True` the open `Stream`.

        Args:
            to: A type to decode into instead: a Struct class, `dict`, `object`, `str`, `bytes`, or a `Stream[...]`.

        Raises:
            APIError: The body broke off, or is an error object.
            APIResponseValidationError: The body cannot be read as the type.
        """
        if self._result is None or self._result[0] is not to:
            self._result = (to, await self._parse(self, to))
        return self._result[1]

    def iter_bytes(self, chunk_size: int | None = None) -> ByteIterator:
        """Iterate over the body as it arrives.

        Args:
            chunk_size: Bytes in every piece but the last; None gives pieces as they come.
        """
        return ByteIterator(self._begin(), chunk_size)

    def iter_raw(self, chunk_size: int | None = None) -> ByteIterator:
        """Do the same as `iter_bytes`: content codings are undone while receiving."""
        return self.iter_bytes(chunk_size)

    def iter_text(self, chunk_size: int | None = None) -> TextIterator:
        """Iterate over the body's text as it arrives.

        Args:
            chunk_size: Bytes that are decoded at a time; None decodes pieces as they come.
        """
        return TextIterator(self.iter_bytes(chunk_size), self.headers)

    def iter_lines(self) -> LineIterator:
        """Iterate over the body's lines, without their ends, as they arrive."""
        return LineIterator(self.iter_text())

    async def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file as it arrives, in worker threads.

        The file is complete or as it was before, also when the download breaks off or is cancelled.

        Args:
            file: Where to; an existing file is replaced.
            chunk_size: Bytes per write; None writes pieces as they come.

        Raises:
            OSError: The file cannot be written.
            APIConnectionError: The body broke off.
        """
        await save(file, self.iter_bytes(chunk_size))

    def _begin(self) -> Callable[[], Awaitable[bytes]]:
        if self._arrival.content is not None:
            return _Remembered(self._arrival.body).receive
        self._check_open()
        self._started = True
        return self.receive

    def _check_open(self) -> None:
        if self._closed:
            raise OpenAIError("the response is closed; read it inside its `async with` block")
        if self._started:
            raise OpenAIError("the body has been read in pieces already; use read() first to read it again and again")

    async def aclose(self) -> None:
        """Close the connection unless the body is at its end; safe to repeat, safe when cancelled."""
        if not self._closed:
            self._closed = True
            await _close(self._arrival, self._result)

    def _hand_over(self) -> Arrival:
        """Leave the body to a `Stream`; leaving the block still closes it."""
        self._check_open()
        self._started = True
        return self._arrival

    def __del__(self) -> None:
        try:
            if self._closed or self._arrival.content is not None or self._arrival.response.complete:
                return
            self._closed = True
            self._arrival.response.abandon()
        except AttributeError:
            return  # the constructor did not come this far
        warn(
            f"{self!r} was dropped before its body was read; use `async with`",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


async def _close(arrival: Arrival, parsed: tuple[object, object] | None) -> None:
    """End an exchange: through the stream that parse() gave, if it did, so that nobody waits for its next event."""
    if parsed is not None and isinstance(parsed[1], Stream):
        await cast("Stream[object]", parsed[1]).aclose()
    with grace():
        await arrival.response.aclose()


class _Remembered:
    """Gives a body that has been read already once more."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def receive(self) -> bytes:
        content, self._content = self._content, b""
        return content
