"""`/chat/completions`, streamed, whole and stored: answers made of the prompt's own words, in the API's shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import msgspec

from .checks import boolean, integer, metadata, number, required, stops
from .exchange import DONE, Events, Json, JsonReply, Reply, Request, Route, Step, event_block, invalid
from .models import Models
from .schemas import answer_in_form, form_of
from .state import Shared, Shelf, new_id, page
from .words import answer, count_tokens, cut, text_of

__all__ = ("Chat", "usage")

_ROLES = {"assistant", "developer", "function", "system", "tool", "user"}

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
        _refuse_what_needs_a_model(body)
        choices = integer(body, "n", 1, 128) or 1
        max_tokens = integer(body, "max_completion_tokens", 1, 1 << 20) or integer(body, "max_tokens", 1, 1 << 20)
        number(body, "temperature", 0, 2)
        number(body, "top_p", 0, 1)
        stop = stops(body)
        store, notes = boolean(body, "store"), metadata(body)
        texts = [text_of(message.get("content"), "messages") for message in messages]
        prompt_tokens = sum(count_tokens(words) + _TOKENS_PER_MESSAGE for words in texts)
        request.reply_headers.update(self._shared.limits.take(prompt_tokens + choices * (max_tokens or ASSUMED_OUTPUT)))

        asked = [words for words, message in zip(texts, messages, strict=True) if message["role"] == "user"]
        answers = [cut(_answer(body, asked, choice, choices), stop, max_tokens) for choice in range(choices)]
        head: Json = {
            "id": new_id("chatcmpl-"),
            "created": self._shared.created(),
            "model": model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        counted = usage(prompt_tokens, sum(len(tokens) for tokens, _ in answers))
        whole = head | {
            "object": "chat.completion",
            "choices": [_choice(place, tokens, was_cut) for place, (tokens, was_cut) in enumerate(answers)],
            "usage": counted,
        }
        if store:
            identified = [message | {"id": f"{head['id']}-{place}"} for place, message in enumerate(messages)]
            self._stored.add(str(head["id"]), (whole | {"metadata": notes or {}}, identified), request.size)
        if not boolean(body, "stream"):
            self._shared.stats.tokens += cast("int", counted["completion_tokens"])
            return JsonReply(whole)
        return Events(_stream(head, answers, counted if _wants_usage(body) else None))

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


def _refuse_what_needs_a_model(body: Json) -> None:
    """Say no to what words alone cannot give, rather than answer in a form that nobody asked for.

    Raises:
        Refusal: A tool call is demanded, or speech.
    """
    choice = body.get("tool_choice")
    if choice == "required" or isinstance(choice, dict):
        raise invalid("tool_choice", "This stand-in computes no model and calls no tools; 'auto' and 'none' work.")
    modalities = body.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        raise invalid("modalities", "This stand-in speaks no audio; 'text' works.")


def _answer(body: Json, asked: list[str], choice: int, choices: int) -> str:
    prompt = asked[-1] if asked else ""
    schema = form_of(body.get("response_format"), "response_format")
    if schema is not None:
        return answer_in_form(schema, prompt, "response_format")
    words = answer(prompt, choice=choice, choices=choices, turn=max(1, len(asked)))
    form = body.get("response_format")
    if isinstance(form, dict) and cast("Json", form).get("type") == "json_object":
        return msgspec.json.encode({"answer": words}).decode()
    return words


def _choice(index: int, tokens: list[str], was_cut: bool) -> Json:
    return {
        "index": index,
        "message": {"role": "assistant", "content": "".join(tokens), "refusal": None, "annotations": []},
        "logprobs": None,
        "finish_reason": "length" if was_cut else "stop",
    }


def _wants_usage(body: Json) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise invalid("stream_options", "'stream_options' must be an object.", "invalid_type")
    return boolean(cast("Json", options), "include_usage")


def _stream(head: Json, answers: list[tuple[list[str], bool]], counted: Json | None) -> Iterator[Step]:
    """Give the chunks of a stream: the answers side by side, a token of each in turn."""
    head = head | {"object": "chat.completion.chunk"}

    def chunk(index: int, delta: Json, finish_reason: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        # With include_usage every chunk has the member, and only the last one a value.
        return event_block(head | {"choices": [choice]} | ({} if counted is None else {"usage": None}))

    for index in range(len(answers)):
        yield chunk(index, {"role": "assistant", "content": "", "refusal": None}), 0
    for place in range(max(len(tokens) for tokens, _ in answers)):
        for index, (tokens, _) in enumerate(answers):
            if place < len(tokens):
                yield chunk(index, {"content": tokens[place]}), 1
    for index, (_, was_cut) in enumerate(answers):
        yield chunk(index, {}, "length" if was_cut else "stop"), 0
    if counted is not None:
        yield event_block(head | {"choices": list[Json](), "usage": counted}), 0
    yield DONE, 0
