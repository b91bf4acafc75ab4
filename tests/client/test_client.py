"""`OpenAI`: its options, its views, what it refuses, and what it never shows."""

from __future__ import annotations

import copy
import gc
import inspect
import tracemalloc
from typing import Any

import anyio
import pytest

from anyopenai import OpenAI, OpenAIError, Timeout, omit
from anyopenai._contract import Operation
from anyopenai._sansio.retry import RetryPolicy
from anyopenai.errors import ClientClosedError, MissingCredentialsError, NotYetSupportedError, WrongEventLoopError
from anyopenai.providers.base import OpenAIProvider
from anyopenai.testing import FakeTransport
from anyopenai.transport.base import TransportFailure
from engine.support import KEY, client_over, ok

# What AsyncOpenAI.__init__ and copy() of openai-python 3.51.0 take.
CONSTRUCTOR = [
    "api_key",
    "admin_api_key",
    "workload_identity",
    "organization",
    "project",
    "webhook_secret",
    "provider",
    "base_url",
    "data_residency",
    "websocket_base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
    "http_client",
    "_strict_response_validation",
    "_enforce_credentials",
]
COPY = [
    "api_key",
    "admin_api_key",
    "workload_identity",
    "provider",
    "organization",
    "project",
    "webhook_secret",
    "websocket_base_url",
    "base_url",
    "data_residency",
    "timeout",
    "http_client",
    "max_retries",
    "default_headers",
    "set_default_headers",
    "default_query",
    "set_default_query",
    "_enforce_credentials",
    "_extra_kwargs",
]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "BASE_URL", "WEBHOOK_SECRET", "LOG", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


def test_every_option_of_openai_python_is_taken() -> None:
    parameters = inspect.signature(OpenAI.__init__).parameters
    assert set(CONSTRUCTOR) <= set(parameters)
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in CONSTRUCTOR)
    assert set(COPY) <= set(inspect.signature(OpenAI.copy).parameters)
    assert OpenAI.with_options is OpenAI.copy


@pytest.mark.parametrize(
    "option",
    [{"workload_identity": {}}, {"data_residency": "eu"}, {"websocket_base_url": "wss://x"}],
    ids=lambda option: next(iter(option)),
)
def test_an_option_of_later_is_refused_everywhere(option: dict[str, Any]) -> None:
    with pytest.raises(NotYetSupportedError, match=f"^{next(iter(option))}="):
        OpenAI(api_key="k", **option)
    with pytest.raises(NotYetSupportedError, match=f"^{next(iter(option))}="):
        OpenAI(api_key="k").copy(**option)


@pytest.mark.parametrize("key", ["line\nbreak", "ünicode", "tab\t"], ids=repr)
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(OpenAIError) as caught:
        OpenAI(api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", [7, b"bytes"], ids=repr)
def test_a_key_that_is_no_text_and_no_function_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match="api_key must be text or an asynchronous function"):
        OpenAI(api_key=key)


async def test_a_key_function_that_gives_no_key_is_an_error_that_does_not_show_it() -> None:
    async def provide() -> Any:
        return {"secret": "value"}

    client, transport = client_over(api_key=provide)
    with pytest.raises(OpenAIError) as caught:
        await client.models.retrieve("m")
    assert "value" not in str(caught.value)
    assert transport.requests == []


async def test_a_plain_function_may_give_the_key_too() -> None:
    client, transport = client_over(ok(), api_key=lambda: "from-function")
    await client.models.retrieve("m")
    assert transport.requests[0].headers["authorization"] == "Bearer from-function"
    assert client.api_key == ""
    assert client.auth_headers == {}


@pytest.mark.parametrize("url", ["", "foo", "ftp://x", "http://", "https://user:pass@x/v1", "http://x:99999"])
def test_a_base_url_that_is_none_is_refused_without_showing_a_password(url: str) -> None:
    if not url:
        # As a variable that is exported empty.
        assert OpenAI(api_key="k", base_url=None).base_url == "https://api.openai.com/v1/"
        return
    with pytest.raises(OpenAIError) as caught:
        OpenAI(api_key="k", base_url=url)
    assert "pass@" not in str(caught.value)


def test_options_read_back_as_they_were_given() -> None:
    client = OpenAI(
        api_key="k",
        organization="org",
        project="proj",
        base_url="http://localhost:11434/v1",
        timeout=7,
        deadline=9,
        max_retries=4,
        default_headers={"X-A": "1"},
        default_query={"q": 1},
        webhook_secret="whsec",
        retry_policy=RetryPolicy(max_delay=3),
    )
    assert (client.api_key, client.organization, client.project) == ("k", "org", "proj")
    assert client.base_url == "http://localhost:11434/v1/"
    assert (client.timeout, client.deadline, client.max_retries) == (7, 9, 4)
    assert client._settings.policy.max_delay == 3
    assert client.default_headers["X-A"] == "1"
    assert client.default_headers["OpenAI-Organization"] == "org"
    assert client.default_query == {"q": 1}
    assert client.webhook_secret == "whsec"
    assert client.user_agent.startswith("anyopenai/")
    assert client.auth_headers == {"Authorization": "Bearer k"}
    assert client.with_options(timeout=None).timeout is None
    assert OpenAI(api_key="k").timeout == Timeout(600, connect=5)


