"""What a model proposes to be called, inspected before anything is: an answer is fit as a whole or refused as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ..types.responses.response import Response
from ..types.responses.response_computer_tool_call import ResponseComputerToolCall
from ..types.responses.response_function_tool_call import ResponseFunctionToolCall
from .computer_actions import ComputerUseError, checked_actions
from .runner_items import Item, as_list, call_id_of, output_of, plain
from .runner_params import SERVER_ITEMS

if TYPE_CHECKING:
    from .registered import AsyncRegisteredFunction
    from .runner_errors import CallEvidence
    from .runner_params import RunParams

__all__ = ("Inspection", "InvalidArguments", "Proposal")

_ALWAYS_FINE: Final = frozenset({"reasoning", "compaction"})


class InvalidArguments(Exception):  # noqa: N818 - a signal, told to the observer and made the runner's error
    """What a model wrote as arguments does not fit.

    Attributes:
        call_id: Of which call.
        name: Of which function.
    """

    def __init__(self, call_id: str, name: str) -> None:
        super().__init__(call_id, name)
        self.call_id: str = call_id
        self.name: str = name


class Proposal:
    """One call that a model proposes.

    Attributes:
        kind: Who answers for it.
        call_id: Its id.
        name: The function; None for the computer.
        item: The call, a copy of the runner's own.
        arguments: What the function is called with.
        function: The function; None for others.
    """

    __slots__ = ("arguments", "call_id", "function", "item", "kind", "name")

    def __init__(
        self,
        kind: Literal["function", "browser", "computer", "mcp"],
        call_id: str,
        name: str | None,
        item: Any,
        arguments: object = None,
        function: AsyncRegisteredFunction | None = None,
    ) -> None:
        self.kind: Literal["function", "browser", "computer", "mcp"] = kind
        self.call_id: str = call_id
        self.name: str | None = name
        self.item: Any = item
        self.arguments: object = arguments
        self.function: AsyncRegisteredFunction | None = function

    @property
    def independent(self) -> bool:
        """Whether it may be made beside others."""
        return self.function is not None and self.function.independent


class Inspection:
    """Takes the items of one answer in order, and refuses what must not be called or sent back.

    Args:
        params: What the run was asked for.
        functions: What may be called here, by name.
        browser: Names of the browser's functions.
        computer: Whether there is a computer.
        history: What was said before.
        evidence: What errors say of the run's calls.
    """

    def __init__(
        self,
        params: RunParams,
        functions: Mapping[str, AsyncRegisteredFunction],
        browser: Sequence[str],
        *,
        computer: bool,
        history: Sequence[Item],
        evidence: CallEvidence,
    ) -> None:
        self.items: list[Item] = []
        self.proposals: list[Proposal] = []
        self._params = params
        self._functions = functions
        self._browser = frozenset(browser)
        self._computer = computer
        self._evidence = evidence
        self._spoken = False
        self._ids = {item["id"] for item in history if item.get("id") is not None and output_of(item) is None}
        self._calls = {call_id_of(item) for item in history}

    def take(self, given: Any) -> Proposal | None:
        """Take one item; return what it proposes to be called.

        Raises:
            ToolRunnerError: The answer is refused.
            InvalidArguments: It is refused for what a call has as arguments.
        """
        item = cast("Item", plain(given))
        kind = str(item.get("type"))
        self._check_id(item)
        proposal: Proposal | None = None
        if kind == "function_call":
            proposal = self._function_call(item, given)
        elif kind == "computer_call":
            proposal = self._computer_call(item, given)
        elif kind == "mcp_approval_request":
            refused = self._params.consent.asked(item)
            if refused is not None:
                raise self._evidence.error(refused)
            proposal = Proposal("mcp", self._call_id(item), str(item.get("name")), given.model_copy(deep=True))
        elif kind == "message":
            self._message(item)
        elif kind in SERVER_ITEMS:
            self._server_item(kind, item)
        elif kind not in _ALWAYS_FINE:
            raise self._evidence.error(f"the model answered with {kind!r}, which a runner cannot answer for")
        self.items.append(item)
        if proposal is not None:
            self.proposals.append(proposal)
        return proposal

    def finish(self, response: Response) -> None:
        """Take the end of the answer.

        Raises:
            ToolRunnerError: The answer is not complete, or neither a last word nor a call.
        """
        if response.status != "completed":
            reason = getattr(response.incomplete_details, "reason", None)
            why = f", because of {reason}" if reason else ""
            raise self._evidence.error(f"the response {response.id!r} did not complete: it is {response.status!r}{why}")
        if not self.proposals and not self._spoken:
            raise self._evidence.error(f"the response {response.id!r} has neither a final message nor a call")

    def check_streamed(self, response: Response) -> None:
        """Refuse an answer whose end says something else than what was streamed, and perhaps called already.

        Raises:
            ToolRunnerError: It does.
        """
        ended = [cast("Item", plain(item)) for item in as_list(response.output) or []]
        if [_essence(item) for item in ended] != [_essence(item) for item in self.items]:
            raise self._evidence.error(f"the response {response.id!r} ended with another output than was streamed")
        self.items = ended

    def _check_id(self, item: Item) -> None:
        item_id = item.get("id")
        if item_id is None:
            return
        if item_id in self._ids:
            raise self._evidence.error(f"the model answered with the id {item_id!r} of another item of this run")
        self._ids.add(item_id)

    def _call_id(self, item: Item) -> str:
        call_id = call_id_of(item)
        if not call_id or call_id in self._calls:
            raise self._evidence.error(f"a call has no id, or that of another call of this run: {call_id!r}")
        self._calls.add(call_id)
        return call_id

    def _function_call(self, item: Item, given: Any) -> Proposal:
        name, status = item.get("name"), item.get("status", "completed")
        if not isinstance(given, ResponseFunctionToolCall) or not isinstance(name, str):
            raise self._evidence.error("a function call has no name, or is of no shape that the API has")
        if status != "completed":
            raise self._evidence.error(f"the call of {name!r} did not complete: it is {status!r}")
        function = self._functions.get(name)
        if function is None and name not in self._browser:
            known = ", ".join([*self._functions, *self._browser]) or "none"
            raise self._evidence.error(f"the model called {name!r}, which is not registered; registered: {known}")
        if item.get("namespace") is not None:
            raise self._evidence.error(f"the model called {name!r} in a namespace, {item['namespace']!r}; it has none")
        self._check_choice(name)
        call_id = self._call_id(item)
        if function is None:
            return Proposal("browser", call_id, name, given.model_copy(deep=True))
        self._check_caller(function, item)
        try:
            arguments = function.arguments(item.get("arguments"))
        except ValueError as error:
            raise InvalidArguments(call_id, name) from error
        return Proposal("function", call_id, name, given.model_copy(deep=True), arguments, function)

    def _check_caller(self, function: AsyncRegisteredFunction, item: Item) -> None:
        """A function that is kept for programs is not called by the model itself, and the other way round."""
        allowed: object = function.declaration().get("allowed_callers")
        caller = item.get("caller")
        kind = cast("Item", caller).get("type") if isinstance(caller, dict) else "direct"
        callers = {"direct": "direct", "program": "programmatic"}
        if isinstance(allowed, list) and callers.get(str(kind), kind) not in cast("list[object]", allowed):
            raise self._evidence.error(f"{function.name!r} was called by {kind!r}; allowed_callers has {allowed}")

    def _check_choice(self, name: str | None) -> None:
        if not self._params.may_call(name):
            called = "the computer" if name is None else repr(name)
            raise self._evidence.error(f"the model called {called}, which tool_choice does not allow")

    def _computer_call(self, item: Item, given: Any) -> Proposal:
        if not self._computer or not isinstance(given, ResponseComputerToolCall):
            raise self._evidence.error("the model used a computer, and the runner has none; give computer=")
        self._check_choice(None)
        try:
            checked_actions(given)
        except ComputerUseError as error:
            raise self._evidence.error(f"the computer call {item.get('call_id')!r} is not fit to be made") from error
        return Proposal("computer", self._call_id(item), None, given.model_copy(deep=True))

    def _message(self, item: Item) -> None:
        if item.get("role") != "assistant" or item.get("status", "completed") != "completed":
            raise self._evidence.error(f"a message of the model did not complete: it is {item.get('status')!r}")
        parts = cast("list[Item]", as_list(item.get("content")) or [])
        kinds = [part.get("type") for part in parts]
        strange = [kind for kind in kinds if kind not in ("output_text", "refusal")]
        if strange:
            raise self._evidence.error(f"a message of the model has parts that cannot be sent back: {strange}")
        if item.get("phase") != "commentary":
            self._spoken = True

    def _server_item(self, kind: str, item: Item) -> None:
        refused: str | None = None
        status = item.get("status", "completed")
        if not self._params.declares(kind):
            refused = f"the model answered with {kind!r}, whose tool was not declared"
        elif status != "completed" or item.get("error") is not None:
            refused = f"{kind!r} on the server's side did not complete: it is {status!r}"
        elif kind == "mcp_list_tools" and not self._params.consent.knows(item.get("server_label")):
            refused = f"tools of the MCP server {item.get('server_label')!r} came, which was not declared"
        elif kind == "mcp_call":
            refused = self._params.consent.called(item)
        if refused is not None:
            raise self._evidence.error(refused)


def _essence(item: Item) -> tuple[object, ...]:
    """Return what of an item must be the same when it was streamed and at the end: all that is called by it."""
    kind = item.get("type")
    if kind in ("function_call", "computer_call", "mcp_approval_request", "mcp_call"):
        return kind, item.get("id"), *(item.get(one) for one in ("call_id", "name", "arguments", "action", "actions"))
    return kind, item.get("id")
