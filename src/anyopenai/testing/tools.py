"""Tool calls of the stand-in: which functions a request offers, and which of them the next turn calls with what."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from .exchange import Json, invalid
from .schemas import answer_in_form, checked_schema
from .state import new_id
from .words import pieces

__all__ = ("Call", "Choice", "Talk", "Tool", "calls_for", "choice_from_body", "tools_from_body")

# The API's own rule for the names of functions: reference of `tools`.
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# A request may offer hundreds of functions; one turn calls the first few.
_CALLS_IN_A_TURN: Final = 4


@dataclass(frozen=True)
class Tool:
    """A function that a request offers.

    Attributes:
        name: Its name.
        parameters: The schema of its arguments.
        param: Where it stands in the request.
    """

    name: str
    parameters: Json
    param: str


@dataclass(frozen=True)
class Choice:
    """What a request says about calling tools.

    Attributes:
        mode: `"none"`, `"auto"` or `"required"`.
        tools: The functions that may be called.
        named: Whether one function was demanded by its name.
        parallel: Whether one turn may call several.
    """

    mode: str
    tools: tuple[Tool, ...]
    named: bool = False
    parallel: bool = True


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Attributes:
        name: The function.
        tokens: The text of its arguments, cut into tokens.
        id: What its output is sent back under.
    """

    name: str
    tokens: list[str]
    id: str = field(default_factory=lambda: new_id("call_"))

    @property
    def arguments(self) -> str:
        """The arguments, as JSON text unless a limit has cut it."""
        return "".join(self.tokens)


@dataclass
class Talk:
    """What a conversation has come to: the last prompt, and what has been called and answered since.

    Attributes:
        prompt: What the user said last.
        turn: How often the user has spoken.
        made: Functions called since.
        outputs: Their outputs, each with its function.
        open: Calls without an output, by id.
    """

    prompt: str = ""
    turn: int = 0
    made: list[str] = field(default_factory=list[str])
    outputs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    open: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, prompt: str) -> None:
        """The user speaks: what was called before belongs to another turn."""
        self.prompt = prompt
        self.turn += 1
        self.made, self.outputs = [], []

    def call(self, call_id: str, name: str) -> None:
        """A tool is called."""
        self.made.append(name)
        self.open[call_id] = name

    def answer(self, call_id: str, output: str) -> None:
        """A call gets its output; one that is not open is a `KeyError`."""
        self.outputs.append((self.open.pop(call_id), output))

    def copy(self) -> Talk:
        """Return a conversation that goes on by itself."""
        return Talk(self.prompt, self.turn, [*self.made], [*self.outputs], {**self.open})


def tools_from_body(body: Json, *, flat: bool) -> list[Tool]:
    """Return the functions that a request offers; tools of other kinds are left to a real model.

    Args:
        body: The request.
        flat: Whether a function's members stand beside its type, as in the Responses API, or below `function`.

    Raises:
        Refusal: A tool is not one that the API takes.
    """
    value = body.get("tools")
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid("tools", "'tools' must be a list.", "invalid_type")
    found: list[Tool] = []
    for place, item in enumerate(cast("list[object]", value)):
        where = f"tools[{place}]"
        kind = cast("Json", item).get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            raise invalid(where, f"'{where}' must be an object with a 'type'.", "invalid_type")
        if kind != "function":
            continue
        members = cast("Json", item)
        if not flat:
            where = f"{where}.function"
            members = cast("Json", members.get("function"))
        if not isinstance(members, dict):
            raise invalid(where, f"'{where}' is missing.", "missing_parameter")
        found.append(_tool(members, where))
    return found


def _tool(members: Json, where: str) -> Tool:
    name, parameters = members.get("name"), members.get("parameters")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(f"{where}.name", f"'{where}.name' must be 1 to 64 letters, digits, '_' or '-', not {name!r}.")
    if parameters is None:
        return Tool(name, {"type": "object", "properties": {}}, where)
    if not isinstance(parameters, dict) or cast("Json", parameters).get("type") != "object":
        raise invalid(
            f"{where}.parameters", f"The schema for function {name!r} must have type 'object'.", "invalid_schema"
        )
    strict = members.get("strict") is True
    schema = checked_schema(cast("Json", parameters), f"{where}.parameters", f"function {name!r}", strict=strict)
    return Tool(name, schema, where)


