"""The stand-in as an ASGI application: keys, routes, request ids, error bodies and streams; endpoints live beside it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

import msgspec
from anyio import CancelScope, current_time, sleep
from anyio.lowlevel import checkpoint

from .._tasks import open_task_group
from .assistants import Assistants
from .batches import Batches
from .chat import Chat
from .completions import Completions
from .embeddings import Embeddings
from .exchange import (
    Disconnected,
    Events,
    Handler,
    Json,
    JsonReply,
    Message,
    RawReply,
    Receive,
    Refusal,
    Reply,
    Request,
    Scope,
    Send,
)
from .files import Files
from .limits import RateLimits
from .models import Models
from .moderations import Moderations
from .responses import Responses
from .runs import Runs
from .state import Shared, Stats, new_id
from .threads import Threads

__all__ = ("StandIn",)

_log = logging.getLogger("anyopenai.testing")

_BASE = "/v1"

_ABOUT: Json = {
    "object": "stand_in",
    "message": (
        "This is anyopenai's local stand-in for the OpenAI API. It computes no model: answers are made of the prompt's"
        " own words and vectors of their spelling. The API is below /v1; any non-empty key is taken."
    ),
}


class StandIn:
    """A local stand-in for the API, for demos and tests: an ASGI application that computes no model.

    Chat, completions and responses answer with the prompt's own words and say so; embeddings are lexical vectors, so
    that similar texts are near; models, files, moderations, assistants with
    their threads and runs, stored objects and batch records behave as the API's do.
    Functions that a request offers are called once with arguments that fit their schemas, those that the prompt names
    or else all of them, and the answer quotes what they gave; `name({...})` in the prompt gives the arguments to the
    letter. Any non-empty key is taken. Everything is kept in memory, bounded, and lost with the object. Run it with `serve`,
    or with any ASGI server.

    Args:
        token_delay: Seconds before each streamed token.
        requests_per_minute: Above it the answer is a real 429; None for no limit.
        tokens_per_minute: Likewise, for input tokens and the output tokens that a request allows itself.
        strict_models: Refuse model names that `/models` does not list.
        max_file_bytes: How many bytes the uploaded files may have together.
        keep: How many stored objects of each kind are kept before the oldest is dropped; large ones go sooner, from 64
            MiB of a kind on.
        tool_rounds: How often functions are called before a text comes, where `tool_choice` leaves that to the model; 0
            for never.
        break_off_after: How many events of a response in the background a connection carries before it breaks off, to try
            what goes on elsewhere; None for all of them.
        now: Seconds since the epoch, for `created` members and expiry.
        clock: Monotonic seconds for the rate limits; the event loop's own by default.

    Attributes:
        stats: What has been asked so far.
    """

    def __init__(
        self,
        *,
        token_delay: float = 0.0,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        strict_models: bool = False,
        max_file_bytes: int = 512 * 1024 * 1024,
        keep: int = 1000,
        tool_rounds: int = 1,
        break_off_after: int | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = current_time,
    ) -> None:
        if token_delay < 0:
            raise ValueError(f"token_delay must be zero or more seconds, not {token_delay!r}")
        if tool_rounds < 0:
            raise ValueError(f"tool_rounds must be zero or more, not {tool_rounds!r}")
        if break_off_after is not None and break_off_after < 1:
            raise ValueError(f"break_off_after must be at least 1, or None, not {break_off_after!r}")
        self.stats: Stats = Stats()
        self._token_delay = token_delay
        limits = RateLimits(requests_per_minute, tokens_per_minute, clock=clock)
        shared = Shared(limits, self.stats, now, keep, tool_rounds=tool_rounds, break_off_after=break_off_after)
        models = Models(shared, strict_models)
        files = Files(shared, max_file_bytes)
        assistants, threads = Assistants(shared, models), Threads(shared)
        self._routes = _Routes()
        for endpoint in (
            models,
            Chat(shared, models),
            Completions(shared, models),
            Responses(shared, models),
            Embeddings(shared, models),
            Moderations(shared, models),
            files,
            Batches(shared, files),
            assistants,
            Runs(shared, models, assistants, threads),
            threads,
        ):
            for method, pattern, handler in endpoint.routes():
                self._routes.add(method, pattern, handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection: HTTP requests, the lifespan, and a no to WebSockets."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        raw_path = cast("bytes", scope.get("raw_path") or str(scope["path"]).encode())
        request = Request(scope, receive, raw_path.partition(b"?")[0].decode("latin-1"), new_id("req_"))
        self.stats.requests += 1
        self.stats.active_requests += 1
        try:
            reply = await self._reply(request)
            # The whole request is read before its answer: only then can the connection carry another.
            await request.drain()
            headers = {
                "x-request-id": request.id,
                "openai-processing-ms": str(int((time.perf_counter() - started) * 1000)),
                "openai-version": "2020-10-01",
            } | request.reply_headers
            if isinstance(reply, Events):
                await self._stream(reply, headers, receive, send, multiplexed=scope.get("http_version") == "2")
            else:
                await self._send(reply, headers, send)
        except Disconnected:
            self.stats.disconnects += 1
        finally:
            self.stats.active_requests -= 1

    async def _reply(self, request: Request) -> Reply:
        """Find who answers and let them; whatever goes wrong becomes an answer of the API's shape."""
        try:
            return await self._handler(request)(request)
        except Refusal as refusal:
            request.reply_headers.update(refusal.headers)
            self.stats.refused += 1
            self.stats.rate_limited += refusal.status == 429
            return refusal.reply()
        except Disconnected:
            raise
        except Exception:
            # A defect of ours: say it in the log of whoever runs the server, and to the client as a server's error.
            self.stats.crashed += 1
            self.stats.refused += 1
            _log.exception("the stand-in failed on %s %s", request.method, request.path)
            return Refusal(
                500, "The stand-in itself failed; its log says how.", code="internal_error", type="server_error"
            ).reply()

    def _handler(self, request: Request) -> Handler:
        path = request.path.removesuffix("/")
        if not path:
            return _about
        if not path.startswith(f"{_BASE}/"):
            raise _unknown(request)
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refusal(
                401,
                "The request carries no API key; send it as 'Authorization: Bearer KEY'. This stand-in takes any.",
                code="missing_api_key",
            )
        return self._routes.find(request, path.removeprefix(_BASE))

    async def _send(self, reply: JsonReply | RawReply, headers: dict[str, str], send: Send) -> None:
        if isinstance(reply, JsonReply):
            pieces, content_type = [msgspec.json.encode(reply.value)], "application/json"
        else:
            pieces, content_type = reply.pieces, reply.content_type
        length = sum(len(piece) for piece in pieces)
        await send(_head(reply.status, headers | {"content-type": content_type, "content-length": str(length)}))
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(
        self, reply: Events, headers: dict[str, str], receive: Receive, send: Send, *, multiplexed: bool
    ) -> None:
        """Send an event stream block by block; a client that leaves ends the generation."""
        self.stats.streams += 1
        finished = False

        async def watch(scope: CancelScope) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            scope.cancel()

        async with open_task_group() as tasks:
            tasks.start_soon(watch, tasks.cancel_scope)
            await send(
                _head(200, headers | {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"})
            )
            for block, tokens in reply.steps:
                if tokens and self._token_delay:
                    await sleep(tokens * self._token_delay)
                else:
                    await checkpoint()
                await send({"type": "http.response.body", "body": block, "more_body": True})
                self.stats.tokens += tokens
            finished = True
            tasks.cancel_scope.cancel()
        if not finished:
            raise Disconnected
        if reply.whole:
            self.stats.streams_finished += 1
        elif not multiplexed:
            # An application that returns here has left its answer unfinished, and the server closes the connection. Over
            # HTTP/2 it would leave the stream silent.
            return
        # Behind the group: the server tells of a disconnect when an answer is complete, too, and the end that is being
        # sent then must not be cancelled by it.
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Routes:
    """Verbs and paths, and who answers them."""

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], dict[str, Handler]]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        expression = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
        for known, handlers in self._routes:
            if known.pattern == expression.pattern:
                handlers[method] = handler
                return
        self._routes.append((expression, {method: handler}))

    def find(self, request: Request, path: str) -> Handler:
        """Return who answers a request, its path arguments set.

        Raises:
            Refusal: No such path (404), or not with this verb (405).
        """
        allowed: set[str] = set()
        for expression, handlers in self._routes:
            match = expression.fullmatch(path)
            if match is None:
                continue
            handler = handlers.get(request.method)
            if handler is not None:
                request.args = {name: unquote(value) for name, value in match.groupdict().items()}
                return handler
            allowed |= handlers.keys()
        if allowed:
            raise Refusal(
                405,
                f"{request.method} is not a method of {request.path}; it takes {' and '.join(sorted(allowed))}.",
                code="method_not_allowed",
                headers={"allow": ", ".join(sorted(allowed))},
            )
        raise _unknown(request)


async def _about(request: Request) -> JsonReply:
    del request
    return JsonReply(_ABOUT)


def _unknown(request: Request) -> Refusal:
    return Refusal(
        404,
        f"There is nothing at {request.method} {request.path}; the stand-in's API is below {_BASE}.",
        code="unknown_url",
    )


def _head(status: int, headers: dict[str, str]) -> Message:
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": fields}


async def _live(receive: Receive, send: Send) -> None:
    """Follow the lifespan protocol: there is nothing to start or stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
