"""Header fields: case, order, repeats, and what is hidden."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._headers import REDACTED, Headers, is_secret_header

names = st.text(alphabet="abcXYZ-", min_size=1, max_size=8)
values = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


@given(fields=st.lists(st.tuples(names, values), max_size=8))
def test_lookup_ignores_case_and_joins_repeats_in_order(fields: list[tuple[str, str]]) -> None:
    headers = Headers([(name.encode(), value.encode()) for name, value in fields])
    for name, _ in fields:
        expected = [value for other, value in fields if other.lower() == name.lower()]
        assert headers.get_list(name.swapcase()) == expected
        assert headers[name.swapcase()] == ", ".join(expected)
        assert name.upper() in headers
    assert set(headers) == {name.lower() for name, _ in fields}
    assert len(headers) == len(set(headers))
    assert headers.raw == tuple((name.encode(), value.encode()) for name, value in fields)


def test_a_missing_field_is_a_key_error_and_gets_a_default() -> None:
    headers = Headers({"A": "1"})
    with pytest.raises(KeyError):
        headers["b"]
    assert headers.get("b") is None
    assert headers.get_list("b") == []
    assert 1 not in headers


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "api-key",
        "X-API-Key",
        "Cookie",
        "Set-Cookie",
        "Proxy-Authorization",
        "x-my-token",
        "Custom-Secret",
    ],
)
def test_secret_fields_are_hidden_when_printed_and_when_pickled(name: str) -> None:
    headers = Headers({name: "hush", "x-request-id": "req_1"})
    assert is_secret_header(name)
    assert "hush" not in repr(headers)
    assert b"hush" not in pickle.dumps(headers)
    again = pickle.loads(pickle.dumps(headers))
    assert again[name] == REDACTED
    assert again["X-Request-Id"] == "req_1"


@pytest.mark.parametrize("name", ["x-ratelimit-remaining-tokens", "idempotency-key", "content-type", "x-request-id"])
def test_fields_that_only_sound_secret_are_shown(name: str) -> None:
    assert "42" in repr(Headers({name: "42"}))
