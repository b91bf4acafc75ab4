"""`ChatToolRun`: a run of tools over chat completions as users hold it; in which order things happen is `loop`'s business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from msgspec import Struct

from .._omit import Omit, omit
from .._sansio.usage import Usage
from ..errors import OpenAIError
from ..streaming.chat_events import ContentDoneEvent, RefusalDoneEvent
from ..streaming.chat_stream import opening
from ..structured.completion import PARSE, CompletionParser, asked_completion
from ..structured.parser import listed
from ..types.chat.parsed_chat_completion import ParsedChatCompletion, ParsedChatCompletionMessage
from .call import CallOutcome, ToolCall
from .call_table import table_of
from .chat_loop_events import (
    ChatCompletionEvent,
    ChatToolRunEvent,
    FinalChatCompletionEvent,
    FinalContentEvent,
    FinalMessageEvent,
    MessageEvent,
)
from .loop import ToolRun
from .loop_manager import ToolRunManager
from .loop_settings import LoopSettings, settings_from

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Caller, RequestOptions
    from ..streaming.chat_stream import AsyncChatCompletionStream
    from ..streaming.helper import HelperStream
    from ..types.chat.chat_completion_message_param import ChatCompletionMessageParam
    from ..types.chat.chat_completion_tool_message_param import ChatCompletionToolMessageParam

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("ChatToolResult", "ChatToolRun", "chat_run")


class ChatToolResult(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of a run of tools over chat completions.

    Attributes:
        completion: The last answer.
        messages: The conversation: what was given, the answers' messages, and the outputs of tools.
        completions: All answers.
        usage: What they cost together.
        function_tool_call: The last call; None if no tool was called.
        function_tool_call_result: What the model was told of it.
        function_tool_call_value: What the tool returned.
    """

    completion: ParsedChatCompletion[T]
    messages: list[ChatCompletionMessageParam]
    completions: list[ParsedChatCompletion[T]]
    usage: Usage
    function_tool_call: ToolCall | None
    function_tool_call_result: str | None
    function_tool_call_value: object

    @property
    def message(self) -> ParsedChatCompletionMessage[T]:
        """The message of the last answer."""
        return self.completion.choices[0].message

    @property
    def content(self) -> str | None:
        """The content of the last answer; None where it is a call that was forced, or a refusal."""
        return self.message.content

    @property
    def parsed(self) -> T | None:
        """The content as the type that was asked for; None if none was, or there is no content."""
        return self.message.parsed


class ChatToolRun(ToolRun[ChatToolRunEvent[T], ParsedChatCompletion[T], ChatToolResult[T]], Generic[T]):
    """A run of tools over chat completions: an async iterator of its events, inside `async with`.

    Attributes:
        messages: The conversation so far. It is what the next request sends: what your program adds between two turns is
            sent with it.
    """

    def __init__(
        self,
        caller: Caller,
        body: Mapping[str, object],
        messages: Iterable[ChatCompletionMessageParam],
        parser: CompletionParser[T],
        settings: LoopSettings,
        group: TaskGroup,
    ) -> None:
        super().__init__(settings, group)
        self._caller = caller
        self._body = body
        self._parser = parser
        self.messages: list[ChatCompletionMessageParam] = list(messages)

    def all_chat_completions(self) -> list[ParsedChatCompletion[T]]:
        """Return the answers so far."""
        return list(self._answers)

    async def final_chat_completion(self) -> ParsedChatCompletion[T]:
        """Bring the run to its end and return its last answer.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).completion

    async def final_message(self) -> ParsedChatCompletionMessage[T]:
        """Bring the run to its end and return the message of its last answer.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).message

    async def final_content(self) -> str | None:
        """Bring the run to its end and return the content of its last answer; None where a forced call ended it.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).content

    async def final_parsed(self) -> T | None:
        """Bring the run to its end and return its last content as the type that was asked for.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).parsed

    # -- what the loop asks for ----------------------------------------------------------------------------------------

    async def _send(self, options: RequestOptions) -> ParsedChatCompletion[T]:
        answer: ParsedChatCompletion[T] = await self._caller.call(
            PARSE, body={**self._body, "messages": list(self.messages)}, options=options, convert=self._parser
        )
        return answer

    async def _open(self, options: RequestOptions) -> HelperStream[Any]:
        return await opening(
            self._caller, {**self._body, "messages": list(self.messages)}, self._parser, options
        ).__aenter__()

    async def _final_of(self, stream: AsyncChatCompletionStream[T]) -> ParsedChatCompletion[T]:
        return await stream.get_final_completion()

    def _add(self, answer: ParsedChatCompletion[T]) -> list[ToolCall]:
        choices = listed(answer.choices)
        message: object = getattr(choices[0], "message", None) if choices else None
        if not isinstance(message, ParsedChatCompletionMessage):
            raise OpenAIError("the completion has no message, so that the run cannot go on; its answers are kept")
        known = cast("ParsedChatCompletionMessage[T]", message)
        self._tell(ChatCompletionEvent(answer))
        self.messages.append(known)
        self._tell(MessageEvent(known))
        if not self._settings.stream:
            # A stream has told of these already.
            if known.content:
                self._tell(ContentDoneEvent(known.content, known.parsed))
            if known.refusal:
                self._tell(RefusalDoneEvent(known.refusal))
        return _calls_of(known, len(self._answers))

    def _add_output(self, outcome: CallOutcome) -> None:
        message = cast(
            "ChatCompletionToolMessageParam",
            {"role": "tool", "tool_call_id": outcome.call.call_id, "content": outcome.content},
        )
        self.messages.append(message)
        self._tell(MessageEvent(message))

    def _unanswered(self) -> bool:
        return False

    def _tell_finals(self) -> None:
        result = self._result()
        self._tell(FinalChatCompletionEvent(result.completion))
        self._tell(FinalMessageEvent(result.message))
        if result.content:
            self._tell(FinalContentEvent(result.content, result.parsed))

    def _result(self) -> ChatToolResult[T]:
        outcome = self._outcome
        return ChatToolResult(
            completion=self._answers[-1],
            messages=list(self.messages),
            completions=list(self._answers),
            usage=self._usage,
            function_tool_call=self._call,
            function_tool_call_result=None if outcome is None else outcome.text,
            function_tool_call_value=None if outcome is None else outcome.value,
        )

    def _history(self) -> list[ChatCompletionMessageParam]:
        return self.messages


