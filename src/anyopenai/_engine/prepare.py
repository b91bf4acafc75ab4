"""From a method's arguments to a call that can be sent: URL, query, headers, body, limits; nothing is sent here.

Everything that can be wrong with the arguments is found here, before anything leaves the process.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from .._codec import encode
from .._contract import Body, Omit, Operation, Query, RequestOptions, omit
from .._headers import is_secret_header
from .._sansio.forms import encode_query, flatten_fields
from .._sansio.multipart import MultipartPart
from .._sansio.urls import expand_path, join
from .call import NO_FIELDS, Call
from .form import FileForm
from .settings import Fields, Settings, header_field, limits_of

if TYPE_CHECKING:
    from .._files import FileTypes
    from .._sansio.retry import RetryPolicy

__all__ = (
    "OPTION_NAMES",
    "check_options",
    "checked_deadline",
    "encode_parameters",
    "prepare",
    "set_fields",
    "set_limits",
    "with_retries",
)

OPTION_NAMES: Final = RequestOptions.__required_keys__ | RequestOptions.__optional_keys__

_JSON: Final = b"application/json"
_ACCEPT: Final = {
    "json": (b"accept", b"application/json"),
    "text": (b"accept", b"text/plain, application/json;q=0.9, */*;q=0.8"),
    "binary": (b"accept", b"*/*"),
    "none": (b"accept", b"*/*"),
    "events": (b"accept", b"text/event-stream, application/json;q=0.9, */*;q=0.8"),
}


def check_options(name: str, options: Mapping[str, object]) -> None:
    """Refuse options that no method takes, as Python refuses unknown keyword arguments.

    Raises:
        TypeError: There is one.
    """
    if not OPTION_NAMES.issuperset(options):
        unknown = next(key for key in options if key not in OPTION_NAMES)
        raise TypeError(f"{name}() got an unexpected keyword argument {unknown!r}")


def prepare(
    settings: Settings,
    operation: Operation[Any],
    *,
    path: tuple[str, ...] = (),
    query: Query | None = None,
    body: Body | None = None,
    headers: Mapping[str, str | Omit] | None = None,
    stream: object = False,
    open_answer: bool = False,
    options: RequestOptions,
) -> Call:
    """Put one call of a generated method together.

    Args:
        settings: The options of the client's view.
        operation: What is called.
        path: Arguments of the path, in order.
        query: The method's query parameters; `omit` ones are left out.
        body: The method's body members; `omit` ones are left out, None is sent as null.
        headers: Headers that the method has as arguments.
        stream: True asks for a stream of events; False, None and `omit` for one answer.
        open_answer: The caller reads the answer's body.
        options: What every method takes.

    Raises:
        TypeError: An option that there is not, or a value of the wrong kind.
        ValueError: A path argument that is empty or a dot segment, a header with a line break, a wrong number.
    """
    if options:
        check_options(operation.name, cast("Mapping[str, object]", options))
    provider = settings.provider
    given: dict[str, object] = {}
    members: dict[str, object] | None = None
    if stream is not True and stream is not False and stream is not None and stream is not omit:
        raise TypeError(f"stream of {operation.name}() must be True or False, not {stream!r:.200}")
    streaming = stream is True and operation.event is not None
    extra = options.get("extra_body")
    # Operations without a body of their own can be given one: a GET, too, would have it, which no server expects.
    if operation.body != "none" or (extra and operation.verb != "GET"):
        given = _given(operation, body, extra)
        members = {**(operation.defaults or {}), **given}
        if streaming:
            members["stream"] = True
            if settings.include_usage and operation.ending in ("chat", "completion"):
                _ask_for_usage(members)
    expanded = expand_path(operation.path, path)
    url = join(
        provider.base_url, provider.url_for(expanded, members), _query(settings, query, options.get("extra_query"))
    )
    call = Call(settings, operation, url)
    call.streaming = streaming
    _choose_answer(call, given)
    content_type = _set_body(call, members)
    set_fields(call, content_type, operation.headers, headers, options)
    set_limits(call, options, open_answer=open_answer)
    return call


def _given(operation: Operation[Any], body: Body | None, extra: object) -> dict[str, object]:
    """Gather the body's members that the caller gave: arguments, then `extra_body`."""
    members = {name: value for name, value in (body or {}).items() if value is not omit}
    if operation.spelt is not None:
        members = cast("dict[str, object]", _respelt(members, operation.spelt))
    if extra is not None and extra is not omit:
        if not isinstance(extra, Mapping):
            raise TypeError(f"extra_body of {operation.name}() must be a mapping, not {type(extra).__name__}")
        members.update(cast("Mapping[str, object]", extra))
    return members


