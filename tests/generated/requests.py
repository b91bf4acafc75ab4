"""Valid requests for every method: arguments as a user gives them, made from the description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from anyopenai_codegen.naming import attribute
from generated.document import FORM, JSON, Document
from generated.facts import kinds
from generated.schemas import Schema


@dataclass
class Request:
    """One call of a method.

    Attributes:
        form: What is special about it.
        path: Positional arguments.
        keywords: The others.
        headers: Fields that the request must have, names in lower case.
    """

    form: str
    path: list[str] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def requests_for(dotted: str, facts: Mapping[str, Any], document: Document) -> Iterator[Request]:
    """Yield requests with only what must be given and with everything, for each form of the body, and for a stream."""
    content = document.operation(dotted).get("requestBody", {}).get("content", {})
    schemas = [entry["schema"] for media, entry in content.items() if media in (FORM, JSON)]
    bodies = [variant for schema in schemas for variant in document.schemas.variants(schema)] or [{}]
    for needed in kinds(facts):
        for body in bodies:
            least, most = (set(map(attribute, document.schemas.value(body, whole=whole))) for whole in (False, True))
            if least <= set(needed) <= most | set(_path(facts)):  # the description knows this kind
                request = _request("one kind of call", dotted, facts, document, body, True)
                request.keywords = {name: value for name, value in request.keywords.items() if name in needed}
                yield request
    for whole, form in ((False, "only what must be given"), (True, "everything")):
        if kinds(facts) and not whole:
            continue
        for number, body in enumerate(bodies):
            yield _request(f"{form}, body {number + 1}" if number else form, dotted, facts, document, body, whole)
    if "event" in facts and not facts.get("always_streams"):
        request = _request("a stream", dotted, facts, document, bodies[0], False)
        request.keywords["stream"] = True
        yield request


def _request(
    form: str, dotted: str, facts: Mapping[str, Any], document: Document, body: Schema, whole: bool
) -> Request:
    request = Request(form, headers={name.lower(): value for name, value in facts.get("headers", {}).items()})
    for name in _path(facts):
        value = f"some {name}/1"  # has to be escaped
        if name in facts.get("keyword", ()):
            request.keywords[name] = value
        else:
            request.path.append(value)
    for parameter in document.operation(dotted)["parameters"]:
        wire, place = parameter["name"].removesuffix("[]"), parameter["in"]
        name = attribute(parameter["schema"].get("x-stainless-param", wire))
        if name in _names(facts, place) and (whole or parameter.get("required")):
            given = request.keywords[name] = document.schemas.value(parameter["schema"], whole=whole)
            if place == "header":
                request.headers[wire.lower()] = ",".join(given) if isinstance(given, list) else given
    members = document.schemas.value(body, whole=whole) if body else {}
    for wire, value in members.items():
        if attribute(wire) in _names(facts, "body"):
            request.keywords[attribute(wire)] = value
    if "stream" in request.keywords:
        request.keywords["stream"] = False
    return request


def _path(facts: Mapping[str, Any]) -> list[str]:
    return re.findall(r"\{(\w+)\}", facts["path"])


def _names(facts: Mapping[str, Any], place: str) -> set[str]:
    return {entry.rstrip("!") for entry in facts.get(place, ())}
