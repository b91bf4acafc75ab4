"""The exception tree: classes by status, pickling, and what never shows."""

from __future__ import annotations

import pickle

import pytest

from anyopenai import errors
from anyopenai._contract import RequestInfo, ResponseInfo
from anyopenai._headers import Headers
from anyopenai._sansio.usage import Usage

KEY = "sk-very-secret"
REQUEST = RequestInfo(
    "POST",
    "https://api.example.test/v1/embeddings",
    Headers([(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", b"application/json")]),
)


def answer(status: int, **headers: str) -> ResponseInfo:
    """Build an answer's head and a JSON body."""
    return ResponseInfo(
        status, Headers({name.replace("_", "-"): value for name, value in headers.items()}), b"{}", REQUEST
    )


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (422, errors.UnprocessableEntityError),
        (429, errors.RateLimitError),
        (500, errors.InternalServerError),
        (599, errors.InternalServerError),
        (418, errors.APIStatusError),
        (302, errors.APIStatusError),
    ],
)
def test_each_status_has_its_class(status: int, cls: type[errors.APIStatusError]) -> None:
    assert errors.status_error_class(status) is cls


def test_a_timeout_is_a_connection_error_is_an_api_error() -> None:
    assert issubclass(errors.DeadlineExceeded, errors.APITimeoutError)
    assert issubclass(errors.APITimeoutError, errors.APIConnectionError)
    assert issubclass(errors.StreamTruncated, errors.APIConnectionError)
    assert issubclass(errors.MalformedEvent, errors.APIResponseValidationError)
    assert issubclass(errors.APIConnectionError, errors.APIError)
    assert issubclass(errors.APIError, errors.OpenAIError)
    assert issubclass(errors.OAuthError, errors.AuthenticationError)
    assert issubclass(errors.InvalidWebhookSignatureError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)


def test_a_status_error_reads_the_servers_error_object() -> None:
    body = {"message": "no such model", "code": "model_not_found", "param": "model", "type": "invalid_request_error"}
    error = errors.NotFoundError("no such model", response=answer(404, x_request_id="req_1"), body=body)
    assert (error.code, error.param, error.type) == ("model_not_found", "model", "invalid_request_error")
    assert (error.status_code, error.request_id, error.body) == (404, "req_1", body)
    assert error.request is REQUEST


@pytest.mark.parametrize("body", [None, "text", [1], {}, {"code": None}])
def test_an_error_body_of_any_shape_gives_no_code(body: object) -> None:
    assert errors.BadRequestError("x", response=answer(400), body=body).code is None


def test_a_numeric_code_of_a_compatible_server_becomes_text() -> None:
    assert errors.BadRequestError("x", response=answer(400), body={"code": 400}).code == "400"


EVERY_ERROR = [
    errors.APIError("m", REQUEST, body={"code": "c"}),
    errors.APIConnectionError(message="m", request=REQUEST, request_sent="all"),
    errors.APITimeoutError(REQUEST, message="m", request_sent="partial"),
    errors.DeadlineExceeded(REQUEST, message="m"),
    errors.StreamTruncated(request=REQUEST, partial="half an ans", events_received=3),
    errors.APIResponseValidationError(answer(200), {"a": 1}, message="m"),
    errors.MalformedEvent(answer(200), None, message="m", raw=b"{"),
    errors.RateLimitError("m", response=answer(429, x_request_id="r"), body=None),
    errors.ContentFilterFinishReasonError(),
    errors.LengthFinishReasonError(completion={"usage": None}),
    errors.ToolLoopLimitError(
        "too many", limit="max_turns", value=2, messages=[{"role": "user"}], answers=[{}], usage=Usage(calls=1)
    ),
    errors.ToolLoopAborted("aborted", messages=[], answers=[], usage=Usage()),
    errors.InvalidToolCallError("no such tool", name="x", arguments="{}"),
    errors.WebSocketConnectionClosedError("m", code=1006, reason="gone", unsent_messages=["a"]),
    errors.InvalidWebhookSignatureError("m"),
]


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_survives_pickling_without_its_secrets(error: errors.OpenAIError) -> None:
    data = pickle.dumps(error)
    assert KEY.encode() not in data
    again = pickle.loads(data)
    assert type(again) is type(error)
    assert str(again) == str(error)
    plain = {name for name, value in vars(error).items() if isinstance(value, str | int | tuple | None)}
    assert {name: vars(again)[name] for name in plain} == {name: vars(error)[name] for name in plain}


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_no_error_shows_the_key(error: errors.OpenAIError) -> None:
    shown = f"{error} {error!r} {vars(error)!r} {getattr(getattr(error, 'request', None), 'headers', '')!r}"
    assert KEY not in shown


def test_a_length_error_says_how_many_tokens_were_used() -> None:
    class Usage:
        completion_tokens = 7

    class Completion:
        usage = Usage()

    assert "after 7 tokens" in str(errors.LengthFinishReasonError(completion=Completion()))


def test_every_error_about_a_request_says_how_much_had_left() -> None:
    closed = errors.ClientClosedError("closed", request_sent="partial")
    assert closed.request_sent == pickle.loads(pickle.dumps(closed)).request_sent == "partial"
    assert errors.ClientClosedError("closed").request_sent == "none"
    assert errors.WrongEventLoopError("loop").request_sent == "none"
    assert errors.APIConnectionError(message="m", request=REQUEST, request_sent="partial").request_sent == "partial"
    # The server has answered.
    assert errors.APIError("m", REQUEST).request_sent == "all"
