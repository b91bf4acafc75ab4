"""The command as a process: signals, pipes, terminals, missing extras."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import anyopenai

SOURCE = str(Path(anyopenai.__file__).parents[1])
MAIN = "from anyopenai.cli import main; main()"
BACKENDS = ["asyncio", "trio"]

HangingServer = Any  # conftest's


@contextmanager
def started(*arguments: str, program: str = MAIN, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    """Start the command with its output and errors in pipes; what is left of it afterwards is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read lines of output up to the one that starts with a text."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(text):
            return line
    raise AssertionError(f"no line starts with {text!r}")  # pragma: no cover


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("moment", ["anyopenai ", "Server:", "Chat completion:"])
def test_ctrl_c_ends_the_demo_at_any_moment_and_leaves_whole_files_or_none(
    backend: str, moment: str, tmp_path: Path
) -> None:
    with started("demo", "--backend", backend, "--output", str(tmp_path), "--limit", "3000") as process:
        read_until(process, moment)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert "Traceback" not in errors
    left = {path.name for path in tmp_path.iterdir()}
    assert left in (set(), {"vectors.npy", "items.jsonl"})
    # On a busy machine the demo may be through before the signal is sent.
    assert process.returncode == (130 if errors.endswith("Interrupted.\n") else 0)
    if process.returncode == 0 or moment == "Chat completion:":
        assert left


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_requests_are_in_flight_ends_the_demo_without_files(
    hanging_server: HangingServer, backend: str, signum: int, tmp_path: Path
) -> None:
    options = ["--output", str(tmp_path / "out"), "--limit", "500", "--base-url", hanging_server.base_url]
    with started("demo", "--backend", backend, *options) as process:
        hanging_server.wait_for_requests(8)
        for _ in range(3):
            process.send_signal(signum)
        output, errors = process.communicate()
    assert process.returncode == 128 + signum
    assert "Traceback" not in errors
    assert errors.endswith("Interrupted.\n")
    assert "Wrote:" not in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_how_serving_ends_well(backend: str, signum: int) -> None:
    with started("serve", "--port", "0", "--backend", backend) as process:
        assert "it computes no model" in read_until(process, "Stand-in for the API at http://127.0.0.1:")
        read_until(process, "Use it with: OPENAI_BASE_URL=http://127.0.0.1:")
        for _ in range(3):
            process.send_signal(signum)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (0, "Stopped.\n", "")


def test_a_port_that_is_taken_is_one_line() -> None:
    with started("serve", "--port", "0") as first:
        line = read_until(first, "Use it with")
        port = line.split("/v1")[0].rsplit(":", 1)[1]
        with started("serve", "--port", port) as second:
            output, errors = second.communicate()
    assert (second.returncode, output) == (1, "")
    assert errors.startswith("Error: ")
    assert "in use" in errors
    assert errors.count("\n") == 1


def test_a_reader_that_leaves_is_no_failure_worth_words() -> None:
    with started("demo", "--limit", "5", "--output", os.devnull) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        process.wait()
    assert (process.returncode, errors) == (1, "")


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("click", ["--help"], "cli"),
        ("rich", ["--help"], "cli"),
        ("numpy", ["embed", "x", "--model", "m", "--output", "y"], "cli"),
        ("hypercorn", ["serve"], "server"),
        ("trio", ["chat", "hello", "--backend", "trio"], "trio"),
    ],
)
def test_a_missing_extra_is_named(missing: str, arguments: list[str], extra: str) -> None:
    hide = f"import sys; sys.modules[{missing!r}] = None\n"
    with started(*arguments, program=hide + MAIN) as process:
        output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert f"pip install 'anyopenai[{extra}]'" in errors
    assert errors.count("\n") == 1


class Terminal:
    """A terminal with the command on it."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            os.environ["PYTHONPATH"] = SOURCE
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [sys.executable, "-c", MAIN, *arguments])

    def wait_for(self, text: str) -> None:
        """Read until a text has appeared since the last wait."""
        while text not in self.seen:
            self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def exit_code(self) -> int:
        """Read the rest and return how the command ended."""
        try:
            while piece := os.read(self.fd, 4096):
                self.seen += piece.decode("utf-8", "replace")
        except OSError:
            pass  # Linux's way to say that the other side of a terminal is gone
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["chat", "respond"])
def test_a_terminal_gets_a_conversation(env: None, name: str, backend: str) -> None:
    terminal = Terminal(name, "--backend", backend)
    terminal.wait_for("> ")
    terminal.type("my first question\n")
    terminal.wait_for("no model computed it")
    terminal.wait_for("> ")
    terminal.type("another question\n")
    terminal.wait_for("“another question”")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.exit_code() == 0
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_at_the_prompt_ends_the_conversation(env: None, backend: str) -> None:
    terminal = Terminal("chat", "--backend", backend)
    terminal.wait_for("> ")
    terminal.type("\x03")
    assert terminal.exit_code() == 0
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_ends_an_answer_and_the_conversation_goes_on(
    slow_server_url: str, no_server: None, backend: str
) -> None:
    terminal = Terminal("chat", "--backend", backend, "--base-url", slow_server_url)
    terminal.wait_for("> ")
    terminal.type("a question\n")
    terminal.wait_for("This ")
    terminal.type("\x03")
    terminal.wait_for("(ended)")
    terminal.wait_for("> ")
    terminal.type("\x03")
    assert terminal.exit_code() == 0
    assert "Traceback" not in terminal.seen


def test_the_package_runs_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anyopenai", "--version"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
        check=True,
    )
    assert anyopenai.__version__ in done.stdout
    assert not done.stderr
