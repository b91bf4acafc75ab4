"""Tools on MCP servers that the API calls: which need the application's consent, and whether a call had it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, cast

from .runner_items import Item, as_list

__all__ = ("McpConsent", "McpPolicy", "fingerprint")

McpPolicy = Literal["always", "never", "either"]
"""Whether calls of a tool need consent; `"either"` where the declaration leaves it to the server's word on the tool."""


def fingerprint(tool: Item) -> Item:
    """Return a tool's declaration as a ledger keeps it: of an MCP server no credentials, and its URL only as a hash."""
    if tool.get("type") != "mcp":
        return tool
    kept = {name: value for name, value in tool.items() if name not in ("authorization", "headers")}
    url = kept.get("server_url")
    if isinstance(url, str):
        kept["server_url"] = f"sha256:{hashlib.sha256(url.encode()).hexdigest()}"
    return kept


class McpConsent:
    """What the application allowed MCP servers to do in a run.

    Args:
        tools: Declarations of tools, those of MCP servers among them.

    Raises:
        ValueError: A server has no label, or that of another one, or its policy is none that this knows.
    """

    __slots__ = ("_asked", "_declared")

    def __init__(self, tools: Sequence[Item]) -> None:
        self._declared: dict[str, Item] = {}
        # Requests for consent, each with the answer: None until there is one.
        self._asked: dict[str, tuple[tuple[object, ...], bool | None]] = {}
        for tool in tools:
            if tool.get("type") != "mcp":
                continue
            label = tool.get("server_label")
            if not isinstance(label, str) or not label or label in self._declared:
                raise ValueError(f"MCP servers need labels that are unique, not {label!r}")
            policy = tool.get("require_approval")
            if policy not in (None, "always", "never") and not isinstance(policy, dict):
                raise ValueError(
                    f"require_approval of the MCP server {label!r} is {policy!r}; give always, never or a filter"
                )
            self._declared[label] = tool

    def remember(self, history: Sequence[Item]) -> None:
        """Take over requests for consent, answers and calls out of a history."""
        for item in history:
            kind = item.get("type")
            if kind == "mcp_approval_request":
                self._asked[str(item.get("id"))] = (_identity(item), None)
            elif kind == "mcp_approval_response":
                self.answered(str(item.get("approval_request_id")), item.get("approve") is True)
            elif kind == "mcp_call":
                self._asked.pop(str(item.get("approval_request_id")), None)

    def policy(self, label: object, name: object) -> McpPolicy | None:
        """Return whether a tool needs consent; None where the server or the tool is not declared."""
        tool = self._declared.get(label) if isinstance(label, str) else None
        if tool is None or not _allows(tool.get("allowed_tools"), name):
            return None
        given = tool.get("require_approval")
        if not isinstance(given, dict):
            return "never" if given == "never" else "always"
        filters = cast("dict[str, object]", given)
        listed = {kind: _names(filters.get(kind)) for kind in ("never", "always")}
        for kind in ("always", "never"):
            if name in (listed[kind] or ()):
                return kind
        # A filter may go by what a server says of its tools, such as that one only reads.
        by_word = any(filters.get(kind) is not None and listed[kind] is None for kind in listed)
        if by_word or filters.get("never") is None:
            return "either"
        return "always"

    def knows(self, label: object) -> bool:
        """Tell whether a server is declared."""
        return label in self._declared

    def asked(self, request: Item) -> str | None:
        """Take a request for consent, and say what is wrong with it; None for nothing."""
        label, name = request.get("server_label"), request.get("name")
        policy = self.policy(label, name)
        if policy is None:
            return f"consent is asked for the tool {name!r} of the MCP server {label!r}, which was not declared"
        if policy == "never":
            return (
                f"consent is asked for the tool {name!r} of the MCP server {label!r}, which was declared to need none"
            )
        self._asked[str(request.get("id"))] = (_identity(request), None)
        return None

    def answered(self, request_id: str, approve: bool) -> None:
        """Take the application's answer to a request for consent."""
        if request_id in self._asked:
            self._asked[request_id] = (self._asked[request_id][0], approve)

    def called(self, call: Item) -> str | None:
        """Take a call that a server was made, and say what is wrong with it; None for nothing."""
        label, name, request_id = (call.get(member) for member in ("server_label", "name", "approval_request_id"))
        policy = self.policy(label, name)
        if policy is None:
            return f"the tool {name!r} of the MCP server {label!r} was called, which was not declared"
        if request_id is None:
            if policy == "always":
                return f"the tool {name!r} of the MCP server {label!r} was called without the consent that it needs"
            return None
        # Each consent is for one call, with these very arguments.
        identity, approved = self._asked.pop(str(request_id), (None, None))
        if approved is not True or identity != _identity(call):
            return f"the tool {name!r} of the MCP server {label!r} was called otherwise than consent was given for"
        return None


def _identity(item: Item) -> tuple[object, ...]:
    return item.get("server_label"), item.get("name"), item.get("arguments")


def _names(given: object) -> list[object] | None:
    """Return the names in a filter of tools; None where it goes by something else, or there is none."""
    if isinstance(given, Mapping):
        given = cast("Mapping[str, object]", given).get("tool_names")
    return as_list(given)


def _allows(allowed: object, name: object) -> bool:
    if allowed is None:
        return True
    names = _names(allowed)
    return names is None or name in names
