"""Where requests go: ids in paths, the base URL, absolute URLs, and redirects."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from anyopenai import APIConnectionError, APIStatusError, OpenAI
from behaviour.answers import MODEL, PROMPT, chat, delta, file
from behaviour.clients import KEY, client_for
from behaviour.server import Reply, Server, events, head, json, whole


@pytest.mark.parametrize(
    "id", ["a/b", "a?b=c", "a#b", "a%2Fb", "a b", "é世", "..a", "a..", ":", "ft:m:org::1", "a&b=c;d"]
)
async def test_an_id_is_one_segment_of_the_path(server: Server, client: OpenAI, id: str) -> None:
    server.script(json(MODEL))
    await client.models.retrieve(id)
    prefix, segment = server.last.target.rsplit("/", 1)
    assert prefix == "/v1/models"
    assert unquote(segment) == id
    assert not set(segment) & set("?# ")


async def test_two_ids_in_one_path_are_escaped_separately(server: Server, client: OpenAI) -> None:
    answer = {"id": "x", "object": "list", "data": [], "has_more": False}
    server.script(json(answer))
    await client.chat.completions.messages.list("a/b")
    assert server.last.path == "/v1/chat/completions/a%2Fb/messages"


@pytest.mark.parametrize("id", [".", "..", "%2e", "%2E%2e", ".%2e"])
async def test_a_dot_segment_as_an_id_is_refused(server: Server, client: OpenAI, id: str) -> None:
    # An escaped dot that is escaped again is no dot segment, so it may also be sent so.
    server.script(json(MODEL))
    if "%" in id:
        try:
            await client.models.retrieve(id)
        except ValueError:
            return
        assert unquote(server.last.target.rsplit("/", 1)[1]) == id
        return
    with pytest.raises(ValueError, match=r"'\.+'"):
        await client.models.retrieve(id)
    assert server.requests == []


async def test_an_empty_id_is_refused_with_its_name(server: Server, client: OpenAI) -> None:
    with pytest.raises(ValueError, match="model"):
        await client.models.retrieve("")
    with pytest.raises(ValueError, match="file_id"):
        await client.files.content("")
    with pytest.raises(ValueError, match="batch_id"):
        await client.batches.retrieve(None)
    assert server.requests == []


@pytest.mark.parametrize("suffix", ["/v1", "/v1/", "/api/openai/v1", "/api/openai/v1/", "", "/"])
async def test_a_base_url_keeps_its_path_with_and_without_a_slash(server: Server, suffix: str) -> None:
    server.script(json(MODEL))
    async with client_for(server, base_url=f"{server.url}{suffix}") as client:
        await client.models.retrieve("m")
    assert server.last.target == f"{suffix.rstrip('/')}/models/m"
    assert server.last["host"] == server.url.removeprefix("http://")


async def test_the_base_url_can_be_set_on_a_living_client(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL))
    await client.models.retrieve("m")
    client.base_url = f"{server.url}/other"
    await client.models.retrieve("m")
    assert [request.target for request in server.requests] == ["/v1/models/m", "/other/models/m"]
    assert str(client.base_url) == f"{server.url}/other/"


async def test_an_absolute_url_is_used_as_it_is(server: Server, client: OpenAI) -> None:
    server.script(json({"ok": True}))
    assert await client.get(f"{server.url}/elsewhere/x?y=1", cast_to=object) == {"ok": True}
    assert server.last.target == "/elsewhere/x?y=1"
    assert server.last["authorization"] == f"Bearer {KEY}"


async def test_an_absolute_url_of_another_origin_gets_no_key(server: Server, client: OpenAI) -> None:
    async with Server().running() as other:
        other.script(json({"ok": True}))
        assert await client.get(f"{other.url}/x", cast_to=object) == {"ok": True}
        assert KEY.encode() not in other.last.raw


# Redirects.


def redirect(status: int, location: str) -> Reply:
    return whole(b"moved", status, {"location": location})


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
async def test_a_redirect_that_keeps_the_verb_repeats_body_and_key(
    server: Server, client: OpenAI, status: int, absolute: bool
) -> None:
    server.script(redirect(status, f"{server.url if absolute else ''}/v2/chat"), json(chat()))
    await client.chat.completions.create(**PROMPT)
    first, second = server.requests
    assert (second.method, second.target) == ("POST", "/v2/chat")
    assert second.body == first.body
    assert second["authorization"] == f"Bearer {KEY}"
    assert second["content-type"] == first["content-type"]


async def test_a_redirected_upload_repeats_its_file(server: Server, client: OpenAI) -> None:
    server.script(redirect(307, "/v2/files"), json(file()))
    await client.files.create(file=b"content of the file", purpose="assistants")
    assert server.last.target == "/v2/files"
    assert b"content of the file" in server.last.body


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_changes_the_verb_becomes_a_get(server: Server, client: OpenAI, status: int) -> None:
    server.script(redirect(status, "/v2/chat"), json(chat()))
    await client.chat.completions.create(**PROMPT)
    assert (server.last.method, server.last.target, server.last.body) == ("GET", "/v2/chat", b"")
    assert "content-type" not in server.last


async def test_a_redirected_stream_is_streamed(server: Server, client: OpenAI) -> None:
    server.script(redirect(307, "/v2/chat"), events(delta("a", "stop")))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["a"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_carries_no_secret(server: Server, status: int) -> None:
    secrets = {"X-Api-Key": "hidden-1", "X-Custom": "hidden-2", "Cookie": "hidden-3"}
    async with Server().running() as other, client_for(server, default_headers=secrets) as client:
        # Another port is another origin.
        server.script(redirect(status, f"{other.url}/take"))
        other.script(json(chat()))
        await client.chat.completions.create(
            **PROMPT, extra_headers={"Authorization": f"Bearer {KEY}", "X-Own": "hidden-4"}
        )
        assert KEY.encode() not in other.last.raw
        assert b"hidden" not in other.last.raw


async def test_secrets_come_back_when_a_redirect_comes_home(server: Server, client: OpenAI) -> None:
    async with Server().running() as other:
        server.script(redirect(307, f"{other.url}/take"), json(chat()))
        other.script(redirect(307, f"{server.url}/v1/home"))
        await client.chat.completions.create(**PROMPT)
    assert "authorization" not in other.last
    assert server.last.target == "/v1/home"


async def test_a_redirect_loop_ends_with_an_error(server: Server, client: OpenAI) -> None:
    server.script(redirect(307, "/v1/again"))
    with pytest.raises(APIConnectionError, match="redirect"):
        await client.models.retrieve("m")
    assert len(server.requests) < 100


@pytest.mark.parametrize("location", ["ftp://x/y", "http://", "javascript:alert(1)", "http://[bad/"])
async def test_a_redirect_that_leads_nowhere_raises(server: Server, client: OpenAI, location: str) -> None:
    server.script(redirect(307, location))
    with pytest.raises(APIConnectionError):
        await client.with_options(max_retries=0).models.retrieve("m")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed_when_the_call_says_so(server: Server, client: OpenAI, status: int) -> None:
    server.script(redirect(status, "/v2/models/m"))
    with pytest.raises(APIStatusError) as caught:
        await client.get("/models/m", cast_to=object, options={"follow_redirects": False})
    assert caught.value.status_code == status
    assert caught.value.response.headers["location"] == "/v2/models/m"
    with pytest.raises(APIStatusError):
        await client.models.retrieve("m", follow_redirects=False)
    assert len(server.requests) == 2


async def test_a_redirect_without_a_location_is_a_status_error(server: Server, client: OpenAI) -> None:
    server.script(Reply(head(302, {"content-length": "0"})))
    with pytest.raises(APIStatusError) as caught:
        await client.models.retrieve("m")
    assert caught.value.status_code == 302
