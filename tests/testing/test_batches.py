"""Batch records, which say that they do not run."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask, upload

BATCH = {"endpoint": "/v1/embeddings", "completion_window": "24h"}


async def create(app: StandIn, **members: object) -> Any:
    file = await upload(app)
    return (await ask(app, "POST", "/v1/batches", BATCH | {"input_file_id": file["id"]} | members)).json()


async def test_a_batch_is_recorded_and_says_that_it_does_not_run():
    app = StandIn(now=lambda: 1000.0)
    made = await create(app, metadata={"a": "b"})
    assert (made["object"], made["status"], made["metadata"]) == ("batch", "validating", {"a": "b"})
    assert (made["created_at"], made["expires_at"]) == (1000, 1000 + 86400)
    assert "does not run it" in made["errors"]["data"][0]["message"]
    assert (await ask(app, "GET", f"/v1/batches/{made['id']}")).json() == made


async def test_a_batch_can_be_cancelled_once():
    app = StandIn()
    made = await create(app)
    path = f"/v1/batches/{made['id']}/cancel"
    cancelled = (await ask(app, "POST", path)).json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["cancelled_at"] == cancelled["cancelling_at"] is not None
    assert (await ask(app, "POST", path)).status == 409


async def test_a_batch_expires_when_its_window_is_over():
    now = 1000.0
    app = StandIn(now=lambda: now)
    made = await create(app)
    now += 86400
    seen = (await ask(app, "GET", f"/v1/batches/{made['id']}")).json()
    assert (seen["status"], seen["expired_at"]) == ("expired", now)


async def test_the_list_has_pages_newest_first():
    app = StandIn()
    ids = [(await create(app))["id"] for _ in range(3)]
    page = (await ask(app, "GET", "/v1/batches", query="limit=2")).json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)


@pytest.mark.parametrize(
    ("members", "status", "param"),
    [
        ({"endpoint": "/v1/nothing"}, 400, "endpoint"),
        ({"endpoint": None}, 400, "endpoint"),
        ({"completion_window": "1h"}, 400, "completion_window"),
        ({"input_file_id": "file-x"}, 404, "id"),
        ({"input_file_id": None}, 400, "input_file_id"),
    ],
)
async def test_bad_members_are_blamed_by_name(members: dict[str, object], status: int, param: str):
    app = StandIn()
    file = await upload(app)
    reply = await ask(app, "POST", "/v1/batches", BATCH | {"input_file_id": file["id"]} | members)
    assert (reply.status, reply.error["param"]) == (status, param)


async def test_only_files_for_batches_are_taken():
    app = StandIn()
    file = await upload(app, purpose="user_data")
    reply = await ask(app, "POST", "/v1/batches", BATCH | {"input_file_id": file["id"]})
    assert (reply.status, reply.error["param"]) == (400, "input_file_id")
