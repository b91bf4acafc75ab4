"""What a run was asked for, checked before anything is sent: params, what may be called, and who answers for which call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from .._contract import Omit, RequestOptions
from ..structured.tool import tool_in
from .runner_items import Item, as_list, input_items, plain
from .runner_mcp import McpConsent, fingerprint

if TYPE_CHECKING:
    from .registered import AsyncRegisteredFunction

__all__ = ("SERVER_ITEMS", "RunParams")

_ENCRYPTED: Final = "reasoning.encrypted_content"

_COMPUTER_TOOLS: Final = frozenset({"computer", "computer_use", "computer_use_preview"})

SERVER_ITEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "web_search_call": ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"),
    "file_search_call": ("file_search",),
    "code_interpreter_call": ("code_interpreter",),
    "image_generation_call": ("image_generation",),
    "mcp_list_tools": ("mcp",),
    "mcp_call": ("mcp",),
}
"""Items that tell of tools on the server's side, and which declarations allow them."""

_SERVER_TOOLS: Final = frozenset(kind for kinds in SERVER_ITEMS.values() for kind in kinds)


class RunParams:
    """The params of a run.

    Args:
        params: Arguments of `responses.create`.
        functions: What may be called here, by name.
        local: Declarations of what may be called here, the computer's left out.
        computer: Whether there is a computer.

    Attributes:
        arguments: What each request has, without input and tools.
        options: Options of each request, such as `timeout`.
        input: What is said first.
        tools: What the model is told that it may call.
        consent: What MCP servers may do.

    Raises:
        TypeError: `responses.create` takes no such argument.
        ValueError: A run cannot be made of them; the message says what to do instead.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        functions: Mapping[str, AsyncRegisteredFunction],
        local: Sequence[Item],
        *,
        computer: bool,
    ) -> None:
        given = {name: value for name, value in params.items() if not isinstance(value, Omit)}
        _check_names(given)
        if any(given.get(name) for name in ("stream", "background", "previous_response_id", "conversation")):
            raise ValueError(
                "a runner sends the whole conversation with each request: give it as input, without previous_response_id, "
                "conversation and background; stream=True goes to run() or iterate()"
            )
        self.options: dict[str, Any] = {
            name: given.pop(name) for name in RequestOptions.__annotations__ if name in given
        }
        self.input: list[Item] = input_items(given.pop("input", None))
        declared = cast("list[Item]", [_declaration(tool) for tool in as_list(given.pop("tools", None)) or []])
        self.tools: list[Item] = _tools(declared, local, computer=computer)
        self.consent: McpConsent = McpConsent(self.tools)
        self.arguments: dict[str, Any] = {
            **{name: value for name, value in given.items() if name not in ("stream", "background")},
            "include": _with_encrypted_reasoning(given.get("include")),
        }
        self._functions = functions
        choice: object = plain(given["tool_choice"]) if "tool_choice" in given else "auto"
        self._may_call = _reader_of_choice(choice, self.tools, functions)

    @property
    def has_server_tools(self) -> bool:
        """Whether tools are called on the server's side, which may have effects before an answer is known."""
        return any(tool.get("type") in _SERVER_TOOLS for tool in self.tools)

    @property
    def fingerprints(self) -> list[Item]:
        """The tools as a ledger keeps them."""
        return [fingerprint(tool) for tool in self.tools]

    def declares(self, kind: str) -> bool:
        """Tell whether an item of a kind, of a tool on the server's side, may come."""
        return any(tool.get("type") in SERVER_ITEMS[kind] for tool in self.tools)

    def may_call(self, name: str | None) -> bool:
        """Tell whether `tool_choice` lets a function be called; None stands for the computer."""
        return self._may_call(name)


def _declaration(tool: object) -> object:
    """Return a tool as it is sent; one of `function_tool()` as well, which is then refused by its name."""
    known = tool_in(tool)
    return known.for_responses() if known is not None else plain(tool)


def _check_names(given: Mapping[str, Any]) -> None:
    from ..types.responses.response_create_params import ResponseCreateParams

    known = {"stream", *ResponseCreateParams.__annotations__, *RequestOptions.__annotations__}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise TypeError(f"responses.create() takes no argument {', '.join(unknown)}")


def _tools(declared: Sequence[Item], local: Sequence[Item], *, computer: bool) -> list[Item]:
    """Return all tools, those that are called here first.

    Raises:
        ValueError: One of them has nobody here who would answer for it.
    """
    computers = [tool for tool in declared if tool.get("type") in _COMPUTER_TOOLS]
    if computers and (not computer or len(computers) > 1):
        raise ValueError("params declare a computer; give the runner computer=, and declare it once or not at all")
    others = [tool for tool in declared if tool not in computers]
    strange = [str(tool.get("name", tool.get("type"))) for tool in others if tool.get("type") not in _SERVER_TOOLS]
    if strange:
        raise ValueError(
            f"params declare tools that nobody here would answer for: {', '.join(strange)}. Give functions to the runner as "
            "functions=[AsyncRegisteredFunction(...)]; other tools are for responses.run_tools() or a loop of your own"
        )
    screen: list[Item] = computers or ([{"type": "computer"}] if computer else [])
    return [*local, *screen, *others]


def _with_encrypted_reasoning(given: object) -> list[object]:
    """Ask for reasoning in a form that can be sent back, beside what was asked for."""
    asked = as_list(given) or []
    return asked if _ENCRYPTED in asked else [*asked, _ENCRYPTED]


def _reader_of_choice(
    choice: object, tools: Sequence[Item], functions: Mapping[str, AsyncRegisteredFunction]
) -> Callable[[str | None], bool]:
    """Return what tells which calls a `tool_choice` allows.

    Raises:
        ValueError: It forces a call each time, so that there would never be a last word.
    """
    endless = ValueError(
        f"tool_choice={choice!r} has a tool called in each turn, so that the run would never end; use auto, or "
        "responses.create() for one forced call"
    )
    has_server_tools = any(tool.get("type") in _SERVER_TOOLS for tool in tools)
    members = cast("Item", choice) if isinstance(choice, dict) else {}
    kind = members.get("type")
    if choice is None or choice == "auto":
        return lambda _: True
    if choice == "required":
        if not has_server_tools:
            raise endless
        return lambda _: True
    if kind == "function" or kind in _COMPUTER_TOOLS:
        raise endless
    if kind == "allowed_tools":
        allowed = cast("list[Item]", as_list(members.get("tools")) or [])
        names = {tool.get("name") for tool in allowed if tool.get("type") == "function"}
        screen = any(tool.get("type") in _COMPUTER_TOOLS for tool in allowed)
        elsewhere = [tool for tool in allowed if tool.get("type") in _SERVER_TOOLS]
        if members.get("mode") == "required" and not elsewhere:
            raise endless
        return lambda name: screen if name is None else name in names
    # "none", or a tool on the server's side.
    return lambda _: False
