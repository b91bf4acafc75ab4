"""A browser that only remembers what was done to it, and calls that a model may make."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from anyopenai.tools.browser_members import BROWSER_MEMBERS
from anyopenai.types.responses import ResponseFunctionToolCall

STATE: dict[str, Any] = {
    "tabs": [{"id": "t1", "title": "Shop", "url": "https://shop.example/cart?session=secret", "active": True}]
}
TOLD: dict[str, Any] = {"tabs": [{"id": "t1", "title": "Shop", "url": "https://shop.example", "active": True}]}
READ: dict[str, Any] = {"version": 1, "text": "Cart", "elements": [], "omitted": []}
IMAGE: dict[str, Any] = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
OUTCOME: dict[str, Any] = {"version": 1, "status": "completed", "effect": "completed", "cleanup": "completed"}

_TAB: dict[str, Any] = {"tab_id": None}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "navigate": {"url": "https://shop.example/", **_TAB},
    "read_page": {"filter": "all", **_TAB},
    "get_page_text": _TAB,
    "find": {"query": "cart", **_TAB},
    "click": {"target": "e1", **_TAB},
    "type": {"text": "hello", "target": None, **_TAB},
    "key": {"keys": ["Control", "a"], **_TAB},
    "scroll": {"direction": "up", "amount": 3, **_TAB},
    "select_option": {"target": "e1", "values": ["v"], **_TAB},
    "hover": {"target": "e1", **_TAB},
    "screenshot": _TAB,
    "zoom": {"region": [0, 0, 10, 10], **_TAB},
    "new_tab": {"url": None},
    "list_tabs": {},
    "switch_tab": {"tab_id": "t1"},
    "close_tab": {"tab_id": "t1"},
    "scroll_to": {"target": "e1", **_TAB},
    "wait_for": {"text": "Paid", "timeout_ms": 10, **_TAB},
    "hover_at": {"x": 1, "y": 2, **_TAB},
    "set_checked": {"target": "e1", "checked": True, **_TAB},
    "click_at": {"x": 1, "y": 2, "button": "left", "click_count": 1, "keys": [], **_TAB},
    "drag_path": {"path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "keys": ["Shift"], **_TAB},
    "hold_keys": {"keys": ["a"], "duration_ms": 10, **_TAB},
    "read_page_scoped": {"filter": "all", "root": None, "depth": 3, **_TAB},
    "read_diagnostics": {"source": "console", "limit": 5, **_TAB},
    "run_script": {"source": "1 + 1", "timeout_ms": 100, **_TAB},
    "upload_file": {"grant_id": "g1"},
    "download_file": {"grant_id": "g1"},
}
RESULTS: dict[str, Any] = {
    "read_page": READ,
    "screenshot": IMAGE,
    "zoom": IMAGE,
    "read_page_scoped": {**READ, "scopes": [{"ref": "s1", "label": "Cart"}]},
    "read_diagnostics": READ,
    "run_script": "2",
    "upload_file": OUTCOME,
    "download_file": OUTCOME,
}


class Browser:
    """Notes what it is asked for; `during` runs inside each method, with its name, and may give the result.

    It has the methods that it is made with, all of them unless it is said which.
    """

    def __init__(
        self,
        during: Callable[[str], Awaitable[Any] | None] | None = None,
        *,
        methods: tuple[str, ...] = BROWSER_MEMBERS,
        **results: Any,
    ) -> None:
        self.done: list[str] = []
        self.arguments: list[Any] = []
        self._during = during
        self._results: dict[str, Any] = {"state": STATE, **RESULTS, **results}
        for name in methods:
            if name != "list_tabs":
                setattr(self, name, self._method(name))

    def _method(self, name: str) -> Callable[[Any], Awaitable[Any]]:
        async def method(action: Any) -> Any:
            self.arguments.append(action)
            return await self._do(name)

        return method

    async def state(self) -> Any:
        return await self._do("state")

    async def _do(self, name: str) -> Any:
        self.done.append(name)
        if self._during is not None:
            returned = self._during(name)
            if returned is not None:
                await returned
        return self._results.get(name)


def function_call(name: str, arguments: object = None, **members: Any) -> ResponseFunctionToolCall:
    """Build a call of a member; without arguments, with some that are right."""
    given = ARGUMENTS[name] if arguments is None else arguments
    text = given if isinstance(given, str) else json.dumps(given)
    return ResponseFunctionToolCall.model_validate(
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": f"browser_{name}",
            "arguments": text,
            "status": "completed",
            **members,
        }
    )


def said(output: Any) -> dict[str, Any]:
    """Read what a model is told."""
    assert (output["type"], output["call_id"]) == ("function_call_output", "call_1")
    first = output["output"][0]
    assert first["type"] == "input_text"
    told: dict[str, Any] = json.loads(first["text"])
    return told
