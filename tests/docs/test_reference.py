"""The reference of methods lists what a client has, and nothing else; read against the client, not the generator."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import anyopenai
from anyopenai import pagination, types
from anyopenai._resource import Resource
from generated.callers import NotingClient

API = Path(__file__).parents[2] / "docs" / "reference" / "api"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(API.glob("*.md"))}


def _methods(holder: object, dotted: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in inspect.getmembers_static(type(holder)):
        if name.startswith(("_", "with_")) or name in dir(Resource):
            continue
        path = f"{dotted}.{name}".lstrip(".")
        if isinstance(value, cached_property):
            yield from _methods(getattr(holder, name), path)
        elif dotted and callable(value):
            yield path, getattr(holder, name)


METHODS = dict(_methods(NotingClient()))

# `client.beta.chat` is `client.chat`: its methods are listed with where they are told.
TWINS = {dotted: dotted.removeprefix("beta.") for dotted in METHODS if dotted.startswith("beta.chat.")}
TOLD = [dotted for dotted in METHODS if dotted not in TWINS]


def _section(dotted: str) -> str:
    page = PAGES[dotted.partition(".")[0]]
    return re.split(r"\n#+ ", page.split(f"\n### {dotted}\n")[1])[0]


def test_every_method_is_listed_and_nothing_else() -> None:
    listed = [name for page in PAGES.values() for name in re.findall(r"^### (.+)$", page, re.MULTILINE)]
    assert sorted(listed) == sorted(TOLD)


def test_methods_under_a_further_name_are_listed_with_their_first() -> None:
    listed = re.findall(r"^- `([\w.]+)` is \[`([\w.]+)`\]\((\w+)\.md#(\w+)\)", PAGES["beta"], re.MULTILINE)
    assert {name: first for name, first, _, _ in listed} == TWINS
    for _, first, page, anchor in listed:
        assert f"\n### {first}\n" in PAGES[page]
        assert anchor == re.sub(r"[^\w]", "", first)


def test_the_index_leads_to_every_page() -> None:
    assert set(re.findall(r"\]\((\w+)\.md\)", PAGES["index"])) == PAGES.keys() - {"index"}
    assert f"The {len(METHODS)} methods" in PAGES["index"]
    for option in anyopenai.RequestOptions.__annotations__:
        assert f"`{option}`" in PAGES["index"]


@pytest.mark.parametrize("dotted", TOLD)
def test_the_call_has_the_methods_parameters_required_ones_first(dotted: str) -> None:
    call = re.search(r"```text\n(.*?)\n```", _section(dotted), re.DOTALL)
    assert call is not None
    text = " ".join(call[1].split())
    assert text.startswith(f"await client.{dotted}(" if inspect.iscoroutinefunction(METHODS[dotted]) else "client.")
    written = [one.strip() for one in text.partition("(")[2].rstrip(") ").split(",") if one.strip()]
    parameters = [
        one for one in inspect.signature(METHODS[dotted]).parameters.values() if one.kind is not one.VAR_KEYWORD
    ]
    assert [one.rstrip("=") for one in written if one != "*"] == [one.name for one in parameters]
    required = {one.name for one in parameters if one.default is one.empty}
    assert {one for one in written if not one.endswith("=")} - {"*"} == required
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert set(written[written.index("*") + 1 :] if "*" in written else ()) == {
        one if one in required else f"{one}=" for one in named
    }


@pytest.mark.parametrize("dotted", TOLD)
def test_the_summary_is_that_of_the_docstring(dotted: str) -> None:
    summary = (inspect.getdoc(METHODS[dotted]) or "").partition("\n")[0]
    assert " ".join(_section(dotted).partition("```")[0].split()) == summary


@pytest.mark.parametrize("page", PAGES)
def test_names_can_be_imported(page: str) -> None:
    for name in re.findall(r"`((?:types|anyopenai)\.[\w.]+)`", PAGES[page]):
        if name in ("anyopenai.types",):
            continue
        holder: Any = types if name.startswith("types") else anyopenai
        for part in name.split(".")[1:]:
            holder = pagination if part == "pagination" else _member(holder, part)


def _member(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        from importlib import import_module

        return import_module(f"{holder.__name__}.{name}")
