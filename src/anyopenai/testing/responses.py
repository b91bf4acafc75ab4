"""`/responses`, streamed, whole, stored and in the background: turns in the API's shapes; what they say is made elsewhere."""

from __future__ import annotations

from itertools import islice
from typing import cast

from .chat import ASSUMED_OUTPUT
from .checks import boolean, integer, metadata, number, text
from .exchange import Events, Json, JsonReply, Refusal, Reply, Request, Route, invalid
from .models import Models
from .output import events_of, items_of, part, unfinished
from .state import Shared, Shelf, new_id, page
from .tools import Choice, Talk, choice_from_body, tools_from_body
from .turns import Turn, turn_for
from .words import count_tokens, text_of

__all__ = ("Responses",)

_FORMS = ("text", "json_object", "json_schema")

_ROLES = ("assistant", "developer", "system", "user")

# Calls that the caller answers, each with an item of the same name and `_output`.
_CALLS = ("function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call")

# What the API puts around each message, as in chat.
_TOKENS_PER_ITEM = 3

# A response in the background goes one state further each time it is looked at: no clock, so that tests are certain.
_NEXT = {"queued": "in_progress", "in_progress": "completed"}


class _Kept:
    """A stored response: its final form, its input, and what a later turn needs of it."""

    def __init__(self, final: Json, turn: Turn, inputs: list[Json], talk: Talk, history: int) -> None:
        self.final = final
        self.turn = turn
        self.inputs = inputs
        self.talk = talk
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
        inputs, input_tokens, talk = self._read(body)
        choice = _choice(body)
        max_tokens = integer(body, "max_output_tokens", 16, 1 << 20)
        background, store = boolean(body, "background"), boolean(body, "store", True)
        if background and not store:
            raise invalid("background", "A response in the background must be stored; leave 'store' true.")
        request.reply_headers.update(self._shared.limits.take(input_tokens + (max_tokens or ASSUMED_OUTPUT)))

        form = cast("Json", body.get("text") or {}).get("format")
        rounds = self._shared.tool_rounds
        turn = turn_for(talk, choice, form, "text.format", rounds=rounds, max_tokens=max_tokens)
        final = self._response(body, model, turn, input_tokens)
        for call in turn.calls:
            talk.call(call.id, call.name)
        kept = _Kept(final, turn, inputs, talk, input_tokens + turn.count)
        if store:
            self._kept.add(str(final["id"]), kept, request.size)
        if boolean(body, "stream"):
            return self._stream(final, turn, after=-1)
        if background:
            kept.shown = unfinished(final, "queued")
        self._shared.stats.tokens += turn.count
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
            return self._stream(kept.final, kept.turn, after)
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

    def _stream(self, final: Json, turn: Turn, after: int) -> Events:
        most = self._shared.break_off_after
        events = events_of(final, turn, after)
        if most is None or not final["background"]:
            return Events(events)
        carried = list(islice(events, most))
        return Events(carried, whole=next(events, None) is None)

    def _read(self, body: Json) -> tuple[list[Json], int, Talk]:
        """Return the input as items, the tokens of all the model would read, and what the conversation has come to."""
        if body.get("conversation") is not None:
            raise invalid("conversation", "This stand-in keeps no conversations; use 'previous_response_id'.")
        inputs = _input_items(body.get("input"))
        tokens = sum(count_tokens(_words_of(item)) + _TOKENS_PER_ITEM for item in inputs)
        tokens += count_tokens(text(body, "instructions") or "")
        talk = Talk()
        previous = text(body, "previous_response_id")
        if previous is not None:
            if previous not in self._kept:
                raise invalid(
                    "previous_response_id",
                    f"There is no stored response {previous!r} to go on from.",
                    "previous_response_not_found",
                )
            kept = self._kept.get(previous)
            talk, tokens = kept.talk.copy(), tokens + kept.history
        for place, item in enumerate(inputs):
            if item.get("type") == "item_reference":
                item = self._output_item(item.get("id"))
            _hear(talk, item, f"input[{place}]")
        if talk.open:
            raise invalid(
                "input",
                f"The input must have the output of each call that was made; it lacks those of: {', '.join(talk.open)}.",
            )
        return inputs, tokens, talk

    def _output_item(self, key: object) -> Json:
        for kept in reversed([*self._kept.values()]):
            for item in [*cast("list[Json]", kept.final["output"]), *kept.inputs]:
                if item["id"] == key:
                    return item
        raise Refusal(404, f"There is no stored item with the id {key!r}.", code="not_found", param="input")

    def _response(self, body: Json, model: str, turn: Turn, input_tokens: int) -> Json:
        created = self._shared.created()
        reasoning = cast("Json", body.get("reasoning") or {})
        form = cast("Json", body.get("text") or {})
        was_cut = turn.was_cut
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
            "output": items_of(turn),
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
                "output_tokens": turn.count,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": input_tokens + turn.count,
            },
            "user": text(body, "user"),
            "metadata": metadata(body) or {},
        }


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
            content = [part(content) if given["role"] == "assistant" else {"type": "input_text", "text": content}]
        items.append(
            {"id": new_id("msg_")}
            | given
            | {"type": "message", "status": given.get("status") or "completed", "content": content or []}
        )
    return items


def _words_of(item: Json) -> str:
    content = item.get("output" if str(item.get("type")).endswith("_output") else "content")
    # A screenshot is an object, and has no words.
    return "" if isinstance(content, dict) else text_of(content, "input")


def _hear(talk: Talk, item: Json, where: str) -> None:
    """Follow one item of the input: what the user says, what was called, and what was given for it.

    Raises:
        Refusal: An output stands without its call before it.
    """
    kind, call_id = str(item.get("type")), item.get("call_id")
    if kind == "message":
        if item.get("role") == "user":
            talk.ask(text_of(item.get("content"), where))
    elif not isinstance(call_id, str):
        if kind in _CALLS or kind.removesuffix("_output") in _CALLS:
            raise invalid(f"{where}.call_id", f"'{where}.call_id' is missing.", "missing_parameter")
    elif kind in _CALLS:
        talk.call(call_id, str(item.get("name") or kind))
    elif kind.removesuffix("_output") in _CALLS:
        if call_id not in talk.open:
            raise invalid("input", f"'{where}' is the output of the call {call_id!r}, and no such call waits for one.")
        talk.answer(call_id, _words_of(item))


def _choice(body: Json) -> Choice:
    """Return what the request says about tools, its other demands looked at.

    Raises:
        Refusal: It demands what words alone cannot give, rather than an answer in a form that nobody asked for.
    """
    for name in ("text", "reasoning"):
        if not isinstance(body.get(name) or {}, dict):
            raise invalid(name, f"{name!r} must be an object.", "invalid_type")
    form = cast("Json", body.get("text") or {}).get("format")
    if form is not None and (not isinstance(form, dict) or cast("Json", form).get("type") not in _FORMS):
        raise invalid("text.format", f"'text.format.type' must be one of {list(_FORMS)}.")
    return choice_from_body(body, tools_from_body(body, flat=True), flat=True)
