"""`Resumption`: how the events of a response in the background, and the response, are asked for again; nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from anyio import current_time

from .._contract import Omit, Operation, RequestOptions, omit
from .prepare import prepare

if TYPE_CHECKING:
    from .._contract import Query
    from .call import Call
    from .engine import Engine

__all__ = ("Resumption", "resumption_for")


class Resumption:
    """How the events of one response are asked for again.

    Attributes:
        engine: Sends the requests.
        operation: The one that gave the stream.
        response_id: The response's id, where the call named it.
        after: The number of the last event that the caller knew.
        automatic: Whether the stream goes on by itself.
    """

    __slots__ = ("_headers", "_options", "_query", "after", "automatic", "engine", "operation", "response_id")

    def __init__(
        self,
        engine: Engine,
        call: Call,
        path: tuple[str, ...],
        query: Query | None,
        headers: Mapping[str, str | Omit] | None,
        options: RequestOptions,
    ) -> None:
        wanted = options.get("resume_streams", omit)
        self.automatic: bool = engine.settings.resume_streams if isinstance(wanted, Omit) else bool(wanted)
        self.engine: Engine = engine
        self.operation: Operation[Any] = _retrieval(call.operation)
        self.response_id: str | None = path[0] if path else None
        asked: dict[str, object] = {}
        for source in (query, options.get("extra_query")):
            if isinstance(source, Mapping):
                asked.update(source)
        if not path:
            # What the events are to hold is said once more; the answer itself is under way.
            asked["include"] = call.sent_body.get("include") or omit
            stream_options = call.sent_body.get("stream_options")
            if isinstance(stream_options, Mapping):
                asked["include_obfuscation"] = cast("Mapping[str, object]", stream_options).get(
                    "include_obfuscation", omit
                )
        after = asked.pop("starting_after", None)
        self.after: int | None = after if isinstance(after, int) else None
        asked.pop("stream", None)
        self._query = asked
        self._headers = _without_key(headers)
        kept = {k: v for k, v in options.items() if k not in ("extra_query", "extra_body", "idempotency_key")}
        if "extra_headers" in kept:
            kept["extra_headers"] = _without_key(options.get("extra_headers"))
        self._options = kept

    def events(self, response_id: str, after: int | None, expires: float | None) -> Call:
        """Return the call that asks for the events behind a number."""
        return self._call(response_id, expires, {"stream": True, "starting_after": omit if after is None else after})

    def whole(self, response_id: str, expires: float | None) -> Call:
        """Return the call that asks for the response itself."""
        return self._call(response_id, expires, {"include_obfuscation": omit})

    def _call(self, response_id: str, expires: float | None, query: dict[str, object]) -> Call:
        left = None if expires is None else max(0.0, expires - current_time())
        return prepare(
            self.engine.settings,
            self.operation,
            path=(response_id,),
            query={**self._query, **query},
            headers=self._headers,
            stream="stream" in query,
            options=cast("RequestOptions", {**self._options, "deadline": left}),
        )


def resumption_for(
    engine: Engine,
    call: Call,
    path: tuple[str, ...],
    query: Query | None,
    headers: Mapping[str, str | Omit] | None,
    options: RequestOptions,
) -> Resumption | None:
    """Return how a stream of a response goes on over another connection; None if it cannot.

    The arguments are those of the call, which is about to be sent.
    """
    # Of the others the server keeps no events: who loses the connection loses the answer.
    if not path and call.sent_body.get("background") is not True:
        return None
    return Resumption(engine, call, path, query, headers, options)


@lru_cache(maxsize=16)
def _retrieval(operation: Operation[Any]) -> Operation[Any]:
    """Return the operation that gives a response, or its events, again."""
    path, mark, query = operation.path.partition("?")
    if operation.verb == "POST":
        path += "/{response_id}"
    return Operation(
        name=operation.name,
        verb="GET",
        path=path + mark + query,
        returns=object,
        event=operation.event,
        ending=operation.ending,
        headers=operation.headers,
        security=operation.security,
        doc=operation.doc,
    )


def _without_key(headers: Mapping[str, str | Omit] | None) -> dict[str, str | Omit]:
    """Return headers of the caller's without the idempotency key, which belongs to the request that it was made for."""
    return {name: value for name, value in (headers or {}).items() if name.lower() != "idempotency-key"}
