"""Puts generated files in place, and records what they were made from so that a check can tell stale or edited ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .description import Description
from .facts import HERE
from .writing import PACKAGE, Written

RECORD = HERE / "record.json"

# Written by hand, in directories that are otherwise generated.
BY_HAND = {
    "types/_base.py",
    "types/_lazy.py",
    "types/_mixins.py",
    "types/base64_embedding_response.py",
    "types/chat/parsed_chat_completion.py",
    "types/chat/parsed_function_tool_call.py",
    "types/file_content.py",
    "types/responses/parsed_response.py",
}
_GENERATED = ("types", "resources")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sources_digest(base: Path = HERE) -> str:
    """Return one digest of the generator and its tables."""
    whole = hashlib.sha256()
    for path in sorted([*base.glob("*.py"), *base.glob("facts/*.json"), base / "overlay.toml"]):
        whole.update(f"{path.relative_to(base).as_posix()}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).digest())
    return whole.hexdigest()


def present(package: Path = PACKAGE) -> dict[str, bytes]:
    """Return the files that are there, by path below the package, without those written by hand."""
    found = {
        path.relative_to(package).as_posix(): path.read_bytes().replace(b"\r\n", b"\n")
        for folder in _GENERATED
        for path in sorted((package / folder).rglob("*.py"))
    }
    return {name: data for name, data in found.items() if name not in BY_HAND}


def pages_of(package: Path = PACKAGE) -> Path:
    """Return where the reference of a package's methods lives: in the docs beside `src`."""
    return package.parents[1] / "docs" / "reference" / "api"


def present_pages(package: Path = PACKAGE) -> dict[str, bytes]:
    """Return the pages that are there; nobody writes one by hand."""
    return {path.name: path.read_bytes().replace(b"\r\n", b"\n") for path in sorted(pages_of(package).glob("*.md"))}


def put(written: Written, description: Description, package: Path = PACKAGE, record: Path = RECORD) -> list[str]:
    """Write files that changed, remove those that are no longer generated, and record all; return what changed."""
    changed = _put(package, present(package), written.files)
    changed += _put(pages_of(package), present_pages(package), written.pages)
    entry: dict[str, Any] = {
        "description": {"version": description.version, "sha256": description.digest},
        "generator": sources_digest(),
        "files": {name: _digest(text.encode()) for name, text in sorted(written.files.items())},
        "pages": {name: _digest(text.encode()) for name, text in sorted(written.pages.items())},
    }
    record.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return changed


def _put(base: Path, old: Mapping[str, bytes], new: Mapping[str, str]) -> list[str]:
    changed: list[str] = []
    for name, text in new.items():
        data = text.encode()
        if old.get(name) != data:
            target = base / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            changed.append(name)
    for name in sorted(old.keys() - new.keys()):
        (base / name).unlink()
        changed.append(name)
    return changed


def problems(package: Path = PACKAGE, record: Path = RECORD) -> list[str]:
    """Return what is wrong with the files, as sentences; nothing when they are what the generator wrote."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        generator, files, pages = known["generator"], known["files"], known["pages"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = str(error) if isinstance(error, OSError) else f"cannot be read ({type(error).__name__}: {error})"
        return [
            f"{record.name}: {what}; it is written, never merged:"
            " take either side of what conflicts and run `tox run -e gen -- PATH/openapi.json`"
        ]
    found: list[str] = []
    if generator != sources_digest():
        found.append(
            "the generator or its tables changed since the code was written: run `tox run -e gen -- PATH/openapi.json`"
        )
    found += _differences(present(package), files)
    found += _differences(present_pages(package), pages)
    return found


def _differences(there: Mapping[str, bytes], known: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    files = {name: _digest(data) for name, data in there.items()}
    for name in sorted({*files, *known}):
        if name not in files:
            found.append(f"{name} is missing")
        elif name not in known:
            found.append(f"{name} was not written by the generator")
        elif files[name] != known[name]:
            found.append(f"{name} was edited by hand; change the generator or overlay.toml")
    return found
