"""Clients: where their options come from, views of them, closing, names, and what they hold on to."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import pytest

import anyopenai
from anyopenai import AsyncOpenAI, OpenAI, OpenAIError, Timeout
from anyopenai._contract import Operation
from anyopenai.errors import ClientClosedError, NotYetSupportedError
from behaviour.answers import MODEL, PROMPT, chat
from behaviour.clients import KEY, client_for
from behaviour.server import Server, json

ADMIN: Operation[Any] = Operation(
    name="admin.test", verb="GET", path="/organization/things", returns=object, security="admin"
)


async def administer(client: OpenAI) -> object:
    """Call an endpoint that takes the admin key."""
    return await client._caller.call(ADMIN, options={})


@pytest.fixture
def server(server: Server) -> Server:
    """Every request is answered with a model unless a test says otherwise."""
    server.script(json(MODEL))
    return server


# The environment, and what beats it.


async def test_key_and_address_come_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/env")
    async with OpenAI() as client:
        await client.models.retrieve("m")
    assert (server.last["authorization"], server.last.path) == ("Bearer from-environment", "/env/models/m")
    async with OpenAI(api_key="explicit", base_url=f"{server.url}/explicit") as client:
        await client.models.retrieve("m")
    assert (server.last["authorization"], server.last.path) == ("Bearer explicit", "/explicit/models/m")


def test_without_an_address_it_is_openais() -> None:
    assert str(OpenAI(api_key="k").base_url) == "https://api.openai.com/v1/"


def test_without_any_key_making_a_client_fails() -> None:
    with pytest.raises(OpenAIError, match="OPENAI_API_KEY"):
        OpenAI()


@pytest.mark.parametrize("where", ["arguments", "environment", "nowhere"])
async def test_organization_and_project_are_sent_if_there_are_any(
    server: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    given = {"organization": "org-1", "project": "proj-1"} if where == "arguments" else {}
    async with client_for(server, **given) as client:
        await client.models.retrieve("m")
    expected = [] if where == "nowhere" else ["org-1", "proj-1"]
    assert [*server.last.all("openai-organization"), *server.last.all("openai-project")] == expected


# Keys.


@pytest.mark.parametrize("where", ["argument", "environment"])
async def test_the_admin_key_goes_to_organisation_endpoints_only(
    server: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin")
    async with client_for(server, **({"admin_api_key": "admin"} if where == "argument" else {})) as client:
        await administer(client)
        await client.models.retrieve("m")
    assert [request["authorization"] for request in server.requests] == ["Bearer admin", f"Bearer {KEY}"]


async def test_a_key_function_is_awaited_for_each_request_and_never_for_the_admins(server: Server) -> None:
    asked = 0

    async def key() -> str:
        nonlocal asked
        asked += 1
        return f"key-{asked}"

    async with client_for(server, api_key=key, admin_api_key="admin") as client:
        for _ in range(2):
            await client.models.retrieve("m")
        await administer(client)
    assert [request["authorization"] for request in server.requests] == ["Bearer key-1", "Bearer key-2", "Bearer admin"]
    assert asked == 2


@pytest.mark.parametrize("kind", ["text", "function"])
async def test_an_organisation_endpoint_without_an_admin_key_fails_before_anything_is_sent(
    server: Server, kind: str
) -> None:
    async def key() -> str:
        pytest.fail("the function must not be called")

    async with client_for(server, api_key=KEY if kind == "text" else key) as client:
        with pytest.raises(TypeError, match="admin"):
            await administer(client)
    assert server.requests == []


async def test_an_exception_of_a_key_function_reaches_the_caller(server: Server) -> None:
    async def key() -> str:
        raise ZeroDivisionError

    async with client_for(server, api_key=key) as client:
        with pytest.raises(ZeroDivisionError):
            await client.models.retrieve("m")
    assert server.requests == []


async def test_a_client_without_keys_can_be_made_when_asked_for(server: Server) -> None:
    async with client_for(server, api_key=None, _enforce_credentials=False) as client:
        await client.models.retrieve("m", extra_headers={"Authorization": "Basic own"})
        assert server.last.all("authorization") == ["Basic own"]
        await client.models.retrieve("m", extra_headers={"api-key": "own"})
        assert server.last["api-key"] == "own"


# Views.


async def test_a_view_has_its_own_options_and_leaves_the_original_alone(server: Server) -> None:
    own = {"default_headers": {"X-A": "1", "X-B": "1"}, "default_query": {"q": "1"}}
    async with client_for(server, **own) as client:
        view = client.copy(
            api_key="other",
            default_headers={"X-B": "2", "X-C": "2"},
            default_query={"r": "2"},
            timeout=7,
            max_retries=9,
        )
        assert (view.timeout, view.max_retries, client.max_retries) == (7, 9, 2)
        assert client.timeout == Timeout(600, connect=5)
        await view.models.retrieve("m")
        await client.models.retrieve("m")
    changed, kept = server.requests
    assert changed["authorization"] == "Bearer other"
    assert [changed["x-a"], changed["x-b"], changed["x-c"]] == ["1", "2", "2"]
    assert sorted(changed.query) == [("q", "1"), ("r", "2")]
    assert (kept["authorization"], kept["x-b"], kept.query) == (f"Bearer {KEY}", "1", [("q", "1")])
    assert "x-c" not in kept


async def test_a_view_may_replace_headers_and_query_as_a_whole(server: Server) -> None:
    async with client_for(server, default_headers={"X-A": "1"}, default_query={"q": "1"}) as client:
        await client.with_options(set_default_headers={"X-B": "2"}, set_default_query={"r": "2"}).models.retrieve("m")
        for given in ("headers", "query"):
            with pytest.raises(ValueError, match=f"set_default_{given}"):
                client.with_options(**{f"default_{given}": {}, f"set_default_{given}": {}})
    assert "x-a" not in server.last
    assert (server.last["x-b"], server.last.query) == ("2", [("r", "2")])


async def test_views_share_the_connections_and_dropping_one_closes_nothing(server: Server, client: OpenAI) -> None:
    await client.models.retrieve("m")
    view = client.with_options(max_retries=0)
    await view.models.retrieve("m")
    del view
    gc.collect()
    await client.models.retrieve("m")
    assert len(server.connections) == 1


def test_views_that_are_dropped_leave_nothing_behind() -> None:
    client = OpenAI(api_key="k")
    views = [weakref.ref(client.with_options(timeout=number, default_headers={"x": "y"})) for number in range(50)]
    assert all(view().chat.completions is not None for view in views if view() is not None)
    gc.collect()
    assert [view for view in views if view() is not None] == []


# Closing.


async def test_leaving_the_block_closes_the_client_and_closing_again_is_harmless(server: Server) -> None:
    async with client_for(server) as client:
        await client.models.retrieve("m")
        assert not client.is_closed()
    assert client.is_closed()
    await server.connections[0].hung_up.wait()
    await client.close()
    await client.aclose()


async def test_a_closed_client_refuses_requests(server: Server) -> None:
    client = client_for(server)
    view = client.with_options(timeout=1)
    await client.close()
    for closed in (client, view):
        with pytest.raises(ClientClosedError):
            await closed.models.retrieve("m")
        with pytest.raises(ClientClosedError):
            await closed.chat.completions.create(**PROMPT, stream=True)
    assert server.requests == []


def test_a_client_may_be_made_outside_of_any_event_loop_and_never_used() -> None:
    client = OpenAI(api_key="k")
    assert client.chat.completions is not None
    del client
    gc.collect()


def test_a_plain_with_says_what_to_write() -> None:
    with pytest.raises(TypeError, match="async with"):  # noqa: SIM117
        with OpenAI(api_key="k"):
            pytest.fail("the block must not be entered")


def test_a_client_serves_one_event_loop_after_the_other(anyio_backend: str) -> None:
    client = OpenAI(api_key="k", base_url="http://127.0.0.1:9")

    async def main() -> str:
        async with Server().running() as server:
            server.script(json(MODEL))
            client.base_url = server.url
            for _ in range(2):
                model = await client.models.retrieve("m")
            assert len(server.connections) == 1
            return model.id

    assert [anyio.run(main, backend=anyio_backend) for _ in range(3)] == ["m"] * 3
    anyio.run(client.close, backend=anyio_backend)


# Names.


@pytest.mark.parametrize(
    "path",
    [
        "completions.create",
        "chat.completions.create",
        "chat.completions.retrieve",
        "chat.completions.list",
        "chat.completions.messages.list",
        "responses.create",
        "responses.input_items.list",
        "responses.input_tokens.count",
        "embeddings.create",
        "models.list",
        "moderations.create",
        "files.create",
        "batches.create",
    ],
)
def test_a_namespace_is_reachable_from_the_client(path: str) -> None:
    found: object = OpenAI(api_key="k")
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)


def test_public_names_are_there() -> None:
    names = """
        APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError
        AsyncBedrockOpenAI AsyncClient AsyncComputerDriver AsyncComputerToolset AsyncOpenAI AsyncStream
        AuthenticationError BadRequestError BaseModel BedrockOpenAI Client ComputerDriver ComputerToolset
        ConflictError ContentFilterFinishReasonError DEFAULT_CONNECTION_LIMITS DEFAULT_MAX_RETRIES
        DEFAULT_TIMEOUT DataResidency DefaultAioHttpClient DefaultAsyncHttpx2Client DefaultAsyncHttpxClient
        DefaultHttpx2Client DefaultHttpxClient InternalServerError InvalidWebhookSignatureError
        LengthFinishReasonError NOT_GIVEN NoneType NotFoundError NotGiven OAuthError Omit OpenAI OpenAIError
        PermissionDeniedError ProxiesTypes RateLimitError ReconnectingEvent ReconnectingOverrides
        RequestOptions Stream Timeout Transport UnprocessableEntityError WebSocketConnectionClosedError
        WebSocketQueueFullError __title__ __version__ file_from_path not_given omit types
    """
    assert [name for name in names.split() if not hasattr(anyopenai, name)] == []
    assert AsyncOpenAI is OpenAI
    assert anyopenai.AsyncStream is anyopenai.Stream


async def test_a_plain_call_is_a_coroutine_and_a_list_is_not(client: OpenAI) -> None:
    assert inspect.iscoroutinefunction(client.models.retrieve)
    assert not inspect.iscoroutinefunction(client.models.list)


# Options of other libraries.


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("workload_identity", "api_key"),
        ("data_residency", "base_url"),
        ("websocket_base_url", ""),
    ],
)
def test_an_option_of_later_says_what_to_use_instead(name: str, hint: str) -> None:
    with pytest.raises(NotYetSupportedError, match=name) as caught:
        OpenAI(**{"api_key": "k", name: object()})
    assert hint in str(caught.value)


class Cat(anyopenai.BaseModel, kw_only=True):
    meow: str


class Dog(anyopenai.BaseModel, kw_only=True):
    bark: int


@pytest.mark.parametrize(("document", "kind"), [({"meow": "x"}, Cat), ({"bark": 1}, Dog)])
async def test_a_union_takes_the_variant_that_fits(
    server: Server, client: OpenAI, document: dict[str, object], kind: type[object]
) -> None:
    server.script(json(document))
    assert type(await client.get("/pet", cast_to=Cat | Dog)) is kind


@pytest.mark.parametrize(
    "call", [lambda c, to: c.get("/x", cast_to=to), lambda c, to: c.post("/x", cast_to=to, body={})]
)
async def test_the_raw_response_can_be_asked_for_on_any_path(
    server: Server, client: OpenAI, call: Callable[[OpenAI, object], Any]
) -> None:
    server.script(json(chat()))
    response = await call(client, anyopenai.RawResponse)
    assert (response.status_code, response.headers["x-request-id"]) == (200, "req_test")
    assert b"chatcmpl-1" in response.content
