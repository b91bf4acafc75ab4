"""Every generated method over a real socket, against a mock server that checks requests against the API's description."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from anyopenai import APIStatusError, BinaryResponse, OpenAI
from anyopenai.transport.base import WireRequest, WireResponse
from anyopenai_codegen import facts as tables
from anyopenai_codegen.description import load_document
from generated import mock
from generated.document import Document
from generated.facts import METHODS, method_of
from generated.requests import Request, requests_for

OFFICIAL = os.environ.get("ANYOPENAI_DESCRIPTION", "")
PROGRAM = mock.command()

pytestmark = [
    pytest.mark.skipif(not OFFICIAL, reason="ANYOPENAI_DESCRIPTION names no official description of the API"),
    pytest.mark.skipif(PROGRAM is None, reason="no mock server: neither ANYOPENAI_MOCK nor `steady` (npm: @stdy/cli)"),
    pytest.mark.skipif(os.name != "posix", reason="the mock server is run by a shell"),
    # What the API is about to drop is called like everything else.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

each_method = pytest.mark.parametrize(("dotted", "facts"), METHODS.items(), ids=list(METHODS))


@dataclass
class Wire:
    """Middleware that notes the last request, and what the mock server says of it.

    Attributes:
        request: What was sent.
        complaints: What is wrong with it.
        place: Verb and path that the mock server took it for.
    """

    request: WireRequest = field(init=False)
    complaints: list[str] = field(init=False)
    place: tuple[str, str] = field(init=False)

    async def __call__(
        self, request: WireRequest, call_next: Callable[[WireRequest], Awaitable[WireResponse]]
    ) -> WireResponse:
        response = await call_next(request)
        head = {name.decode().removeprefix("x-steady-"): value.decode() for name, value in response.headers}
        numbers = range(1, int(head["error-count"]) + 1)
        self.request = request
        self.complaints = [" ".join(head[f"error-{n}-{what}"] for what in ("code", "path", "message")) for n in numbers]
        self.place = (request.method, head.get("matched-path", ""))
        return response


@dataclass
class Api:
    """The running mock server and what it knows."""

    url: str
    document: Document

    def client(self, wire: Wire) -> OpenAI:
        return OpenAI(
            api_key="sk-user",
            admin_api_key="sk-admin",
            base_url=self.url,
            max_retries=0,
            middleware=[wire],
            _strict_response_validation=True,
        )


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    assert PROGRAM is not None
    document = Document(load_document(Path(OFFICIAL)), tables.load())
    with mock.running(PROGRAM, document.whole, tmp_path_factory.mktemp("mock")) as url:
        yield Api(url, document)


async def _answered(client: OpenAI, dotted: str, request: Request) -> Any:
    """Call a method; of a stream, give its events."""
    answer = method_of(client, dotted)(*request.path, **request.keywords)
    if inspect.isawaitable(answer):
        answer = await answer
    return [event async for event in answer] if hasattr(answer, "__anext__") else answer


def _is_declared(answer: Any, facts: dict[str, Any], request: Request) -> bool:
    """Tell whether an answer is of the declared kind; that JSON fits its type, the strict client has made sure of."""
    if facts.get("always_streams") or request.keywords.get("stream"):
        return bool(answer)
    if "page" in facts:
        return type(answer).__name__ == facts["page"] and len(answer.data) > 0
    match facts.get("returns"):
        case None:
            return answer is None
        case "binary":
            return isinstance(answer, BinaryResponse) and len(answer.content) > 0
        case "str":
            return isinstance(answer, str) and len(answer) > 0
        case _:
            return answer is not None


@each_method
async def test_the_description_allows_every_request_and_the_answer_has_its_type(
    dotted: str, facts: dict[str, Any], api: Api
) -> None:
    wire = Wire()
    async with api.client(wire) as client:
        for request in requests_for(dotted, facts, api.document):
            try:
                answer = await _answered(client, dotted, request)
            except APIStatusError as error:
                answer = error
            assert not wire.complaints, f"{request.form}: {'; '.join(wire.complaints)}"
            assert wire.place == api.document.place(dotted), request.form
            sent = {name.decode(): value.decode() for name, value in wire.request.headers}
            assert request.headers.items() <= sent.items(), request.form
            assert _is_declared(answer, facts, request), (request.form, answer)


@each_method
async def test_raw_and_streamed_answers_are_of_the_same_request(dotted: str, facts: dict[str, Any], api: Api) -> None:
    wire = Wire()
    request = next(requests_for(dotted, facts, api.document))
    namespace, _, name = dotted.rpartition(".")
    async with api.client(wire) as client:
        raw = await method_of(client, f"{namespace}.with_raw_response.{name}")(*request.path, **request.keywords)
        await raw.close()
        assert (wire.complaints, wire.place) == ([], api.document.place(dotted))
        streamed = method_of(client, f"{namespace}.with_streaming_response.{name}")
        async with streamed(*request.path, **request.keywords) as response:
            await response.read()
        assert (wire.complaints, wire.place) == ([], api.document.place(dotted))


WRONG: dict[str, tuple[Callable[[OpenAI], Awaitable[object]], str]] = {
    "a path that there is not": (lambda client: client.get("/embedding", cast_to=object), "E2001"),
    "a verb that there is not": (lambda client: client.get("/embeddings", cast_to=object), "E2002"),
    "a header left out": (lambda client: client.get("/assistants", cast_to=object), "E3004"),
    "a member left out": (lambda client: client.post("/embeddings", cast_to=object, body={"model": "m"}), "E3007"),
    "a member that there is not": (
        lambda client: client.embeddings.create(model="m", input="i", extra_body={"colour": "red"}),
        "E3009",
    ),
    "a member of another type": (
        lambda client: client.embeddings.create(model="m", input="i", extra_body={"dimensions": "many"}),
        "E3008",
    ),
    "a value in a form that there is not": (
        lambda client: client.files.create(file=b"f", purpose="assistants", extra_body={"purpose": "fun"}),
        "E3016",
    ),
    "fields of a form where a part of it is JSON": (
        lambda client: client.realtime.calls.create(sdp="v=0", extra_body={"session[type]": "realtime"}),
        "E3008",
    ),
    "a body of another media type": (
        lambda client: client.post("/realtime/calls", cast_to=object, content=b'{"sdp":"v=0"}'),
        "E3006",
    ),
    "a list without brackets in a query": (
        lambda client: client.responses.retrieve("r", extra_query={"include": "message.output_text.logprobs"}),
        "E3015",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_the_mock_server_notices(wrong: str, api: Api) -> None:
    """What the tests above rest on."""
    call, code = WRONG[wrong]
    wire = Wire()
    async with api.client(wire) as client:
        with suppress(APIStatusError):
            await call(client)
    assert [complaint.partition(" ")[0] for complaint in wire.complaints] == [code]
