"""Forms whose members have a media type each: a part of JSON, a part of SDP, and SDP that is the whole body."""

from __future__ import annotations

import json as std_json
from typing import Any

import pytest

from anyopenai import OpenAI, omit
from anyopenai._contract import Operation
from anyopenai.types.realtime.session_update_event import RealtimeSessionCreateRequestGA
from behaviour.forms import parts_of
from behaviour.server import Server, error, whole

OFFER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=é\r\n"
SESSION: Any = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Say é.",
    "output_modalities": ("audio",),
    "audio": {"output": {"voice": "marin", "speed": 1.5}},
    "parallel_tool_calls": True,
    "tracing": None,
}


@pytest.fixture(autouse=True)
def answered(server: Server) -> None:
    """Every call is answered."""
    server.script(whole(b"v=0\r\n", headers={"Content-Type": "application/sdp"}))


async def form(client: OpenAI, *, extra: object = None, alone: str | None = None, **members: object) -> None:
    """Send a form that a method might have, of files, fields and typed parts."""
    operation: Operation[Any] = Operation(
        name="test.form",
        verb="POST",
        path="/form",
        returns=bytes,
        answer="binary",
        body="multipart",
        files=("file",),
        parts=(("settings", "application/json"), ("note", "text/markdown")),
        alone=alone,
    )
    await client._caller.call(operation, body=members, options={"extra_body": extra})


async def test_a_call_with_a_session_is_a_form_of_sdp_and_json(server: Server, client: OpenAI) -> None:
    answer = await client.realtime.calls.create(sdp=OFFER, session=SESSION)
    assert answer.text == "v=0\r\n"
    offer, session = parts_of(server.last)
    assert (offer.name, offer.filename, offer.headers["content-type"]) == ("sdp", None, "application/sdp")
    assert offer.content == OFFER.encode()
    assert (session.name, session.filename, session.headers["content-type"]) == ("session", None, "application/json")
    assert std_json.loads(session.content) == {**SESSION, "output_modalities": ["audio"]}
    assert server.last["accept"] == "application/sdp"
    assert server.last["content-length"] == str(len(server.last.body))


async def test_an_offer_alone_is_the_body(server: Server, client: OpenAI) -> None:
    await client.realtime.calls.create(sdp=OFFER)
    assert server.last["content-type"] == "application/sdp"
    assert server.last.body == OFFER.encode()
    await client.realtime.calls.create(sdp=OFFER, session=omit)
    assert server.last.body == OFFER.encode()


async def test_a_repeated_call_is_the_same(server: Server, client: OpenAI) -> None:
    answer = whole(b"v=0\r\n", headers={"Content-Type": "application/sdp"})
    for arguments in ({}, {"session": SESSION}):
        server.script(error(500, headers={"Retry-After-Ms": "1"}), answer)
        before = len(server.requests)
        await client.with_options(max_retries=1).realtime.calls.create(sdp=OFFER, **arguments)
        first, again = server.requests[before:]
        assert first["content-type"] == again["content-type"]
        assert first.body == again.body


async def test_a_struct_and_what_extra_body_has_are_json_too(server: Server, client: OpenAI) -> None:
    session = RealtimeSessionCreateRequestGA(model="gpt-realtime", instructions="Hello.")
    await client.realtime.calls.create(sdp=OFFER, session=session)
    _, part = parts_of(server.last)
    assert std_json.loads(part.content) == {"type": "realtime", "model": "gpt-realtime", "instructions": "Hello."}
    await client.realtime.calls.create(sdp=OFFER, extra_body={"session": {"type": "of_next_year"}, "more": {"a": 1}})
    parts = {part.name: part for part in parts_of(server.last)}
    assert std_json.loads(parts["session"].content) == {"type": "of_next_year"}
    assert (parts["more[a]"].text, parts["more[a]"].headers["content-type"]) == ("1", None)
    assert parts["sdp"].headers["content-type"] == "application/sdp"


async def test_typed_parts_stand_beside_fields_and_files(server: Server, client: OpenAI) -> None:
    await form(client, settings=[1, {"a": "b"}], note=b"# Title", plain={"a": True}, file=("f.png", b"\x00"))
    parts = {part.name: (part.headers["content-type"], part.content) for part in parts_of(server.last)}
    assert parts == {
        "plain[a]": (None, b"true"),
        "settings": ("application/json", b'[1,{"a":"b"}]'),
        "note": ("text/markdown", b"# Title"),
        "file": ("image/png", b"\x00"),
    }


async def test_none_and_omit_send_no_part(server: Server, client: OpenAI) -> None:
    await form(client, settings=None, note=omit, plain="x")
    assert [part.name for part in parts_of(server.last)] == ["plain"]


async def test_a_lone_member_is_the_body_only_where_the_api_takes_that(server: Server, client: OpenAI) -> None:
    await form(client, settings={"a": 1})
    assert [part.name for part in parts_of(server.last)] == ["settings"]
    await form(client, settings={"a": 1}, alone="settings")
    assert (server.last["content-type"], server.last.body) == ("application/json", b'{"a":1}')


@pytest.mark.parametrize(
    ("members", "refusal", "says"),
    [
        ({"note": 3}, TypeError, r"note= of test\.form\(\) is sent as text/markdown: give text or bytes, not int"),
        ({"note": "\ud83d"}, ValueError, r"note= of test\.form\(\) holds text that is not valid Unicode"),
        ({"settings": {"a": float("nan")}}, ValueError, "finite"),
        ({"settings": object()}, TypeError, "object"),
        ({"plain": "\ud83d"}, ValueError, "'plain' holds text that is not valid Unicode"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is(
    server: Server, client: OpenAI, members: dict[str, object], refusal: type[Exception], says: str
) -> None:
    with pytest.raises(refusal, match=says):
        await form(client, **members)
    assert server.requests == []
