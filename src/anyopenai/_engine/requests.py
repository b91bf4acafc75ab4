"""Calls of endpoints that no generated method covers, as `client.get`, `client.post` and the like make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, TypeAlias, cast, get_args, get_origin
from warnings import warn

from .._codec import encode
from .._contract import Operation, omit
from .._sansio.forms import flatten_fields
from .._sansio.urls import join
from .bodies import content_body
from .call import Call
from .form import FileForm
from .iteration import Stream
from .prepare import OPTION_NAMES, encode_parameters, set_fields, set_limits
from .response import BinaryResponse
from .settings import Settings

__all__ = ("Verb", "operation_for", "prepare_request")

Verb: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

# openai-python's names of the options, and ours.
_ALIASES: Final = {"headers": "extra_headers", "params": "extra_query", "extra_json": "extra_body"}
_OWN: Final = frozenset({"security"})

NOTHING: Final[Mapping[str, object]] = {}

# What says that a stream is complete, by the end of the path.
_ENDINGS: Final = (("/chat/completions", "chat"), ("/completions", "completion"), ("/responses", "response"))


def _event_type(cast_to: Any, stream_cls: Any) -> Any:
    """Return the type of the events of a stream: that of `stream_cls=Stream[Event]`, else `cast_to`."""
    for kind in (stream_cls, cast_to):
        origin = get_origin(kind) or kind
        if isinstance(origin, type) and issubclass(origin, Stream):
            arguments = get_args(kind)
            if arguments and not hasattr(arguments[0], "__bound__"):
                return arguments[0]
    return object if cast_to is None or cast_to is NoneType else cast_to


def operation_for(verb: Verb, path: str, cast_to: Any, *, stream: bool, stream_cls: Any, admin: bool) -> Operation[Any]:
    """Describe a call that has no description yet."""
    answer: Literal["json", "binary", "text", "none"] = "json"
    if cast_to is None or cast_to is NoneType:
        answer = "none"
    elif cast_to is str:
        answer = "text"
    elif cast_to is BinaryResponse:
        answer = "binary"
    plain = path.partition("?")[0].rstrip("/")
    return Operation(
        name=f"client.{verb.lower()}",
        verb=verb,
        path=path,
        returns=cast_to,
        answer=answer,
        event=_event_type(cast_to, stream_cls) if stream else None,
        ending=next((rule for end, rule in _ENDINGS if plain.endswith(end)), None),
        security="admin" if admin else "bearer",
    )


def _read_options(name: str, given: Mapping[str, object]) -> tuple[dict[str, Any], bool]:
    """Read options under openai-python's names or ours; tells whether the admin key is wanted.

    Raises:
        TypeError: An option that there is not.
    """
    options: dict[str, Any] = {}
    admin = False
    for key, value in given.items():
        if key == "security":
            wanted = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else NOTHING
            admin = bool(wanted.get("admin_api_key_auth")) and not wanted.get("bearer_auth")
            continue
        own = _ALIASES.get(key, key)
        if own not in OPTION_NAMES:
            known = ", ".join(sorted(OPTION_NAMES | _ALIASES.keys() | _OWN))
            raise TypeError(f"{name}() got an unknown option {key!r}; there are {known}")
        if value is not omit:
            options[own] = value
    return options, admin


async def prepare_request(
    settings: Settings,
    verb: Verb,
    path: str,
    *,
    cast_to: Any,
    body: object = None,
    content: object = None,
    files: object = None,
    options: Mapping[str, object],
    stream: bool = False,
    stream_cls: Any = None,
) -> Call:
    """Put a call of an undocumented endpoint together.

    Args:
        settings: The options of the client's view.
        verb: The HTTP verb.
        path: A path below the base URL, escapes in it kept, or an absolute URL. Another origin than the base URL's
            gets no credentials and no headers of the client.
        cast_to: What the answer becomes.
        body: Sent as JSON; with `files`, the fields of the form.
        content: Sent as it is.
        files: Files of a form, by field name or as pairs.
        options: `headers`, `params`, `extra_json` or the members of `RequestOptions`.
        stream: The answer is a stream of events.
        stream_cls: `Stream[Event]`, to say what the events are.

    Raises:
        TypeError: An option that there is not, or arguments that exclude each other.
        ValueError: A header with a line break, or a URL that cannot be read.
    """
    name = f"client.{verb.lower()}"
    known, admin = _read_options(name, options)
    operation = operation_for(verb, path, cast_to, stream=stream, stream_cls=stream_cls, admin=admin)
    base = settings.provider.base_url
    url = join(base, path)
    foreign = (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port)
    url = url.with_query(encode_parameters({} if foreign else settings.query, known.get("extra_query")))
    call = Call(settings, operation, url)
    call.foreign = foreign
    call.streaming = stream
    content_type = await _set_body(call, body, content, files, known.get("extra_body"))
    set_fields(call, content_type, (), None, known)
    set_limits(call, known, open_answer=False)
    return call


async def _set_body(call: Call, body: object, content: object, files: object, extra: object) -> bytes | None:
    """Choose among the ways to give a body; returns its content type, None where the caller or the form says it."""
    name = call.operation.name
    if content is None and isinstance(body, bytes | bytearray | memoryview):
        warn(
            f"{name}(body=...) sends JSON; bytes are sent as they are, but should be given as content=",
            DeprecationWarning,
            stacklevel=5,
        )
        content = cast("bytes", body)
        body = None
    if content is not None:
        if body is not None or files is not None:
            raise TypeError(f"{name}() takes either content= or body= and files=, not both")
        call.body = await content_body(content, name)
        # What openai-python labels it, too; callers who send anything else say so.
        return b"application/json"
    if extra is not None:
        if not isinstance(extra, Mapping) or not (body is None or isinstance(body, Mapping)):
            raise TypeError(f"extra_json of {name}() can only be merged into a body that is a mapping")
        body = {
            **(NOTHING if body is None else cast("Mapping[str, object]", body)),
            **cast("Mapping[str, object]", extra),
        }
    if files is not None:
        if body is not None and not isinstance(body, Mapping):
            raise TypeError(f"body= of {name}() must be a mapping of form fields beside files=")
        fields = flatten_fields(cast("Mapping[str, object]", body or {}))
        call.form = FileForm(fields, _pairs(name, files), name)
        return None
    if body is None:
        return None
    call.body = encode(body)
    if isinstance(body, Mapping):
        call.sent_body = cast("Mapping[str, object]", body)
    return b"application/json"


def _pairs(name: str, files: object) -> list[tuple[str, Any]]:
    """Read files given by name, where a name may have a list of them, or as pairs."""
    if isinstance(files, Mapping):
        items: Sequence[object] = list(cast("Mapping[str, object]", files).items())
    elif isinstance(files, list | tuple):
        items = cast("Sequence[object]", files)
    else:
        raise TypeError(f"files= of {name}() must be a mapping or a list of pairs, not {type(files).__name__}")
    pairs: list[tuple[str, Any]] = []
    for item in items:
        pair = cast("Sequence[Any]", item) if isinstance(item, tuple) else ()
        if len(pair) != 2:
            raise TypeError(f"files= of {name}() must hold pairs of a field name and a file")
        field, file = pair
        several = cast("Sequence[Any]", file) if isinstance(file, list) else (file,)
        pairs += [(str(field), one) for one in several]
    return pairs
