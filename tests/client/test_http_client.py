"""`http_client=`: clients of other packages are recognised, their time limits are taken, and conflicts are refused."""

from __future__ import annotations

import pickle
import ssl
from typing import Any

import pytest

from anyopenai import (
    DefaultAioHttpClient,
    DefaultAsyncHttpx2Client,
    DefaultAsyncHttpxClient,
    MissingExtraError,
    OpenAI,
    OpenAIError,
    Timeout,
)
from anyopenai.testing import FakeTransport, Forever, Receive, Reply, fault_server
from anyopenai.transport import AiohttpTransport, HttpxTransport

aiohttp = pytest.importorskip("aiohttp")
httpx = pytest.importorskip("httpx")
httpx2 = pytest.importorskip("httpx2")

LIBRARIES = (httpx, httpx2)


def transport_of(client: OpenAI) -> object:
    return client._engine.carrier.transport


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda module: module.__name__)
async def test_an_asynchronous_httpx_client_is_taken_and_a_synchronous_one_refused(library: Any) -> None:
    async with library.AsyncClient() as theirs:
        assert isinstance(transport_of(OpenAI(api_key="k", http_client=theirs)), HttpxTransport)
        assert isinstance(transport_of(OpenAI(api_key="k").with_options(http_client=theirs)), HttpxTransport)
    with library.Client() as synchronous, pytest.raises(TypeError, match=rf"{library.__name__}\.AsyncClient instead"):
        OpenAI(api_key="k", http_client=synchronous)


async def test_a_class_of_their_own_is_taken_too() -> None:
    class Company(httpx.AsyncClient):  # type: ignore[misc]  # loaded at run time
        """As companies make them."""

    async with Company() as theirs:
        assert isinstance(transport_of(OpenAI(api_key="k", http_client=theirs)), HttpxTransport)


@pytest.mark.parametrize("something", [object(), "http://proxy", ssl], ids=["object", "text", "module"])
def test_anything_else_is_refused_with_what_is_taken(something: object) -> None:
    with pytest.raises(
        TypeError, match=r"httpx\.AsyncClient, an httpx2\.AsyncClient or an aiohttp\.ClientSession, not "
    ):
        OpenAI(api_key="k", http_client=something)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda module: module.__name__)
async def test_the_clients_timeout_holds_unless_it_is_the_librarys_default_or_another_is_given(library: Any) -> None:
    async with (
        library.AsyncClient() as plain,
        library.AsyncClient(timeout=library.Timeout(7.0, connect=2.0)) as timed,
        library.AsyncClient(timeout=None) as unlimited,
    ):
        assert OpenAI(api_key="k", http_client=plain).timeout == OpenAI(api_key="k").timeout
        assert repr(OpenAI(api_key="k", http_client=timed).timeout) == repr(Timeout(7.0, connect=2.0))
        assert OpenAI(api_key="k", http_client=timed, timeout=3.0).timeout == 3.0
        assert repr(OpenAI(api_key="k", http_client=unlimited).timeout) == repr(Timeout(None))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_sessions_timeout_holds_unless_it_is_the_librarys_default(anyio_backend: str) -> None:
    limits = aiohttp.ClientTimeout(total=60.0, sock_connect=2.0, sock_read=9.0)
    async with aiohttp.ClientSession() as plain, aiohttp.ClientSession(timeout=limits) as timed:
        assert OpenAI(api_key="k", http_client=plain).timeout == OpenAI(api_key="k").timeout
        expected = Timeout(connect=2.0, read=9.0, write=60.0, pool=60.0)
        assert OpenAI(api_key="k", http_client=timed).timeout == expected
        assert isinstance(transport_of(OpenAI(api_key="k", http_client=timed)), AiohttpTransport)


async def test_options_of_the_own_connections_are_refused_beside_it() -> None:
    async with httpx.AsyncClient() as theirs:
        for options in (
            {"transport": FakeTransport()},
            {"ssl_context": ssl.create_default_context()},
            {"limits": httpx.Limits(max_connections=1)},
        ):
            (name,) = options
            with pytest.raises(TypeError, match=rf"{name}=.*exclude each other|exclude each other.*{name}="):
                OpenAI(api_key="k", http_client=theirs, **options)  # type: ignore[arg-type]  # a keyword each
            with pytest.raises(TypeError, match="exclude each other"):
                OpenAI(api_key="k").with_options(http_client=theirs, **options)  # type: ignore[arg-type]  # as above


async def test_an_http_client_as_transport_is_refused_with_the_right_name() -> None:
    async with httpx.AsyncClient() as theirs:
        with pytest.raises(TypeError, match="pass it as http_client="):
            OpenAI(api_key="k", transport=theirs)


async def test_a_client_with_one_does_not_pickle() -> None:
    async with httpx.AsyncClient() as theirs:
        with pytest.raises(OpenAIError, match="cannot be pickled"):
            pickle.dumps(OpenAI(api_key="k", http_client=theirs))


@pytest.mark.parametrize("make", [DefaultAsyncHttpxClient, DefaultAsyncHttpx2Client])
async def test_default_clients_have_the_sdks_limits_and_take_the_librarys_options(make: Any) -> None:
    body = b'{"object": "list", "data": []}'
    async with fault_server([Forever(Receive(), Reply(200, body, {"content-type": "application/json"}))]) as server:
        theirs = make(headers={"x-corp": "1"})
        async with OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=theirs) as client:
            assert repr(client.timeout) == repr(Timeout(600.0, connect=5.0))
            assert (await client.models.list()).data == []
            assert server.requests[0].header("x-corp") == "1"


@pytest.mark.parametrize("name", ["httpx", "httpx2", "aiohttp"])
def test_a_default_client_without_its_library_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make = {"httpx": DefaultAsyncHttpxClient, "httpx2": DefaultAsyncHttpx2Client, "aiohttp": DefaultAioHttpClient}[name]
    monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"anyopenai\[{name}\]"):
        make()
