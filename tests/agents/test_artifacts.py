"""The files that one turn made: found by path, read and written; only its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from agents.speaking import HELLO, SESSION, Scene
from anyopenai import DeadlineExceeded
from anyopenai.testing import Answer
from anyopenai.transport import TransportFailure


def artifact(id: str, path: str = "/workspace/a.txt", turn: str = "turn_1") -> dict[str, Any]:
    return {
        "id": id,
        "created_at": 1,
        "environment_id": "env",
        "object": "agent.session.artifact",
        "path": path,
        "session_id": SESSION,
        "size_bytes": 3,
        "turn_id": turn,
    }


async def artifacts_of(*pages: list[dict[str, Any]], content: Answer | None = None) -> tuple[Scene, Any]:
    scene = Scene(HELLO)
    listed = [
        Answer(
            json={
                "object": "list",
                "data": page,
                "has_more": number < len(pages),
                "last_id": page[-1]["id"] if page else None,
            }
        )
        for number, page in enumerate(pages, start=1)
    ]
    scene.transport.route("GET", f"/agents/sessions/{SESSION}/artifacts", *listed)
    scene.transport.route("GET", "/artifacts/*/content", content or Answer(content=b"abc"))
    async with scene.stream() as stream:
        result = await stream.get_final_result()
    scene.transport.requests.clear()
    return scene, scene.sessions.artifacts.for_result(result)


async def test_a_file_is_found_by_turn_and_path_on_any_page() -> None:
    scene, found = await artifacts_of(
        [artifact("other"), artifact("a", "/workspace/b.txt")][1:], [artifact("old", turn="turn_0"), artifact("a1")]
    )
    answer = await found.content("/workspace/a.txt", extra_headers={"X-A": "1"})
    assert answer.content == b"abc"
    assert scene.transport.requests[-1].path.endswith("/artifacts/a1/content")
    assert {one.headers["x-a"] for one in scene.transport.requests} == {"1"}
    assert len(scene.transport.requests) == 3


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([[]], "made no file at '/workspace/a.txt'"),
        ([[artifact("a", turn="turn_0"), artifact("b", "/workspace/b.txt")]], "made no file"),
        ([[artifact("a")], [artifact("b")]], "made several files"),
    ],
)
async def test_none_and_several_are_refused(pages: list[Any], words: str) -> None:
    scene, found = await artifacts_of(*pages)
    with pytest.raises(ValueError, match=words):
        await found.content("/workspace/a.txt")
    assert len(scene.transport.requests) == len(pages)


async def test_a_download_is_complete_or_as_it_was(tmp_path: Path) -> None:
    to = tmp_path / "a.txt"
    _, found = await artifacts_of([artifact("a1")])
    about = await found.download("/workspace/a.txt", to=to)
    assert (about.id, to.read_bytes()) == ("a1", b"abc")
    lost = TransportFailure("reset", kind="lost", phase="body", sent="all")
    scene, found = await artifacts_of([artifact("a1")], content=Answer(pieces=[b"ne", lost]))
    with pytest.raises(Exception, match="reset"):
        await found.download("/workspace/a.txt", to=to)
    assert [path.name async for path in anyio.Path(tmp_path).iterdir()] == ["a.txt"]
    assert to.read_bytes() == b"abc"
    assert scene.transport.open_responses == 0


async def test_a_file_that_cannot_be_written_is_the_caller_s_error(tmp_path: Path) -> None:
    _, found = await artifacts_of([artifact("a1")])
    with pytest.raises(OSError, match="nowhere"):
        await found.download("/workspace/a.txt", to=tmp_path / "nowhere" / "a.txt")


async def test_a_deadline_bounds_both_requests() -> None:
    _, found = await artifacts_of([artifact("a1")])
    with pytest.raises(DeadlineExceeded):
        await found.content("/workspace/a.txt", deadline=0)


def test_the_raw_view_finds_no_files() -> None:
    with pytest.raises(TypeError, match="raw view"):
        Scene().sessions.artifacts.with_raw_response.for_result(None)
