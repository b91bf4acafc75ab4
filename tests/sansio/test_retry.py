"""What is tried again, after how long, and what the server's headers mean."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._sansio.retry import (
    MAX_RESENDS,
    Attempt,
    Failure,
    Retry,
    RetryPolicy,
    Stop,
    backoff,
    decide,
    is_quota_error,
    parse_http_date,
    retry_after,
)

POLICY = RetryPolicy()
# Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's examples.
NOW = 784111777.0


def answer(status: int, headers: dict[str, str] | None = None, **more: object) -> Attempt:
    return Attempt(status=status, header=(headers or {}).get, **more)  # type: ignore[arg-type]  # keyword by keyword


def decided(attempt: Attempt, policy: RetryPolicy = POLICY, rand: float = 0.0) -> Retry | Stop:
    return decide(attempt, policy, now=NOW, rand=rand)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 501, 502, 503, 504, 520, 529, 599])
def test_statuses_that_may_pass_are_retried(status: int) -> None:
    assert decided(answer(status)) == Retry(0.5, f"status {status}")


@pytest.mark.parametrize("status", [300, 304, 400, 401, 402, 403, 404, 405, 410, 413, 415, 418, 422, 431, 451])
def test_statuses_that_stay_are_not_retried(status: int) -> None:
    assert decided(answer(status)) == Stop(f"status {status} is not retried")


def test_the_default_budget_is_two_retries() -> None:
    decisions = [decided(answer(500, retries_taken=taken)) for taken in range(3)]
    assert decisions == [
        Retry(0.5, "status 500"),
        Retry(1.0, "status 500"),
        Stop("status 500, and all 2 retries are used"),
    ]


def test_no_budget_means_one_attempt() -> None:
    assert isinstance(decided(answer(500), RetryPolicy(max_retries=0)), Stop)
    assert isinstance(decided(Attempt(failure="refused"), RetryPolicy(max_retries=0)), Stop)


@pytest.mark.parametrize("failure", ["timeout", "refused", "lost", "protocol"])
def test_exchanges_without_an_answer_are_retried(failure: Failure) -> None:
    assert decided(Attempt(failure=failure)) == Retry(0.5, f"no answer ({failure}, request sent)")


@pytest.mark.parametrize("failure", ["tls", "proxy", "decode", "too_large", "closed", "loop", "input"])
def test_failures_that_another_attempt_cannot_mend_are_not_retried(failure: Failure) -> None:
    assert decided(Attempt(failure=failure)) == Stop(
        f"no answer ({failure}, request sent) that another attempt cannot mend"
    )


def test_the_server_can_ask_for_a_retry_of_any_status() -> None:
    assert decided(answer(400, {"x-should-retry": "true"})) == Retry(0.5, "status 400")
    assert decided(answer(429, {"x-should-retry": "true"}, code="insufficient_quota")) == Retry(0.5, "status 429")


def test_the_server_can_forbid_a_retry_of_any_status() -> None:
    stop = decided(answer(500, {"x-should-retry": "false"}))
    assert stop == Stop("status 500, and the server says not to retry")


def test_the_server_cannot_raise_the_budget() -> None:
    assert isinstance(decided(answer(400, {"x-should-retry": "true"}, retries_taken=2)), Stop)


@pytest.mark.parametrize("word", ["", "TRUE", "yes", "1"])
def test_other_words_of_the_server_change_nothing(word: str) -> None:
    assert isinstance(decided(answer(400, {"x-should-retry": word})), Stop)
    assert isinstance(decided(answer(500, {"x-should-retry": word})), Retry)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("insufficient_quota", "insufficient_quota"),
        (None, "insufficient_quota"),
        ("billing_hard_limit_reached", "invalid_request_error"),
        ("billing_not_active", "billing_not_active"),
        ("Insufficient_Quota", None),
        (None, "usage_limit_reached"),
    ],
)
def test_a_used_up_quota_is_not_retried(code: str | None, kind: str | None) -> None:
    assert is_quota_error(code, kind)
    stop = decided(answer(429, {"retry-after": "1"}, code=code, type=kind))
    assert isinstance(stop, Stop)
    assert "quota" in stop.reason


@pytest.mark.parametrize(
    ("code", "kind"),
    [("rate_limit_exceeded", "requests"), ("rate_limit_exceeded", "tokens"), (None, None), ("429", "too_many")],
)
def test_a_rate_limit_is_retried(code: str | None, kind: str | None) -> None:
    assert isinstance(decided(answer(429, code=code, type=kind)), Retry)


@pytest.mark.parametrize("sent", ["none", "partial", "all"])
def test_a_body_that_cannot_be_read_again_is_never_sent_again(sent: str) -> None:
    for attempt in (
        answer(500, replayable=False, sent=sent),
        answer(429, {"x-should-retry": "true", "retry-after": "1"}, replayable=False, sent=sent),
        Attempt(failure="refused", replayable=False, sent=sent),  # type: ignore[arg-type]  # from the table above
        Attempt(failure="lost", fresh=False, replayable=False, sent=sent),  # type: ignore[arg-type]
    ):
        assert decided(attempt) == Stop("the request body can be read only once")


def test_a_dead_pooled_connection_is_replaced_at_once_without_counting() -> None:
    stale = Attempt(failure="lost", fresh=False)
    expected = Retry(0.0, "the server had closed the pooled connection", counted=False)
    assert decided(stale) == expected
    assert decided(stale, RetryPolicy(max_retries=0)) == expected
    assert decided(Attempt(failure="lost", fresh=False, remaining=0.1)) == expected
    assert Retry(1.0, "").counted


def test_replacing_dead_connections_ends() -> None:
    assert decided(Attempt(failure="lost", fresh=False, resends_taken=MAX_RESENDS)) == Retry(
        0.5, "no answer (lost, request sent)"
    )


def test_a_timeout_on_a_pooled_connection_counts() -> None:
    assert decided(Attempt(failure="timeout", fresh=False)) == Retry(0.5, "no answer (timeout, request sent)")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "0.5"}, 0.0005),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": " 2 "}, 2.0),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:39 GMT"}, 2.0),
        ({"retry-after": "Sunday, 06-Nov-94 08:50:37 GMT"}, 60.0),
        ({"retry-after": "Sun Nov  6 08:49:38 1994"}, 1.0),
        ({"retry-after-ms": "garbage", "retry-after": "4"}, 4.0),
        ({"retry-after-ms": "-5", "retry-after": "4"}, 4.0),
    ],
)
def test_the_servers_wait_is_kept(headers: dict[str, str], wait: float) -> None:
    assert retry_after(headers.get, NOW) == pytest.approx(wait)
    assert decided(answer(429, headers), rand=0.9) == Retry(pytest.approx(wait), "status 429")


# Behaviour 57: every one of these means "said nothing".
UNUSABLE = [
    "",
    "0",
    "0.0",
    "-1",
    "-0.5",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "1e999",
    "soon",
    "1,5",
    "1_0",
    "١٢",
    "10 s",
    "0x10",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:36 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Sun, 32 Nov 2094 08:49:37 GMT",
    "Sun, 06 Foo 2094 08:49:37 GMT",
    "Sun, 06 Nov 2094 25:49:37 GMT",
    "Sun, 00 Nov 0000 08:49:37 GMT",
    "2094-11-06T08:49:37Z",
    "Sun, 06 Nov 2094",
    "\x00",
    "9" * 5000,
]


@pytest.mark.parametrize("value", UNUSABLE)
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_an_unusable_wait_falls_back_to_the_ordinary_one(name: str, value: str) -> None:
    assert retry_after({name: value}.get, NOW) is None
    assert decided(answer(429, {name: value})) == Retry(0.5, "status 429")


@pytest.mark.parametrize("value", ["121", "198300", "120.01", "Sun, 06 Nov 1994 09:00:00 GMT"])
def test_a_wait_above_two_minutes_surfaces_the_error(value: str) -> None:
    stop = decided(answer(429, {"retry-after": value}))
    assert isinstance(stop, Stop)
    assert "asks for a wait of" in stop.reason


def test_a_longer_wait_can_be_allowed() -> None:
    assert decided(answer(429, {"retry-after": "300"}), RetryPolicy(max_retry_after=600)) == Retry(300.0, "status 429")


@given(rand=st.floats(0, 1, exclude_max=True), taken=st.integers(0, 5000))
@settings(max_examples=80)
def test_the_ordinary_wait_starts_near_half_a_second_grows_and_is_bounded(rand: float, taken: int) -> None:
    first = backoff(POLICY, 0, rand)
    assert 0.375 <= first <= 0.5
    assert 0 < backoff(POLICY, taken, rand) <= 8.0
    if taken < 4:
        # Whatever the dice say: the longest first wait is below the shortest second one.
        assert backoff(POLICY, taken, 0.0) < backoff(POLICY, taken + 1, 0.999)


def test_dice_spread_the_wait() -> None:
    assert decided(answer(500), rand=0.5) == Retry(0.5 * 0.875, "status 500")


@pytest.mark.parametrize(("sent", "words"), [("none", "not sent"), ("partial", "partly sent"), ("all", "sent")])
def test_the_reason_says_how_much_had_been_sent(sent: str, words: str) -> None:
    attempt = Attempt(failure="refused", sent=sent)  # type: ignore[arg-type]  # from the table above
    assert decided(attempt) == Retry(0.5, f"no answer (refused, request {words})")


@pytest.mark.parametrize(
    ("remaining", "wait"),
    [(0.51, 0.5), (0.5, None), (0.2, None), (0.0, None), (-3.0, None), (1e9, 0.5), (None, 0.5)],
)
def test_no_wait_passes_the_deadline(remaining: float | None, wait: float | None) -> None:
    decision = decided(answer(500, remaining=remaining))
    if wait is None:
        assert isinstance(decision, Stop)
        assert "deadline" in decision.reason
    else:
        assert decision == Retry(wait, "status 500")


def test_a_resend_after_the_deadline_is_not_made() -> None:
    assert decided(Attempt(failure="lost", fresh=False, remaining=0.0)) == Stop("the deadline has passed")


@given(
    status=st.none() | st.integers(100, 999),
    failure=st.sampled_from(["timeout", "refused", "lost", "protocol", "tls", "decode", None]),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry"]),
        st.sampled_from(["1", "true", "false", "200", *UNUSABLE]) | st.text(max_size=12),
    ),
    taken=st.integers(0, 4),
    remaining=st.none() | st.floats(-1, 300),
    rand=st.floats(0, 1, exclude_max=True),
    now=st.floats(0, 4e9),
)
@settings(max_examples=200)
def test_every_wait_is_finite_bounded_and_before_the_deadline(
    status: int | None,
    failure: Failure | None,
    headers: dict[str, str],
    taken: int,
    remaining: float | None,
    rand: float,
    now: float,
) -> None:
    attempt = Attempt(status=status, failure=failure, header=headers.get, retries_taken=taken, remaining=remaining)
    decision = decide(attempt, POLICY, now=now, rand=rand)
    if isinstance(decision, Retry):
        assert taken < 2
        assert 0 < decision.after <= 120.0
        assert remaining is None or decision.after < remaining
    else:
        assert decision.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", NOW),
        ("sun, 06 nov 1994 08:49:37 gmt", NOW),
        ("06 Nov 1994 08:49:37 GMT", NOW),
        ("Sun, 6 Nov 1994 08:49:37 GMT", NOW),
        ("Sun, 06 Nov 1994 08:49:37 +0000", NOW),
        ("Sun, 06 Nov 1994 10:49:37 +0200", NOW),
        ("Sun, 06 Nov 1994 03:19:37 -0530", NOW),
        ("Sun, 06 Nov 1994 08:49:37 UTC", NOW),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOW),
        ("Sun Nov  6 08:49:37 1994", NOW),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228799.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 1.0),
        ("Monday, 31-Dec-68 00:00:00 GMT", 3124137600.0),
        ("Wednesday, 31-Dec-69 00:00:00 GMT", -86400.0),
        ("Mon, 29 Feb 2100 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -9959", None),
        ("", None),
        ("tomorrow", None),
    ],
)
def test_dates_in_every_form_of_http(text: str, expected: float | None) -> None:
    assert parse_http_date(text) == expected


@given(text=st.text(max_size=40))
@settings(max_examples=100)
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert parse_http_date(text) is None or math.isfinite(parse_http_date(text) or 0)


def test_none_as_a_budget_is_refused() -> None:
    with pytest.raises(TypeError, match="write 0 for no retries"):
        RetryPolicy(max_retries=None)  # type: ignore[arg-type]  # what the error is about


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_retries": -1},
        {"initial_delay": -1.0},
        {"max_delay": math.nan},
        {"max_retry_after": -0.1},
        {"jitter": 1.5},
        {"jitter": -0.1},
    ],
)
def test_a_policy_of_impossible_numbers_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # keyword by keyword


def test_a_policy_may_go_to_the_edges() -> None:
    for policy in (RetryPolicy(jitter=0.0), RetryPolicy(jitter=1.0), RetryPolicy(initial_delay=0.0, max_delay=0.0)):
        assert 0.0 <= backoff(policy, 1, 0.5) <= 1.0


def test_booleans_and_fractions_are_no_budget() -> None:
    for wrong in (True, 1.5, "2"):
        with pytest.raises(TypeError, match="max_retries must be a whole number"):
            RetryPolicy(max_retries=wrong)  # type: ignore[arg-type]  # what the error is about
