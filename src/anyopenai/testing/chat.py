"""`/chat/completions`, streamed, whole and stored: what a turn says in the API's shapes; what it says is made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from .checks import boolean, integer, metadata, number, required, stops
from .exchange import DONE, Events, Json, JsonReply, Reply, Request, Route, Step, event_block, invalid
from .models import Models
from .state import Shared, Shelf, new_id, page
from .tools import Choice, Talk, choice_from_body, tools_from_body
from .turns import Turn, turn_for
from .words import count_tokens, text_of

__all__ = ("Chat", "usage")

_ROLES = ("assistant", "developer", "function", "system", "tool", "user")

# What the API puts around each message of a conversation, by its own guide to counting tokens.
_TOKENS_PER_MESSAGE = 3

# What a request without a limit is taken to allow itself, where only the rate limit asks.
ASSUMED_OUTPUT = 128


class Chat:
    """Answers chat completions, and keeps those that were asked to be stored."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models
        self._stored: Shelf[tuple[Json, list[Json]]] = Shelf("stored chat completion", shared.keep, shared.keep_bytes)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        one = "/chat/completions/{completion_id}"
        return [
            ("POST", "/chat/completions", self.create),
            ("GET", "/chat/completions", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("GET", f"{one}/messages", self.messages),
        ]

    async def create(self, request: Request) -> Reply:
        """Complete a conversation: `n` answers, whole or as a stream."""
        body = await request.json()
        model = self._models.named(body)
        messages = _messages(body)
        choice = _choice(body)
        choices = integer(body, "n", 1, 128) or 1
        max_tokens = integer(body, "max_completion_tokens", 1, 1 << 20) or integer(body, "max_tokens", 1, 1 << 20)
        number(body, "temperature", 0, 2)
        number(body, "top_p", 0, 1)
        stop = stops(body)
        store, notes = boolean(body, "store"), metadata(body)
        texts = [text_of(message.get("content"), "messages") for message in messages]
        prompt_tokens = sum(count_tokens(words) + _TOKENS_PER_MESSAGE for words in texts)
        request.reply_headers.update(self._shared.limits.take(prompt_tokens + choices * (max_tokens or ASSUMED_OUTPUT)))

        talk = _talk(messages, texts)
        turns = [
            turn_for(
                talk,
                choice,
                body.get("response_format"),
                "response_format",
                rounds=self._shared.tool_rounds,
                stop=stop,
                max_tokens=max_tokens,
                number=number,
                of=choices,
            )
            for number in range(choices)
        ]
        head: Json = {
            "id": new_id("chatcmpl-"),
            "created": self._shared.created(),
            "model": model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        counted = usage(prompt_tokens, sum(turn.count for turn in turns))
        whole = head | {
            "object": "chat.completion",
            "choices": [_whole(place, turn, _reason(turn, choice)) for place, turn in enumerate(turns)],
            "usage": counted,
        }
        if store:
            identified = [message | {"id": f"{head['id']}-{place}"} for place, message in enumerate(messages)]
            self._stored.add(str(head["id"]), (whole | {"metadata": notes or {}}, identified), request.size)
        if not boolean(body, "stream"):
            self._shared.stats.tokens += cast("int", counted["completion_tokens"])
            return JsonReply(whole)
        return Events(_stream(head, turns, choice, counted if _wants_usage(body) else None))

    async def list(self, request: Request) -> JsonReply:
        """Return a page of the stored completions, filtered by model and metadata."""
        model = request.query_value("model")
        wanted = {
            name.removeprefix("metadata[").removesuffix("]"): values[0]
            for name, values in request.query.items()
            if name.startswith("metadata[")
        }
        rows = [
            stored
            for stored, _ in self._stored.values()
            if model in (None, stored["model"]) and wanted.items() <= cast("dict[str, str]", stored["metadata"]).items()
        ]
        return JsonReply(page(rows, request, order="asc"))

    async def retrieve(self, request: Request) -> JsonReply:
        """Return a stored completion."""
        return JsonReply(self._stored.get(request.args["completion_id"])[0])

    async def update(self, request: Request) -> JsonReply:
        """Replace the metadata of a stored completion."""
        key = request.args["completion_id"]
        body = await request.json()
        stored, messages = self._stored.get(key)
        required(body, "metadata")
        stored = stored | {"metadata": metadata(body)}
        self._stored.replace(key, (stored, messages))
        return JsonReply(stored)

    async def delete(self, request: Request) -> JsonReply:
        """Forget a stored completion."""
        key = request.args["completion_id"]
        self._stored.pop(key)
        return JsonReply({"object": "chat.completion.deleted", "id": key, "deleted": True})

    async def messages(self, request: Request) -> JsonReply:
        """Return a page of the messages that a stored completion answered."""
        _, messages = self._stored.get(request.args["completion_id"])
        rows: list[Json] = []
        for message in messages:
            content = message.get("content")
            in_parts = isinstance(content, list)
            rows.append(
                {"refusal": None}
                | message
                | {"content": None if in_parts else content, "content_parts": content if in_parts else None}
            )
        return JsonReply(page(rows, request, order="asc"))


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Return the usage of a completion, with its details."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _messages(body: Json) -> list[Json]:
    """Return the conversation, each message checked for a role and a content that can be read."""
    value = required(body, "messages")
    if not isinstance(value, list) or not value:
        raise invalid("messages", "'messages' must be a list with at least one message.", "invalid_type")
    messages: list[Json] = []
    for place, item in enumerate(cast("list[object]", value)):
        where = f"messages[{place}]"
        if not isinstance(item, dict):
            raise invalid(where, f"'{where}' must be an object.", "invalid_type")
        message = cast("Json", item)
        if message.get("role") not in _ROLES:
            raise invalid(
                f"{where}.role", f"'{where}.role' must be one of {sorted(_ROLES)}, not {message.get('role')!r}."
            )
        text_of(message.get("content"), f"{where}.content")
        messages.append(message)
    return messages


def _talk(messages: list[Json], texts: list[str]) -> Talk:
    """Return what a conversation has come to.

    Raises:
        Refusal: The output of a tool stands without its call before it, or a call without its output behind it.
    """
    talk = Talk()
    for place, (message, words) in enumerate(zip(messages, texts, strict=True)):
        where = f"messages[{place}]"
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str):
                raise invalid(f"{where}.tool_call_id", f"'{where}.tool_call_id' is missing.", "missing_parameter")
            if call_id not in talk.open:
                raise invalid(
                    f"{where}.tool_call_id",
                    f"A message of the role 'tool' must answer one of the 'tool_calls' of the assistant's message before"
                    f" it; none of those that are open has the id {call_id!r}.",
                )
            talk.answer(call_id, words)
            continue
        _refuse_open_calls(talk, where)
        if message["role"] == "user":
            talk.ask(words)
        elif message["role"] == "assistant":
            calls = message.get("tool_calls") or list[object]()
            if not isinstance(calls, list):
                raise invalid(f"{where}.tool_calls", f"'{where}.tool_calls' must be a list.", "invalid_type")
            for number, call in enumerate(cast("list[object]", calls)):
                _open_call(talk, call, f"{where}.tool_calls[{number}]")
    _refuse_open_calls(talk, f"messages[{len(messages) - 1}]")
    return talk


def _open_call(talk: Talk, call: object, where: str) -> None:
    members = cast("Json", call) if isinstance(call, dict) else {}
    called = members.get(str(members.get("type") or "function"))
    if not isinstance(members.get("id"), str) or not isinstance(called, dict):
        raise invalid(where, f"'{where}' must be an object with an 'id' and what it calls.", "missing_parameter")
    talk.call(str(members["id"]), str(cast("Json", called).get("name")))


def _refuse_open_calls(talk: Talk, where: str) -> None:
    if talk.open:
        raise invalid(
            where,
            "An assistant's message with 'tool_calls' must be followed by a message of the role 'tool' for each of"
            f" them; no such message has answered: {', '.join(talk.open)}.",
        )


def _choice(body: Json) -> Choice:
    """Return what the request says about tools, its other demands looked at.

    Raises:
        Refusal: It demands what words alone cannot give, rather than an answer in a form that nobody asked for.
    """
    modalities = body.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        raise invalid("modalities", "This stand-in speaks no audio; 'text' works.")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not body.get("tools"):
            raise invalid(name, f"{name!r} is taken only together with 'tools'.")
    return choice_from_body(body, tools_from_body(body, flat=False), flat=False)


def _reason(turn: Turn, choice: Choice) -> str:
    """Return why a turn ended; a function that was demanded by name counts as an end like any other, as in the API."""
    if turn.was_cut:
        return "length"
    return "tool_calls" if turn.calls and not choice.named else "stop"


def _whole(index: int, turn: Turn, reason: str) -> Json:
    message: Json = {"role": "assistant", "content": turn.text, "refusal": None, "annotations": []}
    if turn.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _wants_usage(body: Json) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise invalid("stream_options", "'stream_options' must be an object.", "invalid_type")
    return boolean(cast("Json", options), "include_usage")


def _stream(head: Json, turns: list[Turn], choice: Choice, counted: Json | None) -> Iterator[Step]:
    """Give the chunks of a stream: the answers side by side, a token of each in turn."""
    head = head | {"object": "chat.completion.chunk"}

    def chunk(index: int, delta: Json, finish_reason: str | None = None) -> bytes:
        part = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        # With include_usage every chunk has the member, and only the last one a value.
        return event_block(head | {"choices": [part]} | ({} if counted is None else {"usage": None}))

    for index, turn in enumerate(turns):
        yield chunk(index, {"role": "assistant", "content": None if turn.calls else "", "refusal": None}), 0
    deltas = [_deltas(turn) for turn in turns]
    for place in range(max(len(of_turn) for of_turn in deltas)):
        for index, of_turn in enumerate(deltas):
            if place < len(of_turn):
                delta, tokens = of_turn[place]
                yield chunk(index, delta), tokens
    for index, turn in enumerate(turns):
        yield chunk(index, {}, _reason(turn, choice)), 0
    if counted is not None:
        yield event_block(head | {"choices": list[Json](), "usage": counted}), 0
    yield DONE, 0


def _deltas(turn: Turn) -> list[tuple[Json, int]]:
    """Return what the chunks of a turn add, each with how many tokens it carries."""
    deltas: list[tuple[Json, int]] = [({"content": token}, 1) for token in turn.tokens]
    for place, call in enumerate(turn.calls):
        begun: Json = {
            "index": place,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        deltas.append(({"tool_calls": [begun]}, 0))
        for token in call.tokens:
            deltas.append(({"tool_calls": [{"index": place, "function": {"arguments": token}}]}, 1))
    return deltas
