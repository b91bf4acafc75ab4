"""`Passage`: the bytes of a stream as they arrive, whole events at a time, watched on their way; who takes them is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._codec import DecodeFailure, decode_any
from ..errors import APIError, OpenAIError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._sansio.sse import ServerSentEvent
    from .iteration import Stream

__all__ = ("Passage",)

HOLD_BYTES: Final = 16384
"""Most that is held of an event that is not complete; one frame of HTTP/2 has as much, and few events are larger."""

_BLANK: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""What ends an event, the usual one first."""


class Passage:
    """A stream that nobody reads as events: `receive` gives its bytes, and what they mean is noted by the way.

    Few events are decoded: those that may end the stream, say what it cost, or are an error.

    Attributes:
        clean: Whether what was given so far ends between two events.
        error: The error that the server sent in the stream; its event has been given like any other.
    """

    __slots__ = ("_held", "_over", "_stream", "clean", "error")

    def __init__(self, stream: Stream[Any]) -> None:
        if stream._closed or stream._received:
            raise OpenAIError("the stream has been read or closed; pass its bytes on from the beginning")
        stream._pass_bytes()
        self._stream = stream
        self._held = b""
        self._over = False
        self.clean: bool = True
        self.error: APIError | None = None

    async def receive(self) -> bytes:
        """Return the next bytes, b"" at the end. Cancelling hangs up.

        Raises:
            APIError: The stream broke off, went silent, or has an event above the limit.
        """
        stream = self._stream
        while True:
            if self._over:
                if not stream._closed:
                    await stream._finish()
                return b""
            piece = await stream._next_piece()
            if not piece:
                if piece is not None:
                    await stream._end_of_input()
                # What is held is the end of a whole stream, such as a [DONE] without its blank line.
                self._over = True
                held, self._held = self._held, b""
                return held
            frames = await stream._split_whole(piece)
            clean = self.clean
            whole = self._whole(piece)
            # Of whole events only, all that `whole` is made of: then they can be looked at together.
            if clean and self.clean and self._usual(frames, whole):
                stream._count += len(frames)
            else:
                for frame in frames:
                    if not self._over:
                        await self._watch(frame)
            if whole:
                return whole

    def _usual(self, frames: Sequence[ServerSentEvent], data: bytes) -> bool:
        """Tell whether surely nothing is to be noted of events, given them and their bytes; a look at each costs more."""
        names = [frame.event for frame in frames]
        return b'"error"' not in data and "error" not in names and self._stream._ending.goes_on(names, data)

    async def _watch(self, frame: ServerSentEvent) -> None:
        """Take notice of an event."""
        stream = self._stream
        name, data = frame.event, frame.data
        if data.startswith(b"[DONE]"):
            stream._ending.saw_done()
            self._over = True
            return
        try:
            if name == "error" or b'"error"' in data:
                await stream._refuse_error(name, data)
        except APIError as error:
            self.error = error
            self._over = True
            return
        stream._count += 1
        if stream._ending.wants(name, data):
            try:
                event = decode_any(data)
            except DecodeFailure:
                return  # whoever reads it will say so
            self._over = stream._ending.observe({"event": name, "data": event} if stream._named else event)

    def _whole(self, piece: bytes) -> bytes:
        """Return what is complete of the bytes that are held and the next ones; large events pass in parts."""
        data = self._held + piece if self._held else piece
        end = 0
        for blank in _BLANK if b"\r" in data else _BLANK[:1]:
            found = data.rfind(blank)
            if found >= 0:
                end = max(end, found + len(blank))
        if len(data) - end > HOLD_BYTES:
            self._held = b""
            self.clean = False
            return data
        self._held = data[end:]
        if end:
            self.clean = True
        return data[:end]
