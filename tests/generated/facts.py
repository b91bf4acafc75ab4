"""What `operations.json` says of the methods that the package has; read as data, without the generator."""

from __future__ import annotations

import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

from generated.callers import NotingClient

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "src" / "anyopenai_codegen" / "facts" / "operations.json"

EVERY_METHOD: dict[str, dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))


def method_of(client: object, dotted: str) -> Any:
    """Return a method by its dotted name below the client."""
    return reduce(getattr, dotted.split("."), client)


def _there(dotted: str) -> bool:
    try:
        return callable(method_of(NotingClient(), dotted))
    except AttributeError:
        return False


METHODS = {dotted: facts for dotted, facts in EVERY_METHOD.items() if _there(dotted)}


def names(facts: dict[str, Any], place: str) -> list[str]:
    """Return the arguments that go to a place, without the mark of those that are required."""
    return [entry.rstrip("!") for entry in facts.get(place, ()) if entry.rstrip("!") != "idempotency_key"]


def path_names(facts: dict[str, Any]) -> list[str]:
    """Return the path arguments in the order of the path."""
    return re.findall(r"\{(\w+)\}", facts["path"])


def kinds(facts: dict[str, Any]) -> list[list[str]]:
    """Return the sets of arguments that a method takes one of; empty where it has but one set."""
    sets = [form["required"] for form in facts.get("overloads", ())]
    return [] if any(all(set(one) <= set(other) for other in sets) for one in sets) else sets


def first_name(dotted: str) -> str:
    """Return the name under which a method is written."""
    return dotted.removeprefix("beta.") if dotted.startswith("beta.chat.") else dotted


def required(facts: dict[str, Any]) -> list[str]:
    """Return the arguments that must be given: of several sets, the first."""
    if kinds(facts):
        return [*path_names(facts), *(name for name in kinds(facts)[0] if name not in path_names(facts))]
    marked = [entry[:-1] for place in ("query", "body") for entry in facts.get(place, ()) if entry.endswith("!")]
    return [*path_names(facts), *marked]


def arguments(facts: dict[str, Any], wanted: list[str] | None = None) -> tuple[list[str], dict[str, Any]]:
    """Return arguments for a call, each telling its own name: positional ones, and the rest by name."""
    every = [*path_names(facts), *names(facts, "query"), *names(facts, "body"), *names(facts, "header")]
    given = {name: f"<{name}>" for name in (every if wanted is None else wanted)}
    if "stream" in given:
        given["stream"] = False
    positional = [given.pop(name) for name in path_names(facts) if name not in facts.get("keyword", ())]
    return positional, given
