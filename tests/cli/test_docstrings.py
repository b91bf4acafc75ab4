"""The demo's input."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from anyio import create_task_group

from anyopenai.cli.docstrings import MAX_CHARACTERS, SKIPPED, collect


async def test_several_thousand_public_docstrings_are_found_each_once(capfd: pytest.CaptureFixture[str]) -> None:
    items = await collect()
    assert len(items) > 3000
    assert max(Counter(item.text for item in items).values()) == 1
    assert all(0 < len(item.text) <= MAX_CHARACTERS and item.text == item.text.strip() for item in items)
    by_name = {item.id: item.text for item in items}
    assert by_name["shutil.copyfile"].startswith("Copy data from src to dst")
    assert by_name["asyncio.run"].startswith("Execute the coroutine")
    assert by_name["math.sin"].startswith("Return the sine of x")
    assert by_name["textwrap.TextWrapper.fill"].startswith("fill(text : string) -> string")
    assert not any(part.startswith("_") for name in by_name for part in str(name).split("."))
    # Nothing printed, nothing warned of (warnings are errors here), nothing with side effects imported.
    assert capfd.readouterr() == ("", "")
    assert not {"antigravity", "this", "turtle", "idlelib.idle", "rlcompleter"} & sys.modules.keys()
    assert {"antigravity", "this", "turtle", "idlelib", "rlcompleter"} <= SKIPPED


async def test_collecting_can_be_cancelled() -> None:
    async with create_task_group() as tasks:
        tasks.start_soon(collect)
        tasks.cancel_scope.cancel()
