"""Code in the documentation runs: Python against the embedded server, commands as far as their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import trustme

from anyopenai.cli.app import command
from anyopenai.testing import serve

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets() -> list[Snippet]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        found += [
            Snippet(page, text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in _FENCE.finditer(text)
        ]
    return found


SNIPPETS = snippets()
PYTHON = [snippet for snippet in SNIPPETS if snippet.language == "python"]
COMMANDS = [
    pytest.param(line, id=f"{snippet}: {line[:30]}")
    for snippet in SNIPPETS
    if snippet.language == "sh"
    for line in snippet.text.splitlines()
    if "anyopenai " in line and "pip install" not in line
]


def test_every_block_says_what_it_is() -> None:
    """A block without a language is neither run nor checked, so there is none."""
    assert {snippet.language for snippet in SNIPPETS} == {"python", "sh", "text"}
    for page in PAGES:
        assert page.read_text("utf-8").count("```") == 2 * sum(snippet.page == page for snippet in SNIPPETS)


@pytest.mark.parametrize("snippet", PYTHON, ids=str)
async def test_a_python_block_runs(snippet: Snippet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mains: list[Callable[[], Awaitable[None]]] = []

    def run(main: Callable[[], Awaitable[None]], backend: str = "asyncio") -> None:
        mains.append(main)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "vectors").mkdir()
    np.save("vectors/vectors.npy", np.zeros((1, 3), np.float32))
    (tmp_path / "vectors" / "items.jsonl").write_text('{"id": "a", "text": "b"}\n')
    ca = trustme.CA()
    leaf = ca.issue_cert("client.example")
    ca.cert_pem.write_to_path("company-ca.pem")
    leaf.cert_chain_pems[0].write_to_path("client.pem")
    leaf.private_key_pem.write_to_path("client.key")
    async with serve() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        monkeypatch.setattr(anyio, "run", run)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(snippet.text, str(snippet), "exec", dont_inherit=True), names)
        for main in mains:
            await main()
    assert bool(mains) == ("async def main" in snippet.text)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_takes_the_options_that_are_shown(line: str) -> None:
    words = shlex.split(line.split("|")[-1], comments=True)
    name, *arguments = words[words.index("anyopenai") + 1 :]
    subcommand = command.commands[name]
    subcommand.make_context(name, arguments)


def test_the_first_screen_of_the_readme_shows_the_two_commands() -> None:
    first_screen = (ROOT / "README.md").read_text("utf-8").splitlines()[:20]
    shown = "\n".join(first_screen)
    assert "python -m pip install tox && python -m tox run -e demo" in shown
    assert re.search(r"^python -m pip install tox && python -m tox run-parallel\s*(#.*)?$", shown, re.MULTILINE)
    assert "python3 -m venv" in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
