"""Clients in other processes: what travels, what travels by reference, and what is refused by name."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from anyopenai import OpenAI, OpenAIError, omit
from anyopenai._sansio.retry import RetryPolicy
from anyopenai.testing import FakeTransport

SECRET = "sk-never-in-a-pickle"


async def provide_key() -> str:
    """A function that another process can import."""
    return SECRET


def observe(name: str, info: object) -> None:
    """A trace that another process can import."""


async def pass_on(request: Any, call_next: Any) -> Any:
    """A middleware that another process can import."""
    return await call_next(request)


def test_a_key_from_the_environment_travels_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    client = OpenAI(
        base_url="http://localhost:1/v1",
        organization="org",
        timeout=7,
        deadline=3,
        max_retries=5,
        retry_policy=RetryPolicy(max_delay=2),
        default_headers={"x-a": "1", "user-agent": omit},
        default_query={"q": ["1"]},
        middleware=[pass_on],
        trace=observe,
        logger=logging.getLogger("mine"),
        log_level="info",
        truncated_streams="warn",
        keep_unknown_fields=True,
    )
    packed = pickle.dumps(client)
    assert SECRET.encode() not in packed
    monkeypatch.setenv("OPENAI_API_KEY", "the other process's")
    again = pickle.loads(packed)
    assert again.api_key == "the other process's"
    assert (again.base_url, again.organization, again.timeout) == (client.base_url, "org", 7)
    old, new = client._settings, again._settings
    assert (new.deadline, new.policy, new.query, new.truncated) == (old.deadline, old.policy, old.query, "warn")
    assert (new.headers, new.middleware, new.keep_unknown) == (old.headers, old.middleware, True)
    assert (new.log.logger.name, new.log.level) == ("mine", logging.INFO)
    assert new.trace.function is observe


def test_a_function_that_can_be_imported_travels_by_reference() -> None:
    again = pickle.loads(pickle.dumps(OpenAI(api_key=provide_key)))
    assert again._settings.provider.api_key is provide_key


def test_a_view_with_a_literal_key_does_not_hide_behind_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    client = OpenAI()
    pickle.dumps(client)
    with pytest.raises(OpenAIError, match="api_key= given as text"):
        pickle.dumps(client.with_options(api_key=SECRET))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"api_key": SECRET}, "api_key= given as text"),
        ({"api_key": provide_key, "admin_api_key": SECRET}, "admin_api_key= given as text"),
        ({"api_key": provide_key, "webhook_secret": SECRET}, "webhook_secret="),
        ({"api_key": provide_key, "default_headers": {"X-Token": SECRET}}, "'X-Token' in default_headers"),
        ({"api_key": provide_key, "default_query": {"api-key": SECRET}}, "'api-key' in default_query"),
        ({"api_key": lambda: SECRET}, "api_key= with"),
        ({"api_key": provide_key, "trace": lambda name, info: None}, "trace= with"),
        ({"api_key": provide_key, "middleware": [lambda request, call_next: None]}, "middleware= with"),
        ({"api_key": provide_key, "transport": FakeTransport()}, "a transport of its own"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_travel_is_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(OpenAIError, match=named) as caught:
        pickle.dumps(OpenAI(**options))
    assert SECRET not in str(caught.value)


def test_a_provider_never_travels_by_itself() -> None:
    client = OpenAI(api_key=SECRET)
    with pytest.raises(OpenAIError, match="holds API keys"):
        pickle.dumps(client._settings.provider)


def test_an_error_travels_without_secrets() -> None:
    import anyio

    from anyopenai import NotFoundError
    from anyopenai.testing import Answer

    client = OpenAI(api_key=SECRET, transport=FakeTransport(Answer.error(404, "gone", code="x")))

    async def fail() -> NotFoundError:
        with pytest.raises(NotFoundError) as caught:
            await client.models.retrieve("m")
        return caught.value

    error = anyio.run(fail)
    packed = pickle.dumps(error)
    assert SECRET.encode() not in packed
    again = pickle.loads(packed)
    assert (str(again), again.status_code, again.code, again.request_id) == (str(error), 404, "x", "req_fake_1")
