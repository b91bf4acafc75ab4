"""Error bodies and error events in every shape that servers are known to send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._sansio.errorshapes import MAX_SHOWN, error_code, error_facts, event_error

OPENAI = {"message": "Bad key", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}


@pytest.mark.parametrize(
    ("body", "message", "user_body"),
    [
        ({"error": OPENAI}, "Bad key", OPENAI),
        ({"error": "boom"}, "boom", "boom"),
        ({"error": "  "}, None, "  "),
        ({"error": {"code": 1}}, None, {"code": 1}),
        ({"error": 7}, None, 7),
        ({"error": ["a", "b"]}, "a; b", ["a", "b"]),
        ({"error": {"message": {"message": "inner"}}}, "inner", {"message": {"message": "inner"}}),
        ({"error": {"code": "x"}, "message": "outer"}, "outer", {"code": "x"}),
        ({"error": None, "message": "plain"}, "plain", {"error": None, "message": "plain"}),
        ({"error": None}, None, {"error": None}),
        ({"message": "plain", "code": 3}, "plain", {"message": "plain", "code": 3}),
        (
            {"object": "error", "message": "vllm", "code": 400},
            "vllm",
            {"object": "error", "message": "vllm", "code": 400},
        ),
        ({"detail": "Not Found"}, "Not Found", {"detail": "Not Found"}),
        (
            {"detail": [{"msg": "field required", "loc": []}]},
            "field required",
            {"detail": [{"msg": "field required", "loc": []}]},
        ),
        ({"title": "Gone", "status": 410}, "Gone", {"title": "Gone", "status": 410}),
        ({"error": "invalid_grant", "error_description": "expired"}, "invalid_grant", "invalid_grant"),
        (
            {"errors": [{"message": "one"}, {"message": "two"}]},
            "one; two",
            {"errors": [{"message": "one"}, {"message": "two"}]},
        ),
        ([{"error": OPENAI}], "Bad key", OPENAI),
        ([], None, []),
        ([1, 2], None, [1, 2]),
        ({}, None, {}),
        (None, None, None),
        ("", None, ""),
        ("Bad Gateway", "Bad Gateway", "Bad Gateway"),
        ("<html>\n  <h1>502</h1>\n</html>", "<html> <h1>502</h1> </html>", "<html>\n  <h1>502</h1>\n</html>"),
        (3, None, 3),
        (True, None, True),
    ],
)
def test_an_error_body_of_any_shape_gives_its_message_and_body(
    body: object, message: str | None, user_body: object
) -> None:
    assert error_facts(body) == (message, user_body)


def test_a_text_body_is_shown_up_to_a_limit() -> None:
    message, body = error_facts("x" * 5000)
    assert message is not None
    assert (len(message), message[-1]) == (MAX_SHOWN, "…")
    assert body == "x" * 5000


def test_a_servers_message_is_shown_whole_unless_it_is_a_document() -> None:
    assert error_facts({"error": {"message": "y" * 900}})[0] == "y" * 900
    assert len(error_facts({"error": {"message": "y" * 10**6}})[0] or "") == 2000


def test_messages_nested_without_end_are_given_up() -> None:
    deep: object = "found"
    for _ in range(500):
        deep = {"message": deep}
    assert error_facts({"error": deep})[0] is None


@pytest.mark.parametrize(
    ("body", "code", "kind"),
    [
        (OPENAI, "invalid_api_key", "invalid_request_error"),
        ({"code": 429, "type": None}, "429", None),
        ("boom", None, None),
        (None, None, None),
        ([], None, None),
    ],
)
def test_codes_are_text_or_none(body: object, code: str | None, kind: str | None) -> None:
    assert error_code(body) == (code, kind)


RESPONSES_ERROR = {"type": "error", "code": "server_error", "message": "oops", "param": None, "sequence_number": 3}


@pytest.mark.parametrize(
    ("event", "body", "message"),
    [
        ("", {"error": OPENAI}, "Bad key"),
        ("", {"error": "boom"}, "boom"),
        ("", {"error": {"code": 500}}, None),
        ("", {"error": True}, None),
        ("", {"id": "x", "choices": [{"finish_reason": "error"}], "error": {"message": "upstream"}}, "upstream"),
        ("error", {"error": OPENAI}, "Bad key"),
        ("error", {"message": "named"}, "named"),
        ("error", {}, None),
        ("error", "text", "text"),
        ("error", None, None),
        ("error", [1], None),
        ("error", {"error": None, "message": "m"}, "m"),
        ("", {"object": "error", "message": "vllm"}, "vllm"),
        ("", {"type": "error", "message": "typed"}, "typed"),
        ("", {"type": "error", "error": {"message": "inner"}}, "inner"),
        ("message", {"error": "boom"}, "boom"),
    ],
)
def test_error_events_of_every_shape_are_errors(event: str, body: object, message: str | None) -> None:
    found = event_error(event, body)
    assert found is not None
    assert found[0] == message
    assert event == "error" or '"error"' in json.dumps(body)


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("", {"choices": []}),
        ("", {"error": None, "choices": []}),
        ("", {"error": False}),
        ("", {"error": ""}),
        ("", {"error": {}}),
        ("", {"object": "chat.completion.chunk"}),
        ("", {"type": "response.created", "response": {"error": None}}),
        ("", {"type": "response.failed", "response": {"error": {"message": "m"}}}),
        ("", {"choices": [{"delta": {"content": '"error"'}}]}),
        ("", "text"),
        ("", None),
        ("", ["error"]),
        ("", {"type": "response.failed", "error": {"message": "m"}}),
        ("thread.run.failed", {"last_error": {"message": "m"}}),
        ("ping", {"message": "m"}),
    ],
)
def test_ordinary_events_are_no_errors(event: str, body: object) -> None:
    assert event_error(event, body) is None


@pytest.mark.parametrize("event", ["", "error"])
def test_the_responses_apis_own_error_event_is_an_ordinary_one(event: str) -> None:
    assert event_error(event, RESPONSES_ERROR, own_error_event=True) is None
    # Anywhere else, and with an error object in it, it is an error.
    assert event_error(event, RESPONSES_ERROR) == ("oops", RESPONSES_ERROR)
    assert event_error(event, {"type": "error", "error": {"message": "m"}}, own_error_event=True) == (
        "m",
        {"message": "m"},
    )


def test_a_named_error_without_the_type_is_an_error_everywhere() -> None:
    assert event_error("error", {"message": "m"}, own_error_event=True) == ("m", {"message": "m"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "type", "object", "code", "detail", "errors"]) | st.text(max_size=3),
            inner | st.just("error") | st.just("response.failed"),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(event=st.sampled_from(["", "error", "ping"]), body=json_values, own=st.booleans())
@settings(max_examples=200)
def test_no_shape_raises_and_every_error_has_the_word_in_its_bytes(event: str, body: object, own: bool) -> None:
    message, _ = error_facts(body)
    assert message is None or (isinstance(message, str) and message.strip())
    if event_error(event, body, own_error_event=own) is not None:
        assert event == "error" or '"error"' in json.dumps(body)