async def test_options_can_be_set_on_a_living_client() -> None:
    client, transport = client_over(ok())
    models = client.models
    client.base_url = "http://localhost:1/v2"
    client.api_key = "other"
    client.organization = "org"
    client.project = "proj"
    client.timeout = 3
    client.max_retries = 1
    client.admin_api_key = "admin"
    await models.retrieve("m")
    sent = transport.requests[0]
    assert sent.url == "http://localhost:1/v2/models/m"
    assert sent.headers["authorization"] == "Bearer other"
    assert (sent.headers["openai-organization"], sent.headers["openai-project"]) == ("org", "proj")
    assert (client.timeout, client.max_retries, client.admin_api_key) == (3, 1, "admin")
    with pytest.raises(TypeError):
        client.max_retries = None


@pytest.mark.parametrize("wrong", [None, True, "2", 1.5], ids=repr)
def test_a_budget_that_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="max_retries"):
        OpenAI(api_key="k", max_retries=wrong)
    with pytest.raises(TypeError, match="max_retries"):
        OpenAI(api_key="k").with_options(max_retries=wrong)


def test_a_mode_for_truncated_streams_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="truncated_streams"):
        OpenAI(api_key="k", truncated_streams="maybe")
    with pytest.raises(ValueError, match="truncated_streams"):
        OpenAI(api_key="k").copy(truncated_streams="maybe")


async def test_default_headers_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-A: env\n X-B : with: colon \nno header\n\nAuthorization: Basic x")
    client, transport = client_over(ok(), default_headers={"x-a": "mine"})
    await client.models.retrieve("m")
    sent = transport.requests[0].headers
    assert (sent["x-a"], sent["x-b"], sent["authorization"]) == ("mine", "with: colon", "Basic x")


# Views.


async def test_a_view_takes_more_of_its_arguments_as_a_mapping() -> None:
    client = OpenAI(api_key="k", timeout=1)
    view = client.copy(max_retries=5, _extra_kwargs={"timeout": 9})
    assert (view.timeout, view.max_retries, client.timeout) == (9, 5, 1)
    with pytest.raises(TypeError, match="nonsense"):
        client.copy(_extra_kwargs={"nonsense": 1})
    with pytest.raises(TypeError, match="nonsense"):
        client.with_options(nonsense=1)


def test_giving_headers_in_both_ways_is_refused() -> None:
    client = OpenAI(api_key="k")
    with pytest.raises(ValueError, match="set_default_headers"):
        client.copy(default_headers={}, set_default_headers={})
    with pytest.raises(ValueError, match="set_default_query"):
        client.copy(default_query={}, set_default_query={})


async def test_a_view_of_a_view_keeps_what_it_did_not_replace() -> None:
    client, transport = client_over(ok(), default_headers={"X-A": "1", "x-token": "secret"})
    view = client.copy(default_headers={"x-B": "2", "x-a": omit}).copy(api_key="other").copy(max_retries=0)
    await view.models.retrieve("m")
    sent = transport.requests[0].headers
    assert "x-a" not in sent
    assert (sent["x-b"], sent["x-token"], sent["authorization"]) == ("2", "secret", "Bearer other")
    assert client.api_key == KEY


async def test_a_view_may_have_a_transport_of_its_own() -> None:
    client, transport = client_over(ok())
    other = FakeTransport(ok())
    view = client.copy(transport=other)
    await view.models.retrieve("m")
    await view.close()
    assert not client.is_closed()
    assert (len(transport.requests), len(other.requests), other.closed) == (0, 1, True)


def test_a_subclass_keeps_its_attributes_in_a_view() -> None:
    class Mine(OpenAI):
        def __init__(self, tenant: str) -> None:
            super().__init__(api_key="k")
            self.tenant = tenant

    view = Mine("red").with_options(timeout=3)
    assert isinstance(view, Mine)
    assert (view.tenant, view.timeout) == ("red", 3)


def test_namespaces_of_a_view_are_its_own() -> None:
    client = OpenAI(api_key="k")
    first = client.chat
    view = client.with_options(timeout=3)
    assert view.chat is not first
    assert view.chat._caller is view._caller
    assert copy.copy(client)._caller is not client._caller


