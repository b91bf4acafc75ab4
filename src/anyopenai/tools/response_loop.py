"""`ResponseToolRun`: a run of tools over responses as users hold it; in which order things happen is `loop`'s business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from msgspec import Struct

from .._omit import Omit, omit
from .._sansio.usage import Usage
from ..streaming.response_state import refuse_incomplete
from ..streaming.response_stream import failure_of, opening
from ..structured.parser import listed
from ..structured.response import PARSE, ResponseParser, asked_response
from ..types.responses.parsed_response import ParsedResponse
from .call import CallOutcome, ToolCall
from .call_table import table_of
from .loop import ToolRun
from .loop_manager import ToolRunManager
from .loop_settings import LoopSettings, settings_from
from .response_items import to_response_input_items
from .response_loop_events import (
    FinalOutputTextEvent,
    FinalResponseEvent,
    ItemEvent,
    ResponseEvent,
    ResponseToolRunEvent,
)

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Caller, RequestOptions
    from ..streaming.helper import HelperStream
    from ..streaming.response_stream import AsyncResponseStream
    from ..types.responses.response_input_item_param import ResponseInputItemParam

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("ResponseToolResult", "ResponseToolRun", "response_run")

_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}

# Calls that a caller answers, and this loop does not: the server waits for them.
_OTHERS: Final = frozenset(
    {"apply_patch_call", "computer_call", "local_shell_call", "mcp_approval_request", "shell_call"}
)


class ResponseToolResult(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of a run of tools over responses.

    Attributes:
        response: The last answer.
        items: The conversation as input of a further request: what was given, the answers' outputs, and the outputs of
            tools.
        responses: All answers.
        usage: What they cost together.
        function_tool_call: The last call; None if no tool was called.
        function_tool_call_result: What the model was told of it.
        function_tool_call_value: What the tool returned.
    """

    response: ParsedResponse[T]
    items: list[ResponseInputItemParam]
    responses: list[ParsedResponse[T]]
    usage: Usage
    function_tool_call: ToolCall | None
    function_tool_call_result: str | None
    function_tool_call_value: object

    @property
    def output_text(self) -> str:
        """The text of the last answer."""
        return self.response.output_text

    @property
    def output_parsed(self) -> T | None:
        """The last answer's first text as the type that was asked for; None if none was, or there is no text."""
        return self.response.output_parsed


