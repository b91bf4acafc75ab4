"""Options of a client's own connections: what they build, what they exclude, and how they follow a client around."""

from __future__ import annotations

import math
import pickle
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from anyopenai import DEFAULT_CONNECTION_LIMITS, APIConnectionError, ConnectionLimits, OpenAI, OpenAIError
from anyopenai.testing import FakeTransport
from anyopenai.testing.faults import Forever, Receive, Reply, fault_server
from anyopenai.transport import PoolTransport

MODEL = Reply(
    body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "o"}', headers={"content-type": "application/json"}
)


async def provide_key() -> str:
    """A function that another process can import."""
    return "k"


def options() -> dict[str, Any]:
    """Return a value for every option of the package's own connections."""
    return {"ssl_context": ssl.create_default_context(), "limits": ConnectionLimits(1, 1, 1.0)}


@pytest.mark.parametrize("name", list(options()))
def test_a_transport_and_an_option_of_the_own_one_exclude_each_other(name: str) -> None:
    given = {name: options()[name]}
    both = rf"transport= and {name}= exclude each other"
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k", transport=FakeTransport(), **given)
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k").with_options(transport=FakeTransport(), **given)
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k", transport=FakeTransport()).with_options(**given)


async def test_limits_bound_the_connections() -> None:
    async with fault_server([Forever(Receive(), MODEL)]) as server:
        client = OpenAI(api_key="k", base_url=server.url, limits=ConnectionLimits(3, 2, 1.0))
        async with client:
            await client.models.retrieve("m")
            transport = client._engine.carrier.transport
            assert isinstance(transport, PoolTransport)
            assert transport._max_connections == 3


def limits_of(given: object) -> ConnectionLimits:
    return OpenAI(api_key="k", limits=given)._transport_options.limits  # type: ignore[arg-type]  # wrong ones too


def test_limits_of_httpx_s_shape_are_taken_and_none_is_no_limit() -> None:
    shaped = SimpleNamespace(max_connections=None, max_keepalive_connections=20, keepalive_expiry=None)
    limits = limits_of(shaped)
    assert limits.max_connections > 10**9
    assert (limits.max_keepalive_connections, limits.keepalive_expiry) == (20, math.inf)
    assert limits_of(SimpleNamespace(max_connections=5, max_keepalive_connections=None, keepalive_expiry=5)) == (
        5,
        5,
        5,
    )
    assert OpenAI(api_key="k")._transport_options.limits == DEFAULT_CONNECTION_LIMITS


@pytest.mark.parametrize(
    ("wrong", "error", "named"),
    [
        (100, TypeError, "limits must be a ConnectionLimits"),
        (ConnectionLimits(0, 1, 1), ValueError, "max_connections must be at least 1"),
        (ConnectionLimits(1, -1, 1), ValueError, "max_keepalive_connections"),
        (ConnectionLimits(1, 1, math.nan), ValueError, "keepalive_expiry"),
        (ConnectionLimits("9", 1, 1), TypeError, "max_connections must be a number"),  # type: ignore[arg-type]  # wrong
    ],
    ids=repr,
)
def test_limits_that_are_none_are_refused(wrong: object, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        limits_of(wrong)


def test_a_context_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match=r"ssl_context must be an ssl\.SSLContext, not str"):
        OpenAI(api_key="k", ssl_context="cert.pem")  # type: ignore[arg-type]  # as older clients took it


def test_a_view_shares_the_connections_unless_it_has_options_of_its_own() -> None:
    client = OpenAI(api_key="k", limits=ConnectionLimits(7, 7, 7.0))
    assert client.with_options(timeout=1)._engine.carrier is client._engine.carrier
    context = ssl.create_default_context()
    other = client.with_options(ssl_context=context)
    assert other._engine.carrier is not client._engine.carrier
    assert other._transport_options.ssl_context is context
    assert other._transport_options.limits == (7, 7, 7.0)
    assert client._transport_options.ssl_context is None


def test_the_environment_names_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/a.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    made = OpenAI(api_key="k")._transport_options
    assert (made.cert_file, made.cert_dir) == ("/a.pem", None)


def test_limits_travel_and_a_context_is_refused_by_name() -> None:
    client = OpenAI(api_key=provide_key, limits=ConnectionLimits(7, 6, 5.0))
    assert pickle.loads(pickle.dumps(client))._transport_options.limits == (7, 6, 5.0)
    with pytest.raises(OpenAIError, match=r"ssl_context= cannot be pickled.*make the client where it is used"):
        pickle.dumps(client.with_options(ssl_context=ssl.create_default_context()))


async def test_a_refused_certificate_is_not_tried_again() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with fault_server(tls=context) as server, OpenAI(api_key="k", base_url=server.url) as client:
        with pytest.raises(APIConnectionError, match=r"no trusted connection.*1 attempt\)$") as caught:
            await client.models.retrieve("m")
        assert caught.value.request_sent == "none"
        assert len(server.connections) == 1