def choice_from_body(body: Json, tools: Sequence[Tool], *, flat: bool) -> Choice:
    """Return what a request says about calling the functions that it offers.

    Args:
        body: The request.
        tools: The functions it offers.
        flat: As for `tools_from_body`.

    Raises:
        Refusal: It demands a call of what it does not offer, or of a tool that takes more than a name and a schema.
    """
    chosen, parallel = body.get("tool_choice"), body.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        raise invalid("parallel_tool_calls", "'parallel_tool_calls' must be true or false.", "invalid_type")
    mode, offered, named = chosen or "auto", tuple(tools), False
    if isinstance(chosen, dict):
        members = cast("Json", chosen)
        inner = members if flat else members.get(str(members.get("type")))
        inner = cast("Json", inner) if isinstance(inner, dict) else {}
        if members.get("type") == "allowed_tools":
            listed = inner.get("tools")
            if not isinstance(listed, list):
                raise invalid("tool_choice", "'tool_choice' of the type 'allowed_tools' must list 'tools'.")
            names = [_name_of(one, flat=flat) for one in cast("list[object]", listed)]
            mode, offered = inner.get("mode"), tuple(tool for tool in tools if tool.name in names)
        elif members.get("type") == "function":
            name = _name_of(members, flat=flat)
            mode, offered, named = "required", tuple(tool for tool in tools if tool.name == name), True
            if not offered:
                raise invalid("tool_choice", f"'tool_choice' names the function {name!r}, which is not in 'tools'.")
        else:
            raise invalid("tool_choice", f"This stand-in computes no model and calls functions only, not {chosen!r}.")
    if mode not in ("none", "auto", "required"):
        raise invalid("tool_choice", f"'tool_choice' must be 'none', 'auto', 'required' or an object, not {mode!r}.")
    if mode == "required" and not offered:
        raise invalid("tool_choice", "'tool_choice' demands a call, and 'tools' offers no function for it.")
    return Choice(str(mode), offered, named, parallel is not False)


def calls_for(choice: Choice, talk: Talk, rounds: int) -> list[Call]:
    """Return the calls of the next turn: none where a text comes.

    The functions that the prompt names are called in the order of the naming, each as often as it is named; without
    such names, each that is offered (the first four of more). `name(...)` in the prompt gives the arguments to the
    letter; else they are written by the schema.

    Args:
        choice: What the request allows.
        talk: What the conversation has come to.
        rounds: How often the functions are called before a text comes, where the request leaves that to the model.

    Raises:
        Refusal: It takes a model to write the arguments.
    """
    plan = [] if choice.mode == "none" else _plan(choice, talk.prompt)
    if not plan:
        return []
    made = len(talk.made)
    if choice.mode == "auto" and made >= len(plan) * rounds:
        return []
    start = made % len(plan)
    several = choice.parallel and not choice.named
    calls: list[Call] = []
    for tool, given in plan[start : None if several else start + 1]:
        # A function that is called again gets other arguments.
        again = talk.made.count(tool.name) + sum(call.name == tool.name for call in calls)
        calls.append(Call(tool.name, pieces(given or _arguments(tool, talk, again))))
    return calls


def _plan(choice: Choice, prompt: str) -> list[tuple[Tool, str | None]]:
    offered = {tool.name: tool for tool in choice.tools}
    if not offered:
        return []
    names = "|".join(sorted(map(re.escape, offered), key=len, reverse=True))
    named = [
        (offered[match[1]], _given(prompt, match.end()))
        for match in re.finditer(rf"(?<![\w-])({names})(?![\w-])", prompt)
    ]
    return named or [(tool, None) for tool in choice.tools[:_CALLS_IN_A_TURN]]


def _given(prompt: str, start: int) -> str | None:
    """Return what stands in parentheses from a place on: a JSON value to its end, else the text up to the first `)`."""
    if prompt[start : start + 1] != "(":
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(prompt, start + 1)
    except (ValueError, RecursionError):
        end = prompt.find(")", start)
    return prompt[start + 1 : end] if end > 0 and prompt[end : end + 1] == ")" else None


def _arguments(tool: Tool, talk: Talk, number: int) -> str:
    return answer_in_form(tool.parameters, talk.prompt, f"{tool.param}.parameters", number)


def _name_of(tool: object, *, flat: bool) -> object:
    members = tool if flat or not isinstance(tool, dict) else cast("Json", tool).get("function")
    return cast("Json", members).get("name") if isinstance(members, dict) else None
