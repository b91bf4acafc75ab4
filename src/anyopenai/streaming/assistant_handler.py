"""`AsyncAssistantEventHandler`: the stream of a run as users hold it, with its hooks; putting runs together is not done here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from .._engine.closing import Closing
from .._engine.text_stream import TextStream
from .._sansio.accumulate import delta_of
from .._tasks import grace
from ..errors import APITimeoutError, OpenAIError
from ..types.beta.assistant_stream_event import AssistantStreamEvent
from .assistant_events import RunEvents

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import ResponseInfo
    from .._engine.iteration import Stream
    from ..types.beta.threads.image_file import ImageFile
    from ..types.beta.threads.message import Message
    from ..types.beta.threads.message_delta import MessageDelta
    from ..types.beta.threads.run import Run
    from ..types.beta.threads.runs.run_step import RunStep
    from ..types.beta.threads.runs.run_step_delta import RunStepDelta
    from ..types.beta.threads.runs.tool_call import ToolCall
    from ..types.beta.threads.runs.tool_call_delta import ToolCallDelta
    from ..types.beta.threads.text import Text
    from ..types.beta.threads.text_delta import TextDelta
    from .assistant_state import GrowingRun

    AsyncAssistantEventHandlerT = TypeVarWithDefault(
        "AsyncAssistantEventHandlerT", bound="AsyncAssistantEventHandler", default="AsyncAssistantEventHandler"
    )
else:
    AsyncAssistantEventHandlerT = TypeVar("AsyncAssistantEventHandlerT", bound="AsyncAssistantEventHandler")

__all__ = ("AsyncAssistantEventHandler", "AsyncAssistantEventHandlerT", "begin", "check_unused")


class AsyncAssistantEventHandler(Closing):
    """The events of a run, and what they become: an async iterator, with hooks for those who subclass it.

    ::

        class Typewriter(AsyncAssistantEventHandler):
            async def on_text_delta(self, delta, snapshot):
                print(delta.value, end="", flush=True)


        async with client.beta.threads.runs.stream(
            thread_id=..., assistant_id=..., event_handler=Typewriter()
        ) as stream:
            await stream.until_done()

    Hooks are called while the stream is read, one after the other, before the event that they tell of is given. What a
    hook raises ends the stream, hangs up, and is raised by whoever reads. One handler serves one stream. Cancelling a
    step, and a hook, hangs up.
    """

    # Named so that subclasses may call what they have as they like.
    __events: RunEvents | None = None
    __event: AssistantStreamEvent | None = None

    def _anyopenai_begin(self, raw: Stream[Any]) -> None:
        """Read a stream from now on."""
        self.__events = RunEvents(raw, frozenset(name for name in _HOOKS if _is_overridden(self, name)))

    @property
    def _anyopenai_used(self) -> bool:
        """Whether it has a stream already."""
        return self.__events is not None

    def __begun(self) -> RunEvents:
        if self.__events is None:
            raise OpenAIError(
                "this handler has no stream yet; write `async with client.beta.threads.runs.stream(..., "
                "event_handler=handler) as stream:`"
            )
        return self.__events

    def __reading(self) -> RunEvents:
        events = self.__begun()
        if events.telling:
            raise OpenAIError("a hook of this handler is running; read the stream in one task, and not in its hooks")
        return events

    # -- reading ---------------------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AssistantStreamEvent:
        """Return the next event, after the hooks that it concerns were called.

        Everything that one read brought is handed out without waiting. Cancelling while it waits, or while a hook runs,
        hangs up.

        Raises:
            StopAsyncIteration: The run has come to its end, or the stream was closed.
            StreamTruncated: The input ended before the run did; `partial` is a `RunSoFar`.
            APIError: The server sent an error, or the connection failed.
            Exception: What a hook raised.
        """
        events = self.__reading()
        try:
            event = await events.__anext__()
            if not events.wanted:
                events.state.take(event, events.wanted)
                return event
            events.telling = True
            try:
                await self.__tell(event, events)
            finally:
                events.telling = False
        except StopAsyncIteration:
            if events.take_end():
                await self.on_end()
            raise
        except GeneratorExit:
            raise  # nothing can be awaited any more
        except BaseException as error:
            await self.__failed(events, error)
            raise
        return event

    async def __tell(self, event: AssistantStreamEvent, events: RunEvents) -> None:
        """Take an event, and call the hooks that it concerns."""
        self.__event = event
        if "on_event" in events.wanted:
            await self.on_event(event)
        happenings = events.state.take(event, events.wanted)
        if happenings:
            for name, *facts in happenings:
                await getattr(self, str(name))(*facts)
            events.state.settle()
        self.__event = None

    async def __failed(self, events: RunEvents, error: BaseException) -> None:
        """Hang up because of an error, and tell of it."""
        cancelled = not isinstance(error, Exception)
        try:
            await events.aclose()
            if isinstance(error, APITimeoutError | TimeoutError):
                await self.on_timeout()
            if isinstance(error, Exception):
                await self.on_exception(error)
        except BaseException as another:
            cancelled = not isinstance(another, Exception)
            raise
        finally:
            if cancelled:
                with grace():
                    await self.on_end()
            else:
                await self.on_end()

    async def until_done(self) -> None:
        """Read the stream to its end and let the events go; cancelling hangs up.

        Raises:
            APIError: What reading raises.
            Exception: What a hook raised.
        """
        async for _ in self:
            continue

    @property
    def text_deltas(self) -> TextStream:
        """The same stream as the text of its messages alone, piece by piece; hooks are called as well."""
        spoken = delta_of("run")
        assert spoken is not None  # runs have texts
        return TextStream(self, spoken)

    @property
    def text_stream(self) -> TextStream:
        """The same as `text_deltas`, under the name that the other streams have for it."""
        return self.text_deltas

    @cached_property
    def response(self) -> ResponseInfo:
        """The answer's head: status, headers, the request it answers."""
        return self.__begun().response

    async def aclose(self) -> None:
        """Hang up, unless the run has come to its end; safe to repeat, safe when cancelled. Calls no hook."""
        if self.__events is not None:
            await self.__events.aclose()

    # -- what it becomes -------------------------------------------------------------------------------------------

    @property
    def current_event(self) -> AssistantStreamEvent | None:
        """The event that hooks are being called for; None between events."""
        return self.__event

    @property
    def current_run(self) -> Run | None:
        """The run as the last event said that was about all of it; in `on_event` that is an event before."""
        return None if self.__events is None else self.__events.state.run

    @property
    def current_run_step_snapshot(self) -> RunStep | None:
        """The step that the latest event of one was about, so far: one object that grows; None once it has ended."""
        step = None if self.__events is None else self.__events.state.step
        return None if step is None else step.snapshot()

    @property
    def current_message_snapshot(self) -> Message | None:
        """The message that the latest event of one was about, so far: one object that grows."""
        message = None if self.__events is None else self.__events.state.message
        return None if message is None else message.snapshot()

    async def get_final_run(self) -> Run:
        """Read the stream to its end and return the run; it may be completed, wait for tools, have failed and so on.

        Raises:
            APIError: What reading raises, also if it was raised before.
            OpenAIError: The stream was closed before its end, or told nothing of the run as a whole.
        """
        run = (await self.__final()).run
        if run is None:
            raise OpenAIError(
                "no event said anything of the run as a whole; get_final_messages() and _run_steps() have the rest"
            )
        return run

    async def get_final_run_steps(self) -> list[RunStep]:
        """Read the stream to its end and return the run's steps, each as it was at its end.

        Raises:
            APIError: What reading raises, also if it was raised before.
            OpenAIError: The stream was closed before its end.
        """
        return (await self.__final()).steps

    async def get_final_messages(self) -> list[Message]:
        """Read the stream to its end and return the run's messages, each as it was at its end.

        Raises:
            APIError: What reading raises, also if it was raised before.
            OpenAIError: The stream was closed before its end.
        """
        return (await self.__final()).messages

    async def __final(self) -> GrowingRun:
        events = self.__reading()
        events.check_failure()
        await self.until_done()
        events.check_whole()
        return events.state

    # -- hooks -----------------------------------------------------------------------------------------------------

    async def on_event(self, event: AssistantStreamEvent) -> None:
        """Called first for every event."""

    async def on_run_step_created(self, run_step: RunStep) -> None:
        """Called when a step begins."""

    async def on_run_step_delta(self, delta: RunStepDelta, snapshot: RunStep) -> None:
        """Called for every piece of a step, after the hooks of its calls.

        Args:
            delta: The piece.
            snapshot: The step so far: one object that grows.
        """

    async def on_run_step_done(self, run_step: RunStep) -> None:
        """Called when a step has ended: completed, failed, cancelled or expired."""

    async def on_tool_call_created(self, tool_call: ToolCall) -> None:
        """Called when a call of a tool begins, with what its first piece brought."""

    async def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        """Called for every further piece of a call.

        Args:
            delta: The piece.
            snapshot: The call so far: one object that grows.
        """

    async def on_tool_call_done(self, tool_call: ToolCall) -> None:
        """Called when a call is complete: another one begins, its step ends, or its run ends or waits for outputs.

        A function's call whose arguments are no whole JSON yet does not count as complete when another one begins. If
        more of a call comes after this all the same, it is called once more at the end.
        """

    async def on_exception(self, exception: Exception) -> None:
        """Called when reading the stream fails, or a hook does; the error is raised after it."""

    async def on_timeout(self) -> None:
        """Called before `on_exception` if the error is that nothing came in time."""

    async def on_end(self) -> None:
        """Called last: the stream has come to its end, failed, or was cancelled while it was read.

        When cancelled it has a second for what it awaits. A stream that is left early, or closed, ends without it.
        """

    async def on_message_created(self, message: Message) -> None:
        """Called when a message begins."""

    async def on_message_delta(self, delta: MessageDelta, snapshot: Message) -> None:
        """Called for every piece of a message, after the hooks of its parts.

        Args:
            delta: The piece.
            snapshot: The message so far: one object that grows.
        """

    async def on_message_done(self, message: Message) -> None:
        """Called when a message has ended: completed or incomplete."""

    async def on_text_created(self, text: Text) -> None:
        """Called when a text begins, with what its first piece brought."""

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        """Called for every piece of a text.

        Args:
            delta: The piece.
            snapshot: The text so far: one object that grows.
        """

    async def on_text_done(self, text: Text) -> None:
        """Called when a text is complete: another part of the message begins, or the message ends.

        If more of it comes after that all the same, it is called once more at the end of the message.
        """

    async def on_image_file_done(self, image_file: ImageFile) -> None:
        """Called when an image of a message is complete."""


def _is_overridden(handler: AsyncAssistantEventHandler, name: str) -> bool:
    hook: object = getattr(handler, name)
    return getattr(hook, "__func__", None) is not getattr(AsyncAssistantEventHandler, name)


def begin(handler: AsyncAssistantEventHandlerT, raw: Stream[Any]) -> AsyncAssistantEventHandlerT:
    """Give a handler its stream, and return it."""
    handler._anyopenai_begin(raw)
    return handler


def check_unused(handler: AsyncAssistantEventHandler) -> None:
    """Raise if a handler has a stream already.

    Raises:
        OpenAIError: It has.
    """
    if handler._anyopenai_used:
        raise OpenAIError("a handler serves one stream; make another one for another stream")


# Those that are called for events; the others are called in any case.
_HOOKS: Final = (
    "on_event",
    "on_image_file_done",
    "on_message_created",
    "on_message_delta",
    "on_message_done",
    "on_run_step_created",
    "on_run_step_delta",
    "on_run_step_done",
    "on_text_created",
    "on_text_delta",
    "on_text_done",
    "on_tool_call_created",
    "on_tool_call_delta",
    "on_tool_call_done",
)
