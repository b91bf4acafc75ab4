"""A response of the Responses API read as a type: what is asked for, and what the answer says; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .._codec import DecodeFailure
from .._codec.extras import derive
from .._contract import Operation
from .._omit import Omit, omit
from ..errors import ContentFilterFinishReasonError, LengthFinishReasonError
from ..types.responses.parsed_response import (
    ParsedResponse,
    ParsedResponseFunctionToolCall,
    ParsedResponseOutputMessage,
    ParsedResponseOutputText,
)
from .formats import asked_for, text_format_of
from .output import read_object
from .parser import AnswerParser, listed
from .tool import tool_in

__all__ = ("PARSE", "ResponseParser", "asked_response")

T = TypeVar("T")

PARSE: Final[Operation[ParsedResponse[Any]]] = Operation(
    name="responses.parse",
    verb="POST",
    path="/responses",
    returns=ParsedResponse,
    body="json",
    doc="https://platform.openai.com/docs/guides/structured-outputs",
)


class ResponseParser(AnswerParser[T]):
    """Reads texts as a type, and arguments of calls as what their tools take.

    Whole responses are read by calling it; who puts one together from a stream reads its parts with `text` and
    `arguments` as they end.

    Args:
        output: What texts are read as; None leaves them as text.
        tools: What reads the arguments of calls, by the function's name.
    """

    __slots__ = ()

    def __call__(self, response: ParsedResponse[T]) -> ParsedResponse[T]:
        """Read every text and every function call of a response, which is returned.

        Raises:
            LengthFinishReasonError: A text was cut by the token limit, so that it cannot be read.
            ContentFilterFinishReasonError: A text was cut by the content filter.
            DecodeFailure: Something does not fit; the message says what and where.
        """
        try:
            for number, item in enumerate(listed(response.output)):
                self.item(item, path=f"output[{number}]")
        except DecodeFailure:
            reason = getattr(response.incomplete_details, "reason", None)
            if response.status == "incomplete" and reason == "max_output_tokens":
                raise LengthFinishReasonError(completion=response) from None
            if response.status == "incomplete" and reason == "content_filter":
                raise ContentFilterFinishReasonError from None
            raise
        return response

    def item(self, item: object, *, path: str) -> None:
        """Read one item of the output.

        Raises:
            DecodeFailure: Something does not fit.
        """
        if isinstance(item, ParsedResponseFunctionToolCall):
            derive(item, "parsed_arguments", self.arguments(item.name, item.arguments, path=f"{path}.arguments"))
        elif isinstance(item, ParsedResponseOutputMessage):
            parts = cast("ParsedResponseOutputMessage[T]", item).content
            for number, part in enumerate(listed(parts)):
                if isinstance(part, ParsedResponseOutputText):
                    known = cast("ParsedResponseOutputText[T]", part)
                    derive(known, "parsed", self.text(known.text, path=f"{path}.content[{number}].text"))


def asked_response(
    text_format: Any, parse_as: Any, text: Any, tools: Iterable[Any] | Omit | None
) -> tuple[object, list[object] | Omit, ResponseParser[Any]]:
    """Return `text` and `tools` as they are sent, and what reads the answer.

    Args:
        text_format: What is asked for.
        parse_as: What texts are read as, if that is something else; None leaves them as text.
        text: The other settings of text, as the caller gave them.
        tools: What the model may call.

    Raises:
        UnsupportedSchemaError: A type has no form in the schemas that the API takes.
        TypeError: `text` has a format beside the one that is asked for.
    """
    output = asked_for(text_format, parameter="text_format")
    asked = text_format if output is None else text_format_of(output)
    sent = text
    if asked is not None and not isinstance(asked, Omit):
        others = _members(text)
        if others.get("format") is not None:
            raise TypeError("text has a format, and text_format asks for another; give one of the two")
        sent = {**others, "format": asked}
    if not isinstance(parse_as, Omit):
        output = asked_for(parse_as, parameter="parse_as")
    if tools is None or isinstance(tools, Omit):
        return sent, omit, ResponseParser(output, {})
    readers: dict[str, Callable[[str | bytes], object]] = {}
    offered: list[object] = []
    for given in tools:
        tool = tool_in(given)
        if tool is not None:
            readers[tool.name] = tool.decode
            # Tools made for chat completions too: the API has another shape for them here.
            offered.append({"type": "function", **tool.members()})
            continue
        offered.append(given)
        name = _member(given, "name")
        if _member(given, "type") == "function" and _member(given, "strict") is True and isinstance(name, str):
            readers[name] = read_object
    return sent, offered, ResponseParser(output, readers)


def _member(holder: Any, name: str) -> object:
    """Return a member of a tool, which is a dict or an object of an answer."""
    return (
        cast("Mapping[str, object]", holder).get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
    )


def _members(text: Any) -> Mapping[str, object]:
    if isinstance(text, Mapping):
        return cast("Mapping[str, object]", text)
    return {} if text is None or isinstance(text, Omit) else cast("dict[str, object]", text.to_dict())
