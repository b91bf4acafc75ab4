"""Files: upload, list, retrieve, content, delete."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from anyopenai.testing import StandIn
from testing.asgi import FORM, Reply, ask, form, upload


async def post(app: StandIn, body: bytes | Sequence[bytes]) -> Reply:
    return await ask(app, "POST", "/v1/files", body=body, headers=FORM)


async def test_a_file_comes_back_as_it_was_sent():
    app = StandIn()
    content = bytes(range(256)) * 1000
    made = await upload(app, content, filename="nä %22me%22.bin", purpose="user_data")
    assert (made["object"], made["bytes"], made["purpose"]) == ("file", 256000, "user_data")
    assert made["filename"] == 'nä "me".bin'
    assert (await ask(app, "GET", f"/v1/files/{made['id']}")).json() == made
    reply = await ask(app, "GET", f"/v1/files/{made['id']}/content")
    assert reply.body == content
    assert reply.headers["content-type"] == "application/octet-stream"
    assert max(map(len, reply.pieces)) <= 65536


async def test_an_upload_in_small_pieces_is_the_same():
    body = form(b"x" * 5000, purpose="batch")
    reply = await post(StandIn(), [body[start : start + 7] for start in range(0, len(body), 7)])
    assert reply.json()["bytes"] == 5000


async def test_an_empty_file_is_a_file():
    app = StandIn()
    made = await upload(app, b"")
    assert made["bytes"] == 0
    assert (await ask(app, "GET", f"/v1/files/{made['id']}/content")).body == b""


async def test_the_list_has_pages_newest_first_and_a_filter():
    app = StandIn()
    ids = [(await upload(app, purpose=purpose))["id"] for purpose in ("batch", "user_data", "batch")]
    page = (await ask(app, "GET", "/v1/files", query="limit=2")).json()
    assert [row["id"] for row in page["data"]] == [ids[2], ids[1]]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ids[2], ids[1], True)
    page = (await ask(app, "GET", "/v1/files", query=f"limit=2&after={ids[1]}")).json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == ([ids[0]], False)
    page = (await ask(app, "GET", "/v1/files", query="purpose=user_data&order=asc")).json()
    assert [row["id"] for row in page["data"]] == [ids[1]]


async def test_a_deleted_file_is_gone():
    app = StandIn()
    made = await upload(app)
    path = f"/v1/files/{made['id']}"
    assert (await ask(app, "DELETE", path)).json() == {"id": made["id"], "object": "file", "deleted": True}
    assert [(await ask(app, method, path)).status for method in ("GET", "DELETE")] == [404, 404]
    assert (await ask(app, "GET", f"{path}/content")).status == 404


async def test_a_file_expires_when_its_time_is_over():
    now = 1000.0
    app = StandIn(now=lambda: now)
    made = await upload(app, **{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"})
    assert (made["created_at"], made["expires_at"]) == (1000, 4600)
    now = 4599.0
    assert (await ask(app, "GET", f"/v1/files/{made['id']}")).status == 200
    now = 4600.0
    assert (await ask(app, "GET", f"/v1/files/{made['id']}")).status == 404
    assert (await ask(app, "GET", "/v1/files")).json()["data"] == []


async def test_the_room_for_files_is_bounded_and_deleting_makes_room():
    app = StandIn(max_file_bytes=1000)
    made = await upload(app, b"x" * 600)
    reply = await post(app, [form(b"y" * 600, purpose="batch")[start : start + 50] for start in range(0, 900, 50)])
    assert (reply.status, reply.error["code"]) == (413, "file_too_large")
    await ask(app, "DELETE", f"/v1/files/{made['id']}")
    assert (await upload(app, b"y" * 600))["bytes"] == 600


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (form(b"x"), "purpose"),
        (form(b"x", purpose="fun"), "purpose"),
        (b'--XX\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--XX--', "file"),
        (b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\nno name\r\n--XX--', "file"),
        (form(b"x", purpose="batch", **{"expires_after[seconds]": "60"}), "expires_after.seconds"),
        (form(b"x", purpose="batch", **{"expires_after[seconds]": "soon"}), "expires_after.seconds"),
        (b"--XX", None),
    ],
)
async def test_bad_forms_are_400(body: bytes, param: str | None):
    reply = await post(StandIn(), body)
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_a_json_upload_is_400():
    reply = await ask(StandIn(), "POST", "/v1/files", {"file": "x"})
    assert (reply.status, reply.error["code"]) == (400, "invalid_multipart")