def test_views_are_cheap_and_leave_nothing_behind() -> None:
    """Under 10 KB each while they live, and nothing afterwards."""
    client = OpenAI(api_key="k")
    client.with_options(timeout=3)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        views = [client.with_options(timeout=3, default_headers={"x-a": "1"}) for _ in range(200)]
        each = (tracemalloc.get_traced_memory()[0] - before) / len(views)
        del views
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert each < 10_000
    assert left < 10_000


# Life.


async def test_a_plain_with_is_refused() -> None:
    with pytest.raises(TypeError, match="async-only: use `async with`"), OpenAI(api_key="k"):
        pass


async def test_closing_closes_the_transport_once_and_for_all_views() -> None:
    client, transport = client_over()
    async with client as entered:
        assert entered is client
        view = client.with_options(timeout=3)
    assert transport.closed
    assert view.is_closed()
    await client.aclose()
    for call in (client.models.retrieve("m"), view.models.retrieve("m")):
        with pytest.raises(ClientClosedError, match="closed"):
            await call


async def test_closing_a_client_that_was_never_used_makes_no_transport() -> None:
    client = OpenAI(api_key="k")
    await client.close()
    assert client._engine.carrier.transport is None


@pytest.mark.parametrize(("kind", "error"), [("closed", ClientClosedError), ("loop", WrongEventLoopError)])
async def test_what_the_transport_says_about_its_life_has_its_own_error(kind: Any, error: type[OpenAIError]) -> None:
    client, _ = client_over(TransportFailure("the connections belong to another loop", kind=kind, phase="pool"))
    with pytest.raises(error):
        await client.models.retrieve("m")


def test_nothing_that_is_printed_shows_a_key() -> None:
    client = OpenAI(api_key=KEY, admin_api_key=KEY + "-admin", default_headers={"x-token": KEY})
    for thing in (client, client.chat, client.chat.completions, client._settings.provider, client._caller):
        assert KEY not in repr(thing)
        assert KEY not in str(thing)


# Other servers.


async def test_an_operation_for_admins_takes_the_admin_key() -> None:
    operation: Operation[Any] = Operation(name="a.b", verb="GET", path="/a", returns=object, security="admin")
    client, transport = client_over(ok(), admin_api_key="admin")
    await client._caller.call(operation, options={})
    assert transport.requests[0].headers["authorization"] == "Bearer admin"
    without, transport = client_over()
    with pytest.raises(MissingCredentialsError, match="OPENAI_ADMIN_KEY") as caught:
        await without._caller.call(operation, options={})
    assert isinstance(caught.value, TypeError)
    assert transport.requests == []
    assert transport.open_responses == 0


async def test_the_admin_key_can_be_asked_for_on_any_path() -> None:
    client, transport = client_over(ok(), admin_api_key="admin")
    await client.get("/a", cast_to=object, options={"security": {"admin_api_key_auth": True}})
    assert transport.requests[0].headers["authorization"] == "Bearer admin"


async def test_a_client_without_keys_uses_headers_of_the_callers_own() -> None:
    transport = FakeTransport(ok(), ok())
    client = OpenAI(_enforce_credentials=False, transport=transport)
    with pytest.raises(MissingCredentialsError):
        await client.models.retrieve("m")
    await client.models.retrieve("m", extra_headers={"api-key": "azure"})
    await client.models.retrieve("m", extra_headers={"Authorization": "Basic x"})
    assert "authorization" not in transport.requests[0].headers
    assert transport.requests[1].headers["authorization"] == "Basic x"


class Signing(OpenAIProvider):
    """A provider of somebody else's: another path, another proof."""

    __slots__ = ()

    def url_for(self, path: str, body: Any) -> str:
        return f"/deployments/{(body or {}).get('model', '-')}{path}"

    async def authorize(self, request: Any, security: Any) -> None:
        request.headers.append((b"api-key", b"signed"))


async def test_another_provider_decides_where_requests_go_and_what_they_carry() -> None:
    provider = Signing(base_url="https://azure.example/openai")
    transport = FakeTransport(ok({"id": "c", "choices": []}))
    client = OpenAI(provider=provider, transport=transport)
    await client.chat.completions.create(model="gpt", messages=[])
    assert transport.requests[0].url == "https://azure.example/openai/deployments/gpt/chat/completions"
    assert transport.requests[0].headers["api-key"] == "signed"
    with pytest.raises(TypeError, match="api_key="):
        OpenAI(provider=provider, api_key="k")
    with pytest.raises(NotYetSupportedError, match="no anyopenai Provider"):
        OpenAI(provider=object())


def test_a_client_is_made_and_dropped_without_an_event_loop() -> None:
    client = OpenAI(api_key="k")
    assert not client.is_closed()
    del client
    gc.collect()


def test_a_client_serves_one_event_loop_after_the_other() -> None:
    client, _ = client_over(ok(), ok())
    for backend in ("asyncio", "trio"):
        assert anyio.run(client.models.retrieve, "m", backend=backend).id == "m"