def _calls_of(message: ParsedChatCompletionMessage[Any], turn: int) -> list[ToolCall]:
    """Return the calls of a message; of a kind that this version does not know, one that no tool answers."""
    calls: list[ToolCall] = []
    for index, call in enumerate(listed(message.tool_calls)):
        custom = getattr(call, "custom", None)
        part: Any = getattr(call, "function", None) if custom is None else custom
        calls.append(
            ToolCall(
                name=str(getattr(part, "name", None) or getattr(call, "type", "")),
                arguments=str(getattr(part, "arguments" if custom is None else "input", None) or ""),
                call_id=str(getattr(call, "id", "")),
                index=index,
                turn=turn,
                kind="function" if custom is None else "custom",
            )
        )
    return calls


def chat_run(
    caller: Caller,
    body: Mapping[str, object],
    *,
    messages: Iterable[ChatCompletionMessageParam],
    response_format: Any,
    tools: Iterable[Any],
    stream: bool,
    options: RequestOptions,
    **told: Any,
) -> ToolRunManager[ChatToolRun[Any], ChatToolResult[Any]]:
    """Return a run that has not begun.

    Raises:
        UnsupportedSchemaError: A type or a function has no form in the schemas that the API takes.
        TypeError: The caller is a raw view, or something is no tool.
        ValueError: A tool has no function, a limit is not above zero, or a policy is none.
    """
    if getattr(caller, "view", "plain") != "plain":
        raise TypeError("run_tools() has no raw view; use client.chat.completions.run_tools(...)")
    asked, _, parser = asked_completion(response_format, omit)
    table = table_of(tools, "chat")
    reading: CompletionParser[Any] = CompletionParser(parser.output, table.readers)
    settings = settings_from(table, forced=_forced(body.get("tool_choice")), stream=stream, options=options, **told)
    whole = {**body, "response_format": asked, "tools": table.sent or omit}
    if stream and isinstance(whole.get("stream_options"), Omit):
        # What the limit of tokens, the sum and ledgers are made of.
        whole["stream_options"] = {"include_usage": True}
    given = list(messages)
    return ToolRunManager(lambda group: ChatToolRun(caller, whole, given, reading, settings, group))


def _forced(choice: object) -> str | None:
    """Return the only function that a choice of tools allows and demands; None for another choice."""
    if not isinstance(choice, Mapping):
        return None
    members = cast("Mapping[str, object]", choice)
    named = members.get(cast("str", members.get("type")))
    name = cast("Mapping[str, object]", named).get("name") if isinstance(named, Mapping) else None
    return name if members.get("type") in ("function", "custom") and isinstance(name, str) else None
