"""What servers send when something went wrong, in every shape known, as facts; exceptions are built elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

__all__ = ("MAX_SHOWN", "error_code", "error_facts", "event_error")

MAX_SHOWN: Final = 200
"""Most characters of a body that is no error object, such as a proxy's HTML page, that a message shows."""

# A server's own sentence is shown whole; this bound is for servers that put a document there.
_MAX_MESSAGE: Final = 2000

# Messages in messages, such as a gateway's around its upstream's, are a few levels deep.
_MAX_DEPTH: Final = 6


def error_facts(body: object) -> tuple[str | None, object]:
    """Read the body of an HTTP error: the server's message (None without one), and what users find as `error.body`.

    The second is the value of `error` where there is one, else the whole body.

    Args:
        body: The decoded JSON, or text, or None for an empty body.

    Source: https://platform.openai.com/docs/guides/error-codes
    """
    members = _members(body)
    if members is not None:
        error = members.get("error")
        if error:
            return _message(error) or _message(members), error
        return _message(members), members
    if isinstance(body, list):
        # Google's compatible endpoint wraps its error object in an array.
        items = cast("list[object]", body)
        if len(items) == 1 and isinstance(items[0], Mapping):
            return error_facts(cast("object", items[0]))
        return None, items
    if isinstance(body, str):
        shown = " ".join(body.split())
        if len(shown) > MAX_SHOWN:
            shown = shown[: MAX_SHOWN - 1] + "…"
        return shown or None, body
    return None, body


def error_code(body: object) -> tuple[str | None, str | None]:
    """Read the server's error code and type out of the second value of `error_facts`."""
    members = _members(body)
    if members is None:
        return None, None
    code, kind = members.get("code"), members.get("type")
    return None if code is None else str(code), None if kind is None else str(kind)


def event_error(event: str, body: object, *, own_error_event: bool = False) -> tuple[str | None, object] | None:
    """Tell whether a stream event is an error; its message and body as `error_facts` gives them, or None.

    Errors are a usable value under `error`, an event named `error`, and an object that calls itself an error
    (`object` or `type` is `"error"`). `"error": null` (or false, or empty) is none, and neither are the Responses API's
    typed events, such as `response.failed`: they are what their type says. Few events need this look at all: one that
    is not named `error` and has no `"error"` in its bytes is none.

    Args:
        event: The event's name; "" without one.
        body: The decoded JSON, or the text where it was none.
        own_error_event: The stream has an ordinary event of type `error` without an `error` object, as the Responses
            API does: that one is not an error here.
    """
    members = _members(body)
    if members is not None:
        if event != "error" and str(members.get("type")).startswith("response."):
            return None
        if members.get("error"):
            return error_facts(members)
        if members.get("type") == "error":
            return None if own_error_event else error_facts(members)
        if members.get("object") == "error":
            return error_facts(members)
    return error_facts(body) if event == "error" else None


def _members(value: object) -> Mapping[str, object] | None:
    """Return an object as what it is; None when it is no object."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _message(value: object, depth: int = 0) -> str | None:
    """Find a sentence in an error value."""
    text: str | None
    if isinstance(value, str):
        text = value.strip()
        return text[:_MAX_MESSAGE] or None
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        # FastAPI's list of what is wrong with the input.
        texts = [text for item in cast("list[object]", value)[:5] if (text := _message(item, depth + 1))]
        return "; ".join(texts)[:_MAX_MESSAGE] or None
    members = _members(value)
    if members is not None:
        # OpenAI's own; FastAPI; OAuth; problem details (RFC 9457); FastAPI's items; JSON:API-like lists.
        for name in ("message", "detail", "error_description", "title", "msg", "errors"):
            text = _message(members.get(name), depth + 1)
            if text:
                return text
    return None
