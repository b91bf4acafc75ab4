"""Signals from the first line to the last, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import anyopenai

SOURCE = str(Path(anyopenai.__file__).parents[1])

# Each program prints "ready" when the signal may come; the test sends it three times, as tox does.
PREAMBLE = """
import sys, signal, anyio
from anyopenai.cli.interrupts import Interrupted, Interrupts
interrupts = Interrupts()
interrupts.install()

def say(text):
    print(text, flush=True)

def cleaned_up():
    say("cleaned up")
"""

WAITING = """
async def work():
    try:
        say("ready")
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.05)  # long enough for the repeats to arrive in the middle
            cleaned_up()

try:
    interrupts.run(work, backend=BACKEND)
except Interrupted as interrupted:
    say("interrupted")
    sys.exit(interrupted.exit_code)
"""

LOADING = """
import time
try:
    say("ready")
    time.sleep(15)  # stands for imports; the signal ends it
finally:
    cleaned_up()
"""

STARTING = """
async def work():
    say("never")

interrupts._raises = False  # as when the loop starts
say("ready")
while interrupts.received is None:
    pass
interrupts.run(work, backend=BACKEND)
"""

CAUGHT = """
async def work():
    with anyio.CancelScope() as scope, interrupts.cancelling(scope):
        say("ready")
        await anyio.sleep_forever()
    say("went on")
    return 7

say(str(interrupts.run(work, backend=BACKEND)))
"""


def run(program: str, backend: str, signum: int, repeats: int = 3) -> tuple[int, str, str]:
    """Start a program, send the signal once it is ready, and return exit code, output and errors."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PREAMBLE + program.replace("BACKEND", repr(backend))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(repeats):
            process.send_signal(signum)
        output, errors = process.communicate()
    return process.returncode, output, errors


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_and_its_repeats_change_nothing(backend: str, signum: int) -> None:
    assert run(WAITING, backend, signum) == (128 + signum, "cleaned up\ninterrupted\n", "")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_loop_ends_the_program_without_a_traceback(signum: int) -> None:
    assert run(LOADING, "asyncio", signum) == (128 + signum, "cleaned up\n", "")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_signal_while_the_loop_starts_ends_it_before_any_work(backend: str) -> None:
    assert run(STARTING, backend, signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_scope_may_take_the_signal_for_itself(backend: str) -> None:
    assert run(CAUGHT, backend, signal.SIGINT, repeats=1) == (0, "went on\n7\n", "")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_other_signals_pass_a_scope_by(backend: str) -> None:
    code, output, errors = run(CAUGHT, backend, signal.SIGTERM)
    assert (code, output, errors) == (143, "", "")
