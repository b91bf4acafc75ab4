"""A chat completion read as a type: what is asked for, and what the answer says; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .._codec.extras import derive
from .._contract import Operation
from .._omit import Omit, omit
from ..errors import ContentFilterFinishReasonError, LengthFinishReasonError
from ..types.chat.parsed_chat_completion import ParsedChatCompletion, ParsedChatCompletionMessage
from ..types.chat.parsed_function_tool_call import ParsedFunction
from .formats import asked_for, response_format_of
from .output import read_object
from .parser import AnswerParser, listed
from .tool import FunctionTool, tool_in

__all__ = ("PARSE", "CompletionParser", "asked_completion")

T = TypeVar("T")

PARSE: Final[Operation[ParsedChatCompletion[Any]]] = Operation(
    name="chat.completions.parse",
    verb="POST",
    path="/chat/completions",
    returns=ParsedChatCompletion,
    body="json",
    doc="https://platform.openai.com/docs/guides/structured-outputs",
)


class CompletionParser(AnswerParser[T]):
    """Reads contents as a type, and arguments of calls as what their tools take.

    Whole completions are read by calling it; who puts one together from a stream reads its parts with `text` and
    `arguments` as they end.

    Args:
        output: What the content is read as; None leaves it as text.
        tools: What reads the arguments of calls, by the function's name.
    """

    __slots__ = ()

    def __call__(self, completion: ParsedChatCompletion[T]) -> ParsedChatCompletion[T]:
        """Read every choice of a completion, which is returned.

        Raises:
            LengthFinishReasonError: A choice was cut by its token limit.
            ContentFilterFinishReasonError: A choice was withheld by the content filter.
            DecodeFailure: Something does not fit; the message says what and where.
        """
        for number, choice in enumerate(listed(completion.choices)):
            reason = getattr(choice, "finish_reason", None)
            if reason == "length":
                raise LengthFinishReasonError(completion=completion)
            if reason == "content_filter":
                raise ContentFilterFinishReasonError
            message: object = getattr(choice, "message", None)
            if isinstance(message, ParsedChatCompletionMessage):
                self._read(cast("ParsedChatCompletionMessage[T]", message), f"choices[{number}].message")
        return completion

    def _read(self, message: ParsedChatCompletionMessage[T], path: str) -> None:
        for number, call in enumerate(listed(message.tool_calls)):
            function: object = getattr(call, "function", None)
            if isinstance(function, ParsedFunction):
                found = self.arguments(
                    function.name, function.arguments, path=f"{path}.tool_calls[{number}].function.arguments"
                )
                derive(function, "parsed_arguments", found)
        if message.refusal:
            derive(message, "parsed", None)
        else:
            derive(message, "parsed", self.text(message.content, path=f"{path}.content"))


def asked_completion(
    response_format: Any, tools: Iterable[Any] | Omit | None
) -> tuple[object, list[object] | Omit, CompletionParser[Any]]:
    """Return `response_format` and `tools` as they are sent, and what reads the answer.

    Raises:
        UnsupportedSchemaError: A type has no form in the schemas that the API takes.
        ValueError: A tool that was written by hand is not strict, so that its arguments may be anything.
    """
    output = asked_for(response_format, parameter="response_format")
    sent = response_format if output is None else response_format_of(output)
    if tools is None or isinstance(tools, Omit):
        return sent, omit, CompletionParser(output, {})
    readers: dict[str, Callable[[str | bytes], object]] = {}
    offered: list[object] = []
    for given in tools:
        tool = tool_in(given)
        if tool is not None:
            readers[tool.name] = tool.decode
            # Plain dicts, which the encoder writes without looking at each member.
            others = {"type": "function"} if isinstance(given, FunctionTool) else cast("Mapping[str, object]", given)
            offered.append({**others, "function": tool.members()})
            continue
        offered.append(given)
        function = cast("Mapping[str, object]", given).get("function") if isinstance(given, Mapping) else None
        if not isinstance(function, Mapping):
            continue  # its calls have no arguments in JSON
        name = str(cast("Mapping[str, object]", function).get("name"))
        if cast("Mapping[str, object]", function).get("strict") is not True:
            raise ValueError(
                f'the tool {name!r} is not strict, so that its arguments may be anything; set "strict": True, make it '
                "with function_tool(), or use create()"
            )
        readers[name] = read_object
    return sent, offered, CompletionParser(output, readers)