class ResponseToolRun(ToolRun[ResponseToolRunEvent[T], ParsedResponse[T], ResponseToolResult[T]], Generic[T]):
    """A run of tools over responses: an async iterator of its events, inside `async with`.

    Attributes:
        items: The conversation so far. It is what the next request sends: what your program adds between two turns is
            sent with it.
    """

    def __init__(
        self,
        caller: Caller,
        body: Mapping[str, object],
        given: Iterable[ResponseInputItemParam],
        parser: ResponseParser[T],
        settings: LoopSettings,
        group: TaskGroup,
    ) -> None:
        super().__init__(settings, group)
        self._caller = caller
        self._body = body
        self._parser = parser
        self.items: list[ResponseInputItemParam] = list(given)
        # With a conversation the server keeps what was sent: only what is new is sent then.
        self._kept = not isinstance(body.get("conversation"), Omit) and body.get("conversation") is not None
        self._sent = 0
        self._callers: dict[str, object] = {}
        self._pending = False

    def all_responses(self) -> list[ParsedResponse[T]]:
        """Return the answers so far."""
        return list(self._answers)

    async def final_response(self) -> ParsedResponse[T]:
        """Bring the run to its end and return its last answer.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).response

    async def final_output_text(self) -> str:
        """Bring the run to its end and return the text of its last answer; empty where a forced call ended it.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).output_text

    async def final_content(self) -> str | None:
        """Bring the run to its end and return the text of its last answer; None if it has none.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).output_text or None

    async def final_output_parsed(self) -> T | None:
        """Bring the run to its end and return its last text as the type that was asked for.

        Raises:
            Exception: What `done()` raises.
        """
        return (await self.result()).output_parsed

    # -- what the loop asks for ----------------------------------------------------------------------------------------

    def _next(self) -> dict[str, object]:
        """Return what the next request sends."""
        items = self.items[self._sent :] if self._kept else list(self.items)
        # Without input the server goes by the prompt or the conversation.
        return {**self._body, "input": items or omit}

    async def _send(self, options: RequestOptions) -> ParsedResponse[T]:
        body = self._next()
        sent = len(self.items)
        raw = await self._caller.raw.call(PARSE, body=body, options=options, convert=self._parser)
        response: ParsedResponse[T] = raw.parse()
        self._sent = sent
        if response.status == "failed":
            raise failure_of(response.error, raw.http_response)
        refuse_incomplete(response, "the answers before it are kept")
        return response

    async def _open(self, options: RequestOptions) -> HelperStream[Any]:
        body = self._next()
        sent = len(self.items)
        stream = await opening(self._caller, body, self._parser, omit, omit, options).__aenter__()
        self._sent = sent
        return stream

    async def _final_of(self, stream: AsyncResponseStream[T]) -> ParsedResponse[T]:
        return await stream.get_final_response()

    def _add(self, answer: ParsedResponse[T]) -> list[ToolCall]:
        # Items are objects, or dicts of kinds that this version does not know; what is neither cannot be sent again.
        output: list[Any] = [item for item in listed(answer.output) if isinstance(item, Struct | dict)]
        self._tell(ResponseEvent(answer))
        added = to_response_input_items(output)
        self.items += added
        if self._kept:
            self._sent = len(self.items)
        for item in added:
            self._tell(ItemEvent(item))
        # What the server has run has its output beside it.
        answered = {_member(item, "call_id") for item in output if _member(item, "type").endswith("_output")}
        left = [item for item in output if _member(item, "call_id") not in answered]
        self._pending = any(_member(item, "type") in _OTHERS for item in left)
        found = [item for item in left if _member(item, "type") in _CALLS]
        turn = len(self._answers)
        self._callers = {_member(item, "call_id"): getattr(item, "caller", None) for item in found}
        return [
            ToolCall(
                name=_member(item, "name"),
                arguments=_member(item, _CALLS[_member(item, "type")]),
                call_id=_member(item, "call_id"),
                index=index,
                turn=turn,
                kind="function" if _member(item, "type") == "function_call" else "custom",
            )
            for index, item in enumerate(found)
        ]

    def _add_output(self, outcome: CallOutcome) -> None:
        call = outcome.call
        kind = "function_call_output" if call.kind == "function" else "custom_tool_call_output"
        members: dict[str, object] = {"type": kind, "call_id": call.call_id, "output": outcome.content}
        caller = self._callers.get(call.call_id)
        if caller is not None:
            # A program of the model's made the call, and waits for it.
            members["caller"] = caller
        item = cast("ResponseInputItemParam", members)
        self.items.append(item)
        self._tell(ItemEvent(item))

    def _unanswered(self) -> bool:
        return self._pending

    def _tell_finals(self) -> None:
        result = self._result()
        self._tell(FinalResponseEvent(result.response))
        if result.output_text:
            self._tell(FinalOutputTextEvent(result.output_text, result.output_parsed))

    def _result(self) -> ResponseToolResult[T]:
        outcome = self._outcome
        return ResponseToolResult(
            response=self._answers[-1],
            items=list(self.items),
            responses=list(self._answers),
            usage=self._usage,
            function_tool_call=self._call,
            function_tool_call_result=None if outcome is None else outcome.text,
            function_tool_call_value=None if outcome is None else outcome.value,
        )

    def _history(self) -> list[ResponseInputItemParam]:
        return self.items


def _member(item: object, name: str) -> str:
    """Return a member of an item that is a text; "" where a server leaves it out."""
    found: object = getattr(item, name, None)
    return found if isinstance(found, str) else ""


def response_run(
    caller: Caller,
    body: Mapping[str, object],
    *,
    input: str | Iterable[ResponseInputItemParam] | Omit,  # noqa: A002 - the API's name
    text_format: Any,
    text: Any,
    tools: Iterable[Any],
    stream: bool,
    options: RequestOptions,
    **told: Any,
) -> ToolRunManager[ResponseToolRun[Any], ResponseToolResult[Any]]:
    """Return a run that has not begun.

    Raises:
        UnsupportedSchemaError: A type or a function has no form in the schemas that the API takes.
        TypeError: The caller is a raw view, something is no tool, or `text` has a format beside `text_format`.
        ValueError: A tool has no function, a limit is not above zero, or a policy is none.
    """
    if getattr(caller, "view", "plain") != "plain":
        raise TypeError("run_tools() has no raw view; use client.responses.run_tools(...)")
    sent_text, _, parser = asked_response(text_format, omit, text, omit)
    table = table_of(tools, "responses")
    reading: ResponseParser[Any] = ResponseParser(parser.output, table.readers)
    settings = settings_from(table, forced=_forced(body.get("tool_choice")), stream=stream, options=options, **told)
    whole = {**body, "text": sent_text, "tools": table.sent or omit}
    given: list[ResponseInputItemParam] = []
    if isinstance(input, str):
        given = [cast("ResponseInputItemParam", {"role": "user", "content": input})]
    elif not isinstance(input, Omit):
        given = list(input)
    return ToolRunManager(lambda group: ResponseToolRun(caller, whole, given, reading, settings, group))


def _forced(choice: object) -> str | None:
    """Return the only function that a choice of tools allows and demands; None for another choice."""
    if not isinstance(choice, Mapping):
        return None
    members = cast("Mapping[str, object]", choice)
    name = members.get("name")
    return name if members.get("type") in ("function", "custom") and isinstance(name, str) else None
