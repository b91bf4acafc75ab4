"""Every program in examples/ runs, on both event loops, against the embedded server."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from anyopenai.testing import StandIn, serve

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))

# What each prints at least once: an example that runs and shows nothing teaches nothing.
EXPECTED = {
    "agent_files": "written: <svg/>",
    "agent_session": "coat: True",
    "bounded_time": " models",
    "browser_toolset": "browser_click -> ",
    "company_client": "hook: 200 /v1/responses",
    "computer_toolset": "A dot and a line. There are 81 black pixels.",
    "decide_steps": "verified after 3 decisions",
    "embed_many": "200 vectors of 64 numbers",
    "forward_stream": "complete: True",
    "go_on_from_a_ledger": "called: 2 of 2",
    "handle_errors": "404 ",
    "list_files": '{"text": "hello"}',
    "merge_streams": "tokens in all: ",
    "resume_stream": "complete (every event was streamed)",
    "run_tools": "requests: 2",
    "search_texts": "Parse a date and time",
    "stream_chat": "\n",
    "stream_events": "done: ",
    "stream_response": "tokens: ",
    "stream_run": "In Oslo it is -3 degrees.\nrun: completed",
    "watch_requests": "trace: stream.end ",
    "stream_tools": "items for the next request: 6",
    "structured_answer": "event: Alice and Bob are - is invited to going - cheerful",
    "without_network": "\n",
}


def test_every_example_says_what_it_prints() -> None:
    assert {path.stem for path in EXAMPLES} == EXPECTED.keys()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_runs(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = StandIn(break_off_after=20 if path.stem == "resume_stream" else None)
    async with serve(app) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        await runpy.run_path(str(path))["main"]()
    assert EXPECTED[path.stem] in capsys.readouterr().out
