"""`FakeTransport` keeps to the transport seam's rules and does what its script says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._tasks import open_task_group
from anyopenai._timeouts import Timeout
from anyopenai.testing import Answer, FakeResponse, FakeTransport, NoAnswerError, RecordedRequest
from anyopenai.testing.transport import _Route
from anyopenai.transport.base import BodyReader, TransportFailure, WireRequest, WireResponse
from anyopenai.types import Model


def request(
    method: str = "POST",
    target: str = "/v1/embeddings",
    body: bytes | Source = b"",
    *,
    read: float | None = None,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> WireRequest:
    return WireRequest(
        method,
        "https",
        "api.test",
        443,
        target.encode(),
        headers or [(b"authorization", b"Bearer sk-very-secret"), (b"x-name", b"value")],
        body,
        timeout=Timeout(None, read=read),
    )


class Source:
    """A body in pieces that remembers whether its reading was closed."""

    length = None
    replayable = True

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    def open(self) -> BodyReader:
        return Reading(self)


class Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.left = list(source.pieces)

    async def read(self) -> bytes:
        await checkpoint()
        return self.left.pop(0) if self.left else b""

    async def aclose(self) -> None:
        self.source.closed += 1


async def body_of(response: WireResponse) -> bytes:
    return await response.read(1 << 20)


async def test_an_answer_has_status_headers_and_json():
    transport = FakeTransport(Answer(201, json={"a": [1, None]}, headers={"X-Extra": "1"}))
    response = await transport.send(request())
    assert (response.status, response.http_version) == (201, "HTTP/1.1")
    assert response.headers == [
        (b"x-request-id", b"req_fake_1"),
        (b"content-type", b"application/json"),
        (b"content-length", b"14"),
        (b"x-extra", b"1"),
    ]
    assert msgspec.json.decode(await body_of(response)) == {"a": [1, None]}
    assert response.complete
    assert await response.receive() == b""
    assert transport.open_responses == 0


async def test_constructor_answers_are_used_once_each_then_routes_answer():
    transport = FakeTransport(Answer(500), Answer(502))
    transport.route("POST", "/embeddings", Answer(content="first"), Answer(content="later"))
    seen = [(r.status, await body_of(r)) for r in [await transport.send(request()) for _ in range(5)]]
    assert seen == [(500, b""), (502, b""), (200, b"first"), (200, b"later"), (200, b"later")]


async def test_a_request_without_an_answer_fails_with_the_routes_named():
    transport = FakeTransport()
    transport.route("GET", "/models/*", Answer())
    with pytest.raises(NoAnswerError, match=r"POST /v1/embeddings \(routes: GET /models/\*\)"):
        await transport.send(request())


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/embeddings", "/v1/embeddings", True),
        ("/embeddings", "/embeddings", True),
        ("/embeddings", "/v1/xembeddings", False),
        ("/files/*", "/v1/files/a", True),
        ("/files/*", "/v1/files/", False),
        ("/files/*", "/v1/files/a/content", False),
        ("/files/**", "/v1/files/a/content", True),
        ("/v1/*/content", "/v1/a/content", True),
        ("/models/a.b", "/v1/models/axb", False),
    ],
)
def test_patterns_fit_the_end_of_a_path(pattern: str, path: str, fits: bool):
    route = _Route("GET", pattern, __import__("collections").deque([Answer()]))
    assert route.fits("GET", path) is fits
    assert not route.fits("POST", path)


def test_a_route_needs_a_slash_and_an_answer():
    transport = FakeTransport()
    with pytest.raises(ValueError, match="starts with /"):
        transport.route("GET", "models", Answer())
    with pytest.raises(ValueError, match="at least one answer"):
        transport.route("GET", "/models")


def test_an_answer_refuses_two_bodies():
    with pytest.raises(ValueError, match="only one of"):
        Answer(json=None, content=b"x")


async def test_handlers_compute_answers_from_the_request():
    async def later(seen: RecordedRequest) -> Answer:
        await checkpoint()
        return Answer(content=seen.path)

    transport = FakeTransport(lambda seen: Answer(json=seen.json()), later)
    assert await body_of(await transport.send(request(body=b'{"n":1}'))) == b'{"n":1}'
    assert await body_of(await transport.send(request())) == b"/v1/embeddings"


async def test_requests_are_recorded_and_their_repr_keeps_secrets():
    transport = FakeTransport(Answer())
    await transport.send(request(target="/v1/files?after=a%20b&after=c&x=", body=b"{}"))
    (seen,) = transport.requests
    assert (seen.method, seen.path, seen.query) == ("POST", "/v1/files", {"after": ["a b", "c"], "x": [""]})
    assert seen.url == "https://api.test/v1/files?after=a%20b&after=c&x="
    assert seen.headers["Authorization"] == "Bearer sk-very-secret"
    assert seen.json() == {}
    assert "sk-very-secret" not in repr(seen) + repr(transport)


async def test_body_sources_are_read_whole_and_closed():
    source = Source(b"ab", b"cd")
    transport = FakeTransport(Answer())
    await transport.send(request(body=source))
    assert transport.requests[0].body == b"abcd"
    assert source.closed == 1


@pytest.mark.parametrize(("sent", "body"), [("none", b""), ("partial", b"xy"), ("all", b"xy")])
async def test_a_scripted_failure_is_raised_as_a_copy_and_tells_what_was_sent(sent: str, body: bytes):
    failure = TransportFailure("gone", kind="lost", phase="head", sent=sent, fresh=False)  # type: ignore[arg-type]
    transport = FakeTransport()
    transport.route("POST", "/embeddings", failure)
    wire = request(body=Source(b"x", b"y"))
    for _ in range(2):
        with pytest.raises(TransportFailure, match="gone") as caught:
            await transport.send(wire)
        assert caught.value is not failure
        assert (caught.value.kind, caught.value.sent, caught.value.fresh) == ("lost", sent, False)
        assert (wire.sent, wire.phase) == (sent, "head")
    assert [seen.body for seen in transport.requests] == [body, body]


async def test_pieces_arrive_one_by_one_and_long_ones_in_parts():
    transport = FakeTransport(Answer(pieces=[b"ab", b"", b"cdefg"]))
    response = await transport.send(request())
    assert [await response.receive(3) for _ in range(4)] == [b"ab", b"cde", b"fg", b""]


async def test_a_failure_inside_a_body_closes_the_response():
    cut = TransportFailure("cut", kind="lost", phase="body", sent="all")
    transport = FakeTransport(Answer(pieces=[b"abc", cut]))
    response = await transport.send(request())
    assert transport.open_responses == 1
    assert await response.receive() == b"abc"
    with pytest.raises(TransportFailure, match="cut") as caught:
        await response.receive()
    assert caught.value.received == 3
    assert not response.complete
    assert transport.open_responses == 0
    with pytest.raises(TransportFailure, match="closed"):
        await response.receive()


async def test_events_are_framed_as_the_api_frames_them():
    transport = FakeTransport(Answer(events=[{"a": 1}, ("ping", {}), "two\nlines", b": note\n\n", "[DONE]"]))
    response = await transport.send(request())
    assert dict(response.headers)[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert await body_of(response) == (
        b'data: {"a":1}\n\nevent: ping\ndata: {}\n\ndata: two\ndata: lines\n\n: note\n\ndata: [DONE]\n\n'
    )


async def test_answers_take_the_clients_own_types():
    model = Model(id="m", created=0, object="model", owned_by="me")
    transport = FakeTransport(Answer(json=model), Answer(events=[model]))
    whole, streamed = [await body_of(await transport.send(request())) for _ in range(2)]
    assert msgspec.json.decode(whole) == {"id": "m", "created": 0, "object": "model", "owned_by": "me"}
    assert streamed == b"data: " + whole + b"\n\n"


async def test_gates_hold_the_head_and_the_body_back():
    head, middle = anyio.Event(), anyio.Event()
    transport = FakeTransport(Answer(pieces=[b"a", middle, b"b"], wait=head))
    steps: list[bytes | str] = []

    async def use() -> None:
        response = await transport.send(request())
        steps.append("head")
        while piece := await response.receive():
            steps.append(piece)

    async with open_task_group() as tasks:
        tasks.start_soon(use)
        await anyio.wait_all_tasks_blocked()
        assert steps == []
        head.set()
        await anyio.wait_all_tasks_blocked()
        assert steps == ["head", b"a"]
        middle.set()
    assert steps == ["head", b"a", b"b"]


async def test_a_gate_that_outlasts_the_read_limit_is_a_timeout():
    never = anyio.Event()
    transport = FakeTransport(Answer(wait=never), Answer(pieces=[b"a", never]))
    with pytest.raises(TransportFailure, match="nothing arrived within") as caught:
        await transport.send(request(read=0.0))
    assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "head", "all")
    response = await transport.send(request())
    assert await response.receive() == b"a"
    with pytest.raises(TransportFailure) as caught:
        await response.receive(timeout=0.0)
    assert (caught.value.kind, caught.value.phase, caught.value.received) == ("timeout", "body", 1)
    assert transport.open_responses == 0


async def test_cancelling_a_read_closes_the_response():
    transport = FakeTransport(Answer(pieces=[anyio.Event()]))
    response = await transport.send(request())
    with anyio.move_on_after(0):
        await response.receive()
    assert not response.complete
    assert transport.open_responses == 0


async def test_read_refuses_a_body_over_its_limit():
    transport = FakeTransport(Answer(pieces=[b"abc", b"def"]), Answer(content=b"abc"))
    response = await transport.send(request())
    with pytest.raises(TransportFailure) as caught:
        await response.read(5)
    assert caught.value.kind == "too_large"
    assert transport.open_responses == 0
    assert await (await transport.send(request())).read(3) == b"abc"


async def test_drain_says_whether_the_end_was_reached():
    never = anyio.Event()
    cut = TransportFailure("cut", kind="lost", phase="body")
    transport = FakeTransport(
        Answer(content=b"abc"), Answer(content=b"abc"), Answer(pieces=[b"a", never]), Answer(pieces=[b"a", cut])
    )
    responses = [await transport.send(request()) for _ in range(4)]
    assert [await responses[0].drain(3, 5), await responses[1].drain(2, 5)] == [True, False]
    assert [await responses[2].drain(3, 0), await responses[3].drain(3, 5)] == [False, False]
    assert transport.open_responses == 0


async def test_aclose_of_a_response_is_repeatable_and_loses_the_rest():
    transport = FakeTransport(Answer(content=b"abc"))
    response = await transport.send(request())
    await response.aclose()
    await response.aclose()
    response.abandon()
    assert not response.complete
    assert transport.open_responses == 0


async def test_a_closed_transport_refuses_requests():
    transport = FakeTransport(Answer())
    await transport.aclose()
    await transport.aclose()
    with pytest.raises(TransportFailure) as caught:
        await transport.send(request())
    assert caught.value.kind == "closed"
    assert transport.requests == []


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_that_have_no_body_give_none(method: str, status: int):
    transport = FakeTransport(Answer(status, content=b"x"))
    response = await transport.send(request(method))
    assert response.complete
    assert await response.receive() == b""


async def test_error_answers_have_the_apis_error_shape():
    transport = FakeTransport(Answer.error(429, "Slow down.", code="rate_limit_exceeded", headers={"retry-after": "1"}))
    response = await transport.send(request())
    assert response.status == 429
    assert (b"retry-after", b"1") in response.headers
    assert msgspec.json.decode(await body_of(response)) == {
        "error": {
            "message": "Slow down.",
            "type": "invalid_request_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }


@given(pieces=st.lists(st.binary(max_size=20), max_size=8), cut=st.integers(1, 8))
def test_reading_in_any_steps_gives_the_scripted_bytes(pieces: list[bytes], cut: int):
    async def run() -> None:
        response = FakeResponse(Answer(pieces=pieces), request(), "req")
        got: list[bytes] = []
        while piece := await response.receive(cut):
            assert len(piece) <= cut
            got.append(piece)
        assert b"".join(got) == b"".join(pieces)
        assert response.received == len(b"".join(pieces))

    anyio.run(run)


def test_the_door_loads_names_on_first_use_and_refuses_others():
    import anyopenai.testing as door
    from anyopenai.testing import faults

    assert set(door.__all__) <= set(dir(door))
    for name in door.__all__:
        assert getattr(door, name) is not None
    assert set(faults.__all__) <= set(door.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = door.nothing


def test_a_fake_transport_needs_no_server_extra():
    code = (
        "import sys; sys.modules['hypercorn'] = None; import anyopenai.testing; assert 'anyio' not in sys.modules;"
        "from anyopenai.testing import Answer, FakeTransport, StandIn"
    )
    source = str(Path(__file__).parents[2] / "src")
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": source}, check=True)
