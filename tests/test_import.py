"""`import anyopenai` stays light: what a program does not use is not loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import anyopenai

# Types and resources load on first use; network libraries with the first client; an event loop when one runs.
# anyio itself is among them because it imports ssl and socket.
HEAVY = {
    "_ssl",
    "anyio",
    "asyncio",
    "h2",
    "httpcore",
    "httptools",
    "numpy",
    "rich",
    "socket",
    "ssl",
    "trio",
    "truststore",
    "typer",
    "websockets",
}

LOADED = "import json, sys\nbefore = set(sys.modules)\n{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))"


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and name the modules that it loaded."""
    source = Path(anyopenai.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED.format(code=code)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(source)},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_no_network_library_and_no_event_loop() -> None:
    """Only names are there until a client is made."""
    assert loaded_by("import anyopenai") & HEAVY == set()


def test_importing_the_package_loads_no_type_and_no_resource_but_the_namespace_table() -> None:
    """Thousands of generated classes cost their time only where they are used."""
    loaded = loaded_by("import anyopenai")
    assert {name for name in loaded if name.startswith("anyopenai.types.")} == set()
    resources = {name for name in loaded if name.startswith("anyopenai.resources")}
    assert resources <= {"anyopenai.resources", "anyopenai.resources._namespaces"}
