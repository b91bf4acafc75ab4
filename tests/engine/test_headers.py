"""Header fields: who beats whom, what is refused, and where secrets go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import omit
from anyopenai._contract import Operation
from anyopenai._engine.settings import header_field
from anyopenai.testing import Answer
from engine.support import KEY, PROMPT, STREAM, client_over, ok


@given(st.text(max_size=30))
def test_a_field_is_sent_as_one_field_or_refused(value: str) -> None:
    try:
        name, sent = header_field("x-any", value)
    except ValueError:
        assert any(char in value for char in "\r\n\0") or any("\ud800" <= char <= "\udfff" for char in value)
        return
    assert name == b"x-any"
    assert not set(sent) & {0, 10, 13}
    assert sent.decode() == value.strip(" \t")


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\ny", "ü"])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    client, transport = client_over()
    with pytest.raises(ValueError, match="no name for a header"):
        await client.models.retrieve("m", extra_headers={name: "v"})
    assert transport.requests == []


async def test_a_secret_value_with_a_line_break_is_not_shown() -> None:
    client, _ = client_over()
    with pytest.raises(ValueError, match="line break") as caught:
        await client.models.retrieve("m", extra_headers={"x-token": "secret\n"})
    assert "secret" not in str(caught.value)


async def test_values_that_are_no_text_are_refused_with_their_name() -> None:
    client, _ = client_over()
    with pytest.raises(TypeError, match="'x-count' must be text"):
        await client.models.retrieve("m", extra_headers={"X-Count": 3})


async def test_later_headers_beat_earlier_ones_whatever_their_case() -> None:
    operation: Operation[object] = Operation(
        name="x.y", verb="POST", path="/x", returns=object, body="json", headers=(("OpenAI-Beta", "fixed"),)
    )
    client, transport = client_over(
        ok(), ok(), default_headers={"openai-beta": "default", "X-A": "default", "User-Agent": "mine", "X-Gone": "1"}
    )
    await client._caller.call(
        operation,
        headers={"x-a": "method"},
        options={"extra_headers": {"X-a": "call", "x-gone": omit, "ACCEPT": "text/x"}},
    )
    sent = transport.requests[0].headers
    assert sent["openai-beta"] == "fixed"
    assert (sent["x-a"], sent["user-agent"], sent["accept"]) == ("call", "mine", "text/x")
    assert "x-gone" not in sent
    assert len({name.lower() for name, _ in sent.raw}) == len(sent.raw)


async def test_defaults_of_the_package_can_be_left_out_by_the_client() -> None:
    client, transport = client_over(
        ok({"id": "f"}), default_headers={"User-Agent": omit, "Authorization": omit, "Idempotency-Key": omit}
    )
    await client.post("/x", cast_to=object, body={})
    for name in ("user-agent", "authorization", "idempotency-key"):
        assert name not in transport.requests[0].headers


async def test_an_authorization_of_the_callers_own_is_the_only_one() -> None:
    client, transport = client_over(ok(), ok())
    await client.models.retrieve("m", extra_headers={"authorization": "Basic x"})
    assert transport.requests[0].headers.get_list("authorization") == ["Basic x"]
    await client.with_options(default_headers={"Authorization": "Basic y"}).models.retrieve("m")
    assert transport.requests[1].headers.get_list("authorization") == ["Basic y"]


async def test_a_key_under_another_name_goes_beside_the_clients() -> None:
    client, transport = client_over(ok(), default_headers={"x-portkey-api-key": "gateway"})
    await client.models.retrieve("m")
    assert transport.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert transport.requests[0].headers["x-portkey-api-key"] == "gateway"


async def test_each_kind_of_answer_is_asked_for_by_name() -> None:
    client, transport = client_over(ok(), Answer(events=STREAM), Answer(content=b"x"))
    await client.models.retrieve("m")
    async with await client.chat.completions.create(**PROMPT, stream=True):
        pass
    await client.files.content("f")
    kinds = [request.headers["accept"] for request in transport.requests]
    assert kinds[0] == "application/json"
    assert kinds[1].startswith("text/event-stream")
    assert kinds[2] == "application/binary"


async def test_an_idempotency_key_is_for_posts_and_gives_way_to_the_callers() -> None:
    client, transport = client_over(ok({}), ok(), ok({}), ok({}))
    await client.post("/x", cast_to=object, body={})
    await client.models.retrieve("m")
    await client.post("/x", cast_to=object, body={}, options={"idempotency_key": "mine"})
    await client.post("/x", cast_to=object, body={}, options={"headers": {"Idempotency-Key": "header"}})
    keys = [request.headers.get("idempotency-key") for request in transport.requests]
    assert keys[0] is not None
    assert keys[0].startswith("anyopenai-")
    assert keys[1:] == [None, "mine", "header"]
