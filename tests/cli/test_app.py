"""Whole commands, in this process, against the stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anyopenai._version import __version__

Run = Callable[..., Any]  # what conftest's `anyopenai` is

pytestmark = pytest.mark.usefixtures("env")


def jsonl(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_chat_streams_the_answer(anyopenai: Run) -> None:
    ended = anyopenai("chat", "Say hello.", "--model", "m", "--system", "Be brief.")
    assert ended.code == 0
    assert "Say hello." in ended.out
    assert ended.out.endswith("\n")
    assert ended.err == ""


def test_respond_streams_the_answer(anyopenai: Run) -> None:
    ended = anyopenai("respond", "Say hello.", "--system", "Be brief.")
    assert (ended.code, ended.err) == (0, "")
    assert "Say hello." in ended.out


@pytest.mark.parametrize("prompt", [[], ["-"]])
@pytest.mark.parametrize("name", ["chat", "respond"])
def test_a_piped_prompt_is_answered(anyopenai: Run, name: str, prompt: list[str]) -> None:
    ended = anyopenai(name, *prompt, stdin="Grüße aus\nder Röhre".encode())
    assert (ended.code, ended.err) == (0, "")
    assert "Grüße aus der Röhre" in ended.out


@pytest.mark.parametrize(
    ("stdin", "message"),
    [(b" \n", "Error: the prompt is empty"), (b"a\xff", "Error: standard input is not UTF-8: invalid start byte")],
)
def test_a_bad_piped_prompt_is_one_line(anyopenai: Run, stdin: bytes, message: str) -> None:
    ended = anyopenai("chat", stdin=stdin)
    assert ended.code == 1
    assert ended.err.startswith(message)
    assert ended.err.count("\n") == 1


def test_embed_writes_one_row_for_each_line(anyopenai: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"id": f"n{n}", "text": f"text {n}"}) + "\n" for n in range(10)))
    out = tmp_path / "out"
    options = ["--model", "text-embedding-3-small", "--batch-size", 3, "--concurrency", 2, "--dimensions", 16]
    ended = anyopenai("embed", source, *options, "--output", out)
    assert ended.code == 0
    assert f"{out / 'vectors.npy'}: 10 x 16 float32" in ended.out
    assert "Embedding: 10 items, " in ended.err
    assert "0 in flight, 0 retries" in ended.err
    vectors = np.load(out / "vectors.npy")
    assert (vectors.dtype, vectors.shape) == (np.float32, (10, 16))
    assert jsonl(out / "items.jsonl") == [{"id": f"n{n}", "text": f"text {n}"} for n in range(10)]

    # The same text has the same vector, wherever it stands.
    again = anyopenai("embed", "-", *options, "--output", tmp_path / "two", stdin=b"text 7\ntext 2\n")
    assert again.code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "two" / "vectors.npy"), vectors[[7, 2]])
    assert jsonl(tmp_path / "two" / "items.jsonl") == [{"id": 1, "text": "text 7"}, {"id": 2, "text": "text 2"}]


def test_embed_names_the_bad_line_and_leaves_no_file(anyopenai: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "a"}\n{"txt": "b"}\n')
    ended = anyopenai("embed", source, "--model", "m", "--output", tmp_path / "out")
    assert ended.code == 1
    assert f'Error: {source}, line 2: the object has neither "text" nor "input"\n' in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_embed_names_what_it_cannot_open(anyopenai: Run, tmp_path: Path) -> None:
    ended = anyopenai("embed", tmp_path / "none.txt", "--model", "m", "--output", tmp_path / "out")
    assert (ended.code, ended.err) == (1, f"Error: {tmp_path / 'none.txt'}: No such file or directory\n")
    (tmp_path / "in").write_text("a\n")
    (tmp_path / "file").touch()
    ended = anyopenai("embed", tmp_path / "in", "--model", "m", "--output", tmp_path / "file" / "out")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "Not a directory" in ended.err


def test_the_apis_own_error_is_one_line_with_its_request_id(anyopenai: Run, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\n")
    options = ["--model", "text-embedding-3-small", "--dimensions", 99999, "--output", tmp_path / "out"]
    ended = anyopenai("embed", tmp_path / "in", *options)
    assert ended.code == 1
    (line,) = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert line.startswith("Error: the API answered 400: ")
    assert "(request req_" in line
    assert "Traceback" not in ended.err


def test_debug_shows_the_traceback(anyopenai: Run) -> None:
    ended = anyopenai("chat", "hello", "--base-url", "http://127.0.0.1:9/v1", "--debug", stdin=b"")
    assert ended.code == 1
    assert "Traceback" in ended.err
    assert ended.err.splitlines()[-1].startswith("Error: ")


def test_a_server_that_is_not_there_is_one_line(anyopenai: Run) -> None:
    ended = anyopenai("chat", "hello", "--base-url", "http://127.0.0.1:9/v1")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "127.0.0.1:9" in ended.err
    assert ended.err.count("\n") == 1


def test_a_missing_key_is_one_line(anyopenai: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    ended = anyopenai("chat", "hello")
    assert ended.code == 1
    assert "OPENAI_API_KEY" in ended.err
    assert ended.err.count("\n") == 1


def test_another_server_needs_no_key(anyopenai: Run, server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert anyopenai("respond", "hello", "--base-url", server_url).code == 0


def test_the_version_is_told(anyopenai: Run) -> None:
    ended = anyopenai("--version", backend=False)
    assert ended.code == 0
    assert ended.out.startswith(f"anyopenai {__version__} (Python 3.")


@pytest.mark.parametrize("arguments", [["embed", "x"], ["chat", "--nope"], ["nope"], ["serve", "--port", "99999"]])
def test_wrong_usage_ends_with_2(anyopenai: Run, arguments: list[str]) -> None:
    ended = anyopenai(*arguments, backend=False)
    assert ended.code == 2
    assert "Error: " in ended.err


def test_the_demo_does_the_main_job(anyopenai: Run, no_server: None, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    ended = anyopenai("demo", "--output", out, "--limit", 200, "--dimensions", 64)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert np.load(out / "vectors.npy").shape == (200, 64)
    assert len(jsonl(out / "items.jsonl")) == 200
    for shown in (
        "200 docstrings",
        "a stand-in in this process",
        "Search:",
        "Chat completion:",
        "Response:",
        "Done in",
    ):
        assert shown in ended.out
    assert ended.out.count("no model computed it") == 2
    assert ended.out.count("Search:") == 3
    assert "\x1b" not in ended.out + ended.err


def test_a_key_alone_does_not_make_the_demo_leave_this_machine(
    anyopenai: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    ended = anyopenai("demo", "--output", tmp_path, "--limit", 5)
    assert ended.code == 0
    assert "127.0.0.1:9/" not in ended.out


@pytest.mark.parametrize("options", [["--base-url", "URL"], ["--live"]])
def test_the_demo_tells_its_size_before_it_uses_another_server(
    anyopenai: Run, server_url: str, options: list[str], tmp_path: Path
) -> None:
    words = [server_url if option == "URL" else option for option in options]
    ended = anyopenai("demo", "--output", tmp_path, "--limit", 5, *words)
    assert ended.code == 0
    assert ended.out.index("5 docstrings of the standard library, about ") < ended.out.index(server_url)
    assert "stand-in in this process" not in ended.out


def test_embed_outlasts_a_rate_limit_and_counts_the_retries(
    anyopenai: Run, busy_server_url: str, tmp_path: Path
) -> None:
    source = "".join(f"text {n}\n" for n in range(6)).encode()
    options = ["--model", "m", "--batch-size", 2, "--concurrency", 1, "--dimensions", 8, "--base-url", busy_server_url]
    ended = anyopenai("embed", "-", *options, "--output", tmp_path, stdin=source)
    assert ended.code == 0
    assert np.load(tmp_path / "vectors.npy").shape == (6, 8)
    assert "0 in flight, 3 retries" in ended.err

    refused = anyopenai("embed", "-", *options, "--max-retries", 0, "--output", tmp_path / "no", stdin=source)
    assert refused.code == 1
    assert "Error: the API answered 429: " in refused.err
    assert not (tmp_path / "no").exists()
