"""Writes the docstrings of methods: our own summary, then facts; words for single facts are `prose`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import prose
from .methods import Method, Parameter
from .naming import Layout
from .operations import Operations
from .shapes import without_none
from .source import literal


@dataclass(frozen=True)
class Docstrings:
    """What is said of one run's methods.

    Attributes:
        operations: Tells where more can be read.
        arguments: Where the types of arguments live.
        overlay: Our own words.
        strict: Whether every method and argument needs its words.
    """

    operations: Operations
    arguments: Layout
    overlay: Mapping[str, Any]
    strict: bool = True

    def text(self, method: Method) -> str:
        """Return a method's docstring: our own summary, then facts."""
        summary = self.overlay.get("summaries", {}).get(method.dotted)
        if not summary:
            if self.strict:
                raise LookupError(f"{method.dotted} has no line in overlay.toml, [summaries]")
            summary = f"Call `{method.dotted}`."
        lines = [summary, "", prose.wrapped(self.remarks(method), hanging=0), "", "Args:"]
        for parameter in method.parameters:
            lines.append(prose.wrapped(f"{parameter.name} {self._argument_facts(method, parameter)}", 4))
        lines.append("    **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.")
        returns = self.overlay.get("returns", {}).get(method.dotted)
        if returns is None and method.page:
            returns = "Awaited, the first page; iterated with `async for`, every item of every page."
        elif returns is None and method.event is not None:
            returns = "The answer; with `stream=True`, an open `Stream` of events to read or close."
        if returns:
            lines += ["", "Returns:", prose.wrapped(returns, 4, 0)]
        lines += [
            "",
            "Raises:",
            "    APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.",
        ]
        lines += ["    APIConnectionError: No answer arrived, or only a part of it."]
        if method.kinds:
            lines += ["    TypeError: Required arguments are missing; nothing was sent."]
        return "\n".join([*lines, "", f"Source: {self.operations.source(method)}"])

    def remarks(self, method: Method) -> str:
        """Return what is to be known of a method beside its arguments: verb, path, key, form, deprecation."""
        remarks = [f"`{method.facts['verb']} {method.facts['path']}`."]
        if method.facts.get("security") == "admin":
            remarks.append("Takes the admin key.")
        if method.facts.get("multipart"):
            alone = f"; `{method.alone}` alone is sent as it is" if method.alone else ""
            remarks.append(f"The arguments are sent as a form{alone}.")
        if method.facts.get("deprecated"):
            remarks.append("Deprecated.")
        note = self.overlay.get("notes", {}).get(method.dotted)
        return " ".join([*remarks, *([note] if note else [])])

    def _argument_facts(self, method: Method, parameter: Parameter) -> str:
        glossary: Mapping[str, str] = self.overlay.get("glossary", {})
        own, shared = glossary.get(f"{method.dotted}.{parameter.name}"), glossary.get(parameter.name)
        shape = without_none(parameter.shape)
        known = parameter.limits
        if parameter.name in self.overlay.get("defaults", {}).get(method.dotted, {}):
            known = replace(known, default=None)  # we send another one
        kind = prose.kind(shape, self.arguments)
        facts = prose.said(replace(known, time=False, deprecated=False), shape).rstrip(".")
        kind = f"{kind}, {facts[:1].lower()}{facts[1:]}" if facts else kind
        takers = [one for one in method.kinds if one.takes(parameter.name) and one.member != parameter.name]
        if takers and len(takers) < len(method.kinds):
            need = "needed" if parameter.name in takers[0].required else "only"
            kind = f"{kind}, {need} with `{takers[0].member}={literal(takers[0].value)}`"
        meaning = own or shared
        if not meaning and self.strict:
            raise LookupError(f"{method.dotted} takes {parameter.name}: say in overlay.toml, [glossary], what it means")
        return f"({kind}): {meaning or parameter.wire}{' Deprecated.' if known.deprecated else ''}"
