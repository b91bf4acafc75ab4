"""The conversation of one run of the computer tool: what is asked, what comes back, what may be answered; nothing is done to a computer here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from .._contract import Omit
from ..types.responses.response import Response
from ..types.responses.response_compaction_item import ResponseCompactionItem
from ..types.responses.response_computer_tool_call import ResponseComputerToolCall
from ..types.responses.response_output_message import ResponseOutputMessage
from ..types.responses.response_reasoning_item import ResponseReasoningItem
from .callbacks import Cancelled, is_cancelled
from .computer_actions import ComputerUseError, checked_actions
from .request_key import fixed_key

if TYPE_CHECKING:
    from ..client import OpenAI
    from ..types.responses.response_create_params import ResponseCreateParams
    from ..types.responses.response_input_item_param import ComputerCallOutput

__all__ = ("ComputerRun",)

_COMPUTER_TOOLS: Final = frozenset({"computer", "computer_use", "computer_use_preview"})
_ENCRYPTED: Final = "reasoning.encrypted_content"


class ComputerRun:
    """One run: requests within a limit, each with everything that was said before.

    Args:
        client: Who sends the requests.
        params: Arguments of `responses.create`.
        max_steps: The most requests.
        cancelled: Asked before and after each request.

    Raises:
        ValueError: An argument cannot be used.
    """

    __slots__ = ("_cancelled", "_client", "_history", "_max_steps", "_params", "_response", "_seen", "_step")

    def __init__(
        self, client: OpenAI, params: ResponseCreateParams, max_steps: int, cancelled: Cancelled | None
    ) -> None:
        # A bool is an int to isinstance.
        if type(max_steps) is not int or max_steps < 1:
            raise ValueError(f"max_steps must be a positive integer, not {max_steps!r}")
        self._params: dict[str, object] = {
            name: value for name, value in cast("Mapping[str, object]", params).items() if not isinstance(value, Omit)
        }
        # What can be iterated only once is sent with every request.
        self._params["tools"] = _listed(self._params.get("tools", [{"type": "computer"}]))
        _check(self._params)
        self._params["include"] = _with_encrypted_reasoning(self._params.get("include"))
        self._history: list[object] = _items(self._params.pop("input", []))
        self._client = client
        self._max_steps: int = max_steps
        self._step: int = 0
        self._cancelled = cancelled
        self._response: Response | None = None
        # An identity that comes twice would make it unclear which call an output answers.
        self._seen: set[tuple[str, object]] = set()
        for item in self._history:
            for name in ("id", "call_id") if _member(item, "type") == "computer_call" else ("id",):
                if (value := _member(item, name)) is not None:
                    self._seen.add((name, value))

    async def next_response(self) -> Response:
        """Send everything that was said, and return what the model says to it.

        Raises:
            ComputerUseError: The run was cancelled.
            APIError: The request failed.
        """
        self._stop_if_cancelled()
        create = cast("Callable[..., Awaitable[Response]]", self._client.responses.create)
        self._step += 1
        arguments = fixed_key(self._client, self._params, self._step)
        self._response = await create(**arguments, input=list(self._history), stream=False)
        self._stop_if_cancelled()
        return self._response

    def calls(self) -> list[ResponseComputerToolCall]:
        """Return the calls of the last response, all of them well formed; none means that it is the last word.

        Raises:
            ComputerUseError: The response is not complete, asks for something else, names a call twice, or has calls
                where no request is left to answer them with.
        """
        response = self._response
        if response is None:
            return []
        if response.status != "completed":
            raise ComputerUseError(f"Response did not complete: its status is {response.status!r}", response)
        calls: list[ResponseComputerToolCall] = []
        said = False
        for item in cast("Sequence[object]", response.output or ()):
            if isinstance(item, ResponseComputerToolCall):
                self._see("call_id", item.call_id, "computer call")
                calls.append(item)
            elif isinstance(item, ResponseOutputMessage):
                said = said or (item.status == "completed" and item.phase != "commentary")
            elif not isinstance(item, ResponseReasoningItem | ResponseCompactionItem):
                kind = _member(item, "type")
                raise ComputerUseError(f"Response requires a tool this helper does not handle: {kind}", response)
            self._see("id", _member(item, "id"), "output item")
        if not calls and not said:
            raise ComputerUseError("Response has no final message or computer call", response)
        for call in calls:
            checked_actions(call, response)
        if calls and self._step >= self._max_steps:
            raise ComputerUseError("Computer run reached max_steps before completion", response)
        return calls

    def keep(self, outputs: Iterable[ComputerCallOutput]) -> None:
        """Add the last response and what answers its calls to what was said."""
        if self._response is not None:
            self._history += self._response.output
        self._history += outputs
        # Forced once, the model would never say its last word.
        if "tool_choice" in self._params:
            self._params["tool_choice"] = _relaxed(self._params["tool_choice"])

    def _see(self, name: str, value: object, what: str) -> None:
        if value is None:
            return
        if (name, value) in self._seen:
            raise ComputerUseError(f"Response has a duplicate {what} identity: {value!r}", self._response)
        self._seen.add((name, value))

    def _stop_if_cancelled(self) -> None:
        if is_cancelled(self._cancelled):
            raise ComputerUseError("Computer run was cancelled", self._response)


def _check(params: Mapping[str, object]) -> None:
    """Refuse what a run cannot be made of.

    Raises:
        ValueError: What it is, and what to do instead.
    """
    if params.get("stream") or params.get("background"):
        raise ValueError(
            "ComputerToolset requires non-streaming, foreground responses; AsyncResponsesToolRunner takes stream=True"
        )
    if params.get("conversation") is not None or params.get("previous_response_id") is not None:
        raise ValueError("Pass complete input history; conversation and previous_response_id are not supported")
    kinds = [_member(tool, "type") for tool in _listed(params["tools"])]
    if len(kinds) != 1 or kinds[0] not in _COMPUTER_TOOLS:
        raise ValueError(
            "ComputerToolset requires exactly one computer tool; for further tools use AsyncResponsesToolRunner, or "
            "execute() in a loop of your own"
        )


def _items(value: object) -> list[object]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise ValueError("input must be text or a list of items")
    return list(cast("Iterable[object]", value))


def _listed(value: object) -> list[object]:
    return list(cast("Iterable[object]", value)) if isinstance(value, Iterable) else []


def _with_encrypted_reasoning(value: object) -> list[object]:
    """Ask for reasoning in a form that can be sent back, beside what was asked for."""
    asked = _listed(value)
    return asked if _ENCRYPTED in asked else [*asked, _ENCRYPTED]


def _relaxed(choice: object) -> object:
    """Turn a choice that forces a call of the computer into one that permits it; others stay."""
    if choice == "required" or _member(choice, "type") in _COMPUTER_TOOLS:
        return "auto"
    if _member(choice, "type") == "allowed_tools" and _member(choice, "mode") == "required":
        return {"type": "allowed_tools", "mode": "auto", "tools": _member(choice, "tools")}
    return choice


def _member(item: object, name: str) -> object:
    """Read a member of an item that may be a dict or an object."""
    if isinstance(item, Mapping):
        return cast("Mapping[str, object]", item).get(name)
    return getattr(item, name, None)
