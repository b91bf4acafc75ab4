"""Runs the mock server, Steady, as a process of its own; what it checks requests against is `document`'s business.

Steady (npm: `@stdy/cli`) validates each request against an OpenAPI document, says in the answer's head what is wrong
with it, and answers with data that fit the described type. Nothing is installed here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# It is ready after 0.4 s where little else runs; 15 s are less than a test's 20 s, at which all tests would end.
_TRIES = 150
_TRY_SECONDS = 0.1

# Another program may take the port between its choice and the mock's start.
_STARTS = 3

# Standard input ends with the test process, however that ends, and the mock ends with it: pytest-timeout leaves
# without a word, and a mock left behind would hold on to 180 MB.
_GUARD = """
exec 3<&0
"$@" &
mock=$!
{ read -r _; kill "$mock"; } <&3 &
wait "$mock"
code=$?
kill $! 2>/dev/null
exit $code
"""

_FORMS = ("--validator-form-array-format=brackets", "--validator-form-object-format=brackets")


def command() -> str | None:
    """Return the mock's program: what ANYOPENAI_MOCK names, else `steady` of the PATH or of node_modules here."""
    named = os.environ.get("ANYOPENAI_MOCK")
    if named:
        return shutil.which(named)
    return shutil.which("steady") or shutil.which("steady", path=str(ROOT / "node_modules" / ".bin"))


@contextmanager
def running(program: str, document: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Run the mock until the block is left, and give its address.

    Args:
        program: What `command` returned.
        document: The API.
        folder: An empty directory for the document and for what the mock says.
    """
    described, said = folder / "openapi.json", folder / "said.txt"
    described.write_text(json.dumps(document), encoding="utf-8")
    for _ in range(_STARTS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        arguments = [program, "--host=127.0.0.1", f"--port={port}", "--quiet", "--no-color", "--stream-interval=0"]
        with said.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-c", _GUARD, "mock", *arguments, *_FORMS, str(described)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if _answers(process, port):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            _stop(process)
    words = said.read_text(encoding="utf-8", errors="replace")[-1000:]
    raise RuntimeError(f"the mock server {program} did not start (exit code {process.returncode}); it said: {words}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the mock takes connections; False if it ends instead."""
    for _ in range(_TRIES):
        try:
            socket.create_connection(("127.0.0.1", port), _TRY_SECONDS).close()
        except OSError:
            try:
                process.wait(_TRY_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return False
        return True
    raise TimeoutError(f"the mock server took no connection for {_TRIES * _TRY_SECONDS:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