def _ask_for_usage(members: dict[str, object]) -> None:
    """Ask a stream for its usage, unless the caller said whether to."""
    stream_options = members.get("stream_options")
    if stream_options is None:
        members["stream_options"] = {"include_usage": True}
    elif isinstance(stream_options, Mapping) and "include_usage" not in stream_options:
        members["stream_options"] = {**cast("Mapping[str, object]", stream_options), "include_usage": True}


def _respelt(value: object, names: Mapping[str, Any]) -> object:
    """Return the value with members called what they are called in JSON; what was passed in is not changed."""
    if isinstance(value, Mapping):
        renamed: dict[object, object] = {}
        for name, member in cast("Mapping[object, object]", value).items():
            known = names.get(name) if isinstance(name, str) else None
            if isinstance(known, str):
                renamed[known] = member
            else:
                renamed[name] = member if known is None else _respelt(member, known)
        return renamed
    if isinstance(value, str | bytes | bytearray | memoryview):
        return cast("object", value)
    if isinstance(value, Collection | Iterator):
        return [_respelt(item, names) for item in cast("Iterable[object]", value)]
    return value  # a Struct or another model, which knows how its members are called


def _choose_answer(call: Call, given: Mapping[str, object]) -> None:
    """Choose the answer's type where an argument decides it; a default of the package's own decides nothing."""
    variants = call.operation.variants
    if variants is None:
        return
    name, types = variants
    wanted = given.get(name)
    if isinstance(wanted, str) and wanted in types:
        returns = types[wanted]
        call.returns = returns
        if returns is str:
            call.answer = "text"


def _set_body(call: Call, members: dict[str, object] | None) -> bytes | None:
    """Encode the body; returns its content type, None without one or where the form says it later."""
    if members is None:
        return None
    operation = call.operation
    rewritten = call.settings.provider.rewrite(members)
    call.sent_body = rewritten
    if operation.body != "multipart":
        call.body = encode(rewritten)
        return _JSON
    media = dict(operation.parts)
    if operation.alone is not None and list(rewritten) == [operation.alone]:
        call.body = _part_content(operation, operation.alone, rewritten[operation.alone])
        return media[operation.alone].encode("ascii")
    files: list[tuple[str, FileTypes]] = []
    parts: list[MultipartPart] = []
    fields: dict[str, object] = {}
    for name, value in rewritten.items():
        if name in operation.files:
            files += _named_files(name, value)
        elif name in media and value is not None:
            content = _part_content(operation, name, value)
            parts.append(MultipartPart(name=name, content=content, content_type=media[name]))
        else:
            fields[name] = value
    call.form = FileForm(flatten_fields(fields), files, operation.name, parts)
    return None


def _part_content(operation: Operation[Any], name: str, value: object) -> bytes:
    """Encode the value of a form's member that has a media type."""
    media = dict(operation.parts)[name]
    if media == "application/json":
        return encode(value)
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{name}= of {operation.name}() holds text that is not valid Unicode (a lone surrogate)"
            ) from None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast("bytes", value))
    raise TypeError(f"{name}= of {operation.name}() is sent as {media}: give text or bytes, not {type(value).__name__}")


def _named_files(name: str, value: object) -> Iterable[tuple[str, FileTypes]]:
    """Name the files of one argument: a list of them is sent as `name[]`, a single one (maybe a tuple) as `name`."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview | tuple):
        for file in cast("Sequence[FileTypes]", value):
            yield f"{name}[]", file
    else:
        yield name, cast("FileTypes", value)


def _query(settings: Settings, query: Query | None, extra: object) -> str:
    """Encode the query of a method; the client's defaults alone are encoded already."""
    return encode_parameters(settings.query, query, extra) if query or extra else settings.encoded_query


def encode_parameters(*sources: object) -> str:
    """Encode query parameters from several places; later ones win.

    Raises:
        TypeError: A place that is no mapping, or a value of no known kind.
    """
    merged: dict[str, object] = {}
    for source in sources:
        if source is None or source is omit:
            continue
        if not isinstance(source, Mapping):
            raise TypeError(f"query parameters must be a mapping, not {type(source).__name__}")
        merged.update((name, value) for name, value in cast("Query", source).items() if value is not omit)
    return encode_query(merged) if merged else ""


