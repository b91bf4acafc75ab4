"""The demo's input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from anyio import create_task_group

import anyopenai
from anyopenai.cli.docstrings import MAX_CHARACTERS, collect


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
    assert capfd.readouterr() == ("", "")


PROGRAM = """
import sys, anyio
from anyopenai.cli.docstrings import collect
anyio.run(collect)
print({"antigravity", "idlelib", "readline", "rlcompleter", "this", "tkinter", "turtle"} & sys.modules.keys() or "none")
"""


def test_no_module_with_side_effects_is_imported() -> None:
    """Not even by another one: no browser is opened, no terminal is changed, nothing is printed or warned of."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(anyopenai.__file__).parents[1])},
    )
    assert (done.stdout, done.stderr) == ("none\n", "")


async def test_collecting_can_be_cancelled() -> None:
    async with create_task_group() as tasks:
        tasks.start_soon(collect)
        tasks.cancel_scope.cancel()
