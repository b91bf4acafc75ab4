"""`/responses`, streamed, whole, stored and in the background: answers made of the input's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import msgspec

from .chat import ASSUMED_OUTPUT
from .checks import boolean, integer, metadata, number, text
from .exchange import Events, Json, JsonReply, Refusal, Reply, Request, Route, Step, invalid, named_block
from .models import Models
from .schemas import answer_in_form, form_of
from .state import Shared, Shelf, new_id, page
from .words import answer, count_tokens, cut, text_of

__all__ = ("Responses",)

_FORMS = ("text", "json_object", "json_schema")

_ROLES = {"assistant", "developer", "system", "user"}

# What the API puts around each message, as in chat.
_TOKENS_PER_ITEM = 3

# A response in the background goes one state further each time it is looked at: no clock, so that tests are certain.
_NEXT = {"queued": "in_progress", "in_progress": "completed"}


class _Kept:
    """A stored response: its final form, its input, and what a later turn needs of it."""

    def __init__(self, final: Json, tokens: list[str], inputs: list[Json], turn: int, history: int) -> None:
        self.final = final
        self.tokens = tokens
        self.inputs = inputs
        self.turn = turn
        self.history = history
        # What a caller sees now; differs from the final form while the response is in the background.
        self.shown = final


class Responses:
    """Answers the Responses API."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models
        self._kept: Shelf[_Kept] = Shelf("response", shared.keep, shared.keep_bytes)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        one = "/responses/{response_id}"
        return [
            ("POST", "/responses", self.create),
            ("POST", "/responses/input_tokens", self.input_tokens),
            ("GET", one, self.retrieve),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/cancel", self.cancel),
            ("GET", f"{one}/input_items", self.input_items),
        ]

    async def create(self, request: Request) -> Reply:
        """Answer an input, whole, as a stream, or in the background."""
        body = await request.json()
        model = self._models.named(body)
        inputs, input_tokens, turn = self._read(body)
        _refuse_what_needs_a_model(body)
        max_tokens = integer(body, "max_output_tokens", 16, 1 << 20)
        background, store = boolean(body, "background"), boolean(body, "store", True)
        if background and not store:
            raise invalid("background", "A response in the background must be stored; leave 'store' true.")
        request.reply_headers.update(self._shared.limits.take(input_tokens + (max_tokens or ASSUMED_OUTPUT)))

        asked = [text_of(item["content"], "input") for item in inputs if item.get("role") == "user"]
        tokens, was_cut = cut(_answer(body, asked[-1] if asked else "", turn), (), max_tokens)
        final = self._response(body, model, tokens, was_cut, input_tokens)
        kept = _Kept(final, tokens, inputs, turn, input_tokens + len(tokens))
        if store:
            self._kept.add(str(final["id"]), kept, request.size)
        if boolean(body, "stream"):
            return Events(_events(final, tokens, after=-1))
        if background:
            kept.shown = _unfinished(final, "queued")
        self._shared.stats.tokens += len(tokens)
        return JsonReply(kept.shown)

    async def input_tokens(self, request: Request) -> JsonReply:
        """Count the tokens of an input without answering it."""
        body = await request.json()
        _, tokens, _ = self._read(body)
        return JsonReply({"object": "response.input_tokens", "input_tokens": tokens})

    async def retrieve(self, request: Request) -> Reply:
        """Return a stored response, or its events after a sequence number as a stream."""
        kept = self._kept.get(request.args["response_id"])
        if request.query_value("stream") in ("true", "1"):
            after = request.query_int("starting_after", -1, -1, 1 << 31)
            return Events(_events(kept.final, kept.tokens, after))
        following = _NEXT.get(str(kept.shown["status"]))
        if following is not None:
            kept.shown = kept.final if following == "completed" else kept.shown | {"status": following}
        return JsonReply(kept.shown)

    async def delete(self, request: Request) -> JsonReply:
        """Forget a stored response."""
        key = request.args["response_id"]
        self._kept.pop(key)
        return JsonReply({"id": key, "object": "response", "deleted": True})

    async def cancel(self, request: Request) -> JsonReply:
        """Cancel a response in the background; one that has ended stays as it is."""
        kept = self._kept.get(request.args["response_id"])
        if not kept.final["background"]:
            raise Refusal(400, "Only a response that was created with background=true can be cancelled.")
        if str(kept.shown["status"]) in _NEXT:
            kept.shown = kept.shown | {"status": "cancelled"}
        return JsonReply(kept.shown)

    async def input_items(self, request: Request) -> JsonReply:
        """Return a page of the input items that a stored response answered, newest first unless asked otherwise."""
        kept = self._kept.get(request.args["response_id"])
        return JsonReply(page(kept.inputs, request))

    def _read(self, body: Json) -> tuple[list[Json], int, int]:
        """Return the input as items, the tokens of all the model would read, and the turn of the conversation."""
        if body.get("conversation") is not None:
            raise invalid("conversation", "This stand-in keeps no conversations; use 'previous_response_id'.")
        inputs = _input_items(body.get("input"))
        tokens = sum(count_tokens(text_of(item.get("content"), "input")) + _TOKENS_PER_ITEM for item in inputs)
        tokens += count_tokens(text(body, "instructions") or "")
        turn = 1
        previous = text(body, "previous_response_id")
        if previous is not None:
            if previous not in self._kept:
                raise invalid(
                    "previous_response_id",
                    f"There is no stored response {previous!r} to go on from.",
                    "previous_response_not_found",
                )
            kept = self._kept.get(previous)
            turn, tokens = kept.turn + 1, tokens + kept.history
        return inputs, tokens, turn

    def _response(self, body: Json, model: str, tokens: list[str], was_cut: bool, input_tokens: int) -> Json:
        created = self._shared.created()
        reasoning = cast("Json", body.get("reasoning") or {})
        form = cast("Json", body.get("text") or {})
        words = "".join(tokens)
        return {
            "id": new_id("resp_"),
            "object": "response",
            "created_at": created,
            "status": "incomplete" if was_cut else "completed",
            "background": boolean(body, "background"),
            "completed_at": None if was_cut else created,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if was_cut else None,
            "instructions": text(body, "instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": integer(body, "max_tool_calls", 1, 1 << 20),
            "model": model,
            "output": [_message(new_id("msg_"), words, "incomplete" if was_cut else "completed")],
            "parallel_tool_calls": boolean(body, "parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "prompt_cache_key": text(body, "prompt_cache_key"),
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "safety_identifier": text(body, "safety_identifier"),
            "service_tier": "default",
            "temperature": _or(number(body, "temperature", 0, 2), 1.0),
            "text": {"format": form.get("format") or {"type": "text"}, "verbosity": form.get("verbosity") or "medium"},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "top_logprobs": integer(body, "top_logprobs", 0, 20) or 0,
            "top_p": _or(number(body, "top_p", 0, 1), 1.0),
            "truncation": text(body, "truncation", "disabled"),
            "usage": {
                "input_tokens": input_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": len(tokens),
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": input_tokens + len(tokens),
            },
            "user": text(body, "user"),
            "metadata": metadata(body) or {},
        }


def _answer(body: Json, prompt: str, turn: int) -> str:
    form = cast("Json", body.get("text") or {}).get("format")
    schema = form_of(form, "text.format")
    if schema is not None:
        return answer_in_form(schema, prompt, "text.format")
    words = answer(prompt, turn=turn)
    if isinstance(form, dict) and cast("Json", form).get("type") == "json_object":
        return msgspec.json.encode({"answer": words}).decode()
    return words


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _input_items(value: object) -> list[Json]:
    """Return the input as items with ids, its messages in the long form that the API gives back."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise invalid("input", "'input' must be a string or a list of items.", "invalid_type")
    items: list[Json] = []
    for place, item in enumerate(cast("list[object]", value)):
        where = f"input[{place}]"
        if not isinstance(item, dict):
            raise invalid(where, f"'{where}' must be an object.", "invalid_type")
        given = cast("Json", item)
        if given.get("type", "message") != "message":
            items.append({"id": new_id("item_")} | given)
            continue
        if given.get("role") not in _ROLES:
            raise invalid(
                f"{where}.role", f"'{where}.role' must be one of {sorted(_ROLES)}, not {given.get('role')!r}."
            )
        content = given.get("content")
        text_of(content, f"{where}.content")
        if isinstance(content, str):
            content = [_part(content) if given["role"] == "assistant" else {"type": "input_text", "text": content}]
        items.append(
            {"id": new_id("msg_")}
            | given
            | {"type": "message", "status": given.get("status") or "completed", "content": content or []}
        )
    return items


def _refuse_what_needs_a_model(body: Json) -> None:
    """Say no to what words alone cannot give, rather than answer in a form that nobody asked for.

    Raises:
        Refusal: A tool call is demanded, or an answer in a form that is not known here.
    """
    choice = body.get("tool_choice")
    if choice == "required" or isinstance(choice, dict):
        raise invalid("tool_choice", "This stand-in computes no model and calls no tools; 'auto' and 'none' work.")
    for name in ("text", "reasoning"):
        if not isinstance(body.get(name) or {}, dict):
            raise invalid(name, f"{name!r} must be an object.", "invalid_type")
    form = cast("Json", body.get("text") or {}).get("format")
    if form is not None and (not isinstance(form, dict) or cast("Json", form).get("type") not in _FORMS):
        raise invalid("text.format", f"'text.format.type' must be one of {list(_FORMS)}.")


def _message(key: str, words: str, status: str) -> Json:
    return {"id": key, "type": "message", "status": status, "role": "assistant", "content": [_part(words)]}


def _part(words: str) -> Json:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": []}


def _unfinished(final: Json, status: str) -> Json:
    """Return a response as it is before its answer is there."""
    return final | {
        "status": status,
        "completed_at": None,
        "incomplete_details": None,
        "output": list[Json](),
        "usage": None,
    }


def _events(final: Json, tokens: list[str], after: int) -> Iterator[Step]:
    """Give the events of a response with a sequence number above `after`, numbered as they were at first."""
    item = cast("list[Json]", final["output"])[0]
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    words = "".join(tokens)
    begun = _unfinished(final, "in_progress")
    events: list[tuple[str, Json, int]] = [
        ("response.created", {"response": begun}, 0),
        ("response.in_progress", {"response": begun}, 0),
        ("response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}, 0),
        ("response.content_part.added", place | {"part": _part("")}, 0),
        *(("response.output_text.delta", place | {"delta": token, "logprobs": []}, 1) for token in tokens),
        ("response.output_text.done", place | {"text": words, "logprobs": []}, 0),
        ("response.content_part.done", place | {"part": _part(words)}, 0),
        ("response.output_item.done", {"output_index": 0, "item": item}, 0),
        (f"response.{final['status']}", {"response": final}, 0),
    ]
    for sequence_number, (name, members, count) in enumerate(events):
        if sequence_number > after:
            yield named_block(name, {"type": name, "sequence_number": sequence_number} | members), count