def set_fields(
    call: Call,
    content_type: bytes | None,
    fixed: Iterable[tuple[str, str]],
    given: Mapping[str, str | Omit] | None,
    options: Mapping[str, Any],
) -> None:
    """Merge header fields without regard to case: built-in, client's defaults, operation's, method's, caller's."""
    settings = call.settings
    fields: Fields = {"accept": _ACCEPT["events" if call.streaming else call.answer]}
    if content_type is not None:
        fields["content-type"] = (b"content-type", content_type)
    secrets = settings.secrets
    if call.foreign:
        fields["user-agent"] = settings.user_agent
        secrets = NO_FIELDS
    else:
        fields.update(settings.fields)
    if settings.removed:
        for name in settings.removed:
            fields.pop(name, None)
        call.authorized = "authorization" in settings.removed
    for name, text in fixed:
        lower = name.lower()
        fields[lower] = header_field(lower, text)
    extra: Mapping[str, str | Omit] | None = options.get("extra_headers")
    if given or extra:
        secrets = dict(secrets)
        for source in (given, extra):
            for name, value in (source or {}).items():
                _put(call, fields, secrets, name, value)
    if secrets:
        call.authorized = call.authorized or "authorization" in secrets
    key = options.get("idempotency_key")
    if key is not None and key is not omit:
        fields["idempotency-key"] = header_field("idempotency-key", key)
    elif call.method == "POST" and "idempotency-key" not in fields and "idempotency-key" not in settings.removed:
        fields["idempotency-key"] = (b"idempotency-key", b"anyopenai-" + os.urandom(16).hex().encode("ascii"))
    call.fields = fields
    call.secrets = secrets


def _put(call: Call, fields: Fields, secrets: Fields, given: str, value: object) -> None:
    """Set or remove one field that the caller named."""
    name = given.lower()
    fields.pop(name, None)
    secrets.pop(name, None)
    if name == "authorization":
        call.authorized = True
    if not isinstance(value, Omit):
        (secrets if is_secret_header(name) else fields)[name] = header_field(name, value)


def set_limits(call: Call, options: Mapping[str, Any], *, open_answer: bool) -> None:
    """Read the options about time, retries and redirects."""
    settings = call.settings
    if options:
        timeout = options.get("timeout", omit)
        if timeout is not omit:
            limits = call.limits = _limits_of_seconds(timeout) if type(timeout) in _NUMBERS else limits_of(timeout)
            call.wire_timeout, call.bound = limits.bounded, limits.bound
        deadline = options.get("deadline", omit)
        if deadline is not omit:
            call.deadline = checked_deadline(deadline)
        retries = options.get("max_retries", omit)
        if retries is not omit:
            call.policy = with_retries(settings.policy, retries)
        follow = options.get("follow_redirects", omit)
        call.follow = follow is omit or follow is None or bool(follow)
    call.whole = not (open_answer or call.streaming)
    # What may take long for good reasons is bounded silence by silence.
    if not call.whole or call.answer == "binary" or call.form is not None or not isinstance(call.body, bytes):
        call.bound = None
        call.wire_timeout = call.timeout
    if call.streaming:
        # The wait for a stream's head is a wait for its first event.
        call.wire_timeout = call.limits.streamed


_NUMBERS: Final = frozenset({int, float})

# Callers pass the same few numbers again and again, and reading one costs as much as the rest of a call's options.
_limits_of_seconds = lru_cache(maxsize=64)(limits_of)


def checked_deadline(value: object) -> float | None:
    """Read a deadline in seconds.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative or NaN.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"deadline must be a number of seconds or None, not {value!r}")
    if not value >= 0:
        raise ValueError(f"deadline must be zero or more seconds, not {value!r}")
    return float(value)


def with_retries(policy: RetryPolicy, retries: object) -> RetryPolicy:
    """Return a policy with another number of retries.

    Raises:
        TypeError: It is no whole number; None is no way to say "none".
        ValueError: It is negative.
    """
    if isinstance(retries, int) and retries == policy.max_retries and not isinstance(retries, bool):
        return policy
    values: dict[str, Any] = {name: getattr(policy, name) for name in policy.__struct_fields__}
    values["max_retries"] = retries
    return type(policy)(**values)
