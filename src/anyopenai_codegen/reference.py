"""Writes the reference of methods: a page for each top-level namespace and an index; docstrings are `resources`' business."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import prose
from .facts import snake
from .handwritten import PACKAGE, Mixin, mixins_of
from .methods import Method
from .naming import Home
from .resources import Resources
from .shapes import Either, Listed, Named, Shape
from .source import literal

WIDTH = 120


@dataclass(frozen=True)
class _Entry:
    """One method as a reader sees it.

    Attributes:
        name: Its name in the namespace.
        summary: What it does, in a line.
        signature: The call.
        facts: Sentences about the request and the answer.
        more: A link; empty where there is nothing more to read.
        twin: The namespace that has the method under its first name; empty where this is that.
    """

    name: str
    summary: str
    signature: str
    facts: str
    more: str = ""
    twin: str = ""


@dataclass(frozen=True)
class Reference:
    """The pages of one run.

    Attributes:
        resources: What was written.
        exports: Names that each package of types gives, beside those with a module of their own.
        by_hand: Where hand-written bases of namespaces live.
    """

    resources: Resources
    exports: Mapping[str, Sequence[str]]
    by_hand: Path = PACKAGE

    def pages(self, banner: str) -> dict[str, str]:
        """Return every page by its file name.

        Args:
            banner: The line that generated files begin with.
        """
        tree = self.resources.namespaces()
        entries = {name: self._entries(name) for name in tree}
        top = [name for name in tree if "." not in name]
        for name, twin in self.resources.twins.items():
            if twin in tree:
                entries |= {
                    f"{name}{one.removeprefix(twin)}": [replace(entry, twin=one) for entry in found]
                    for one, found in entries.items()
                    if one == twin or one.startswith(f"{twin}.")
                }
        within = {name: sorted(one for one in entries if one == name or one.startswith(f"{name}.")) for name in top}
        comment = f"<!-- {banner.removeprefix('# ')} -->\n\n"
        pages = {f"{name}.md": comment + self._page(within[name], entries) for name in top}
        pages["index.md"] = comment + self._index(within, entries)
        return dict(sorted(pages.items()))

    # -- pages -----------------------------------------------------------------------------------------------------

    def _index(self, within: Mapping[str, Sequence[str]], entries: Mapping[str, Sequence[_Entry]]) -> str:
        count = sum(len(found) for found in entries.values())
        blocks = [
            "# Methods",
            _filled(f"The {count} methods of a client, by namespace. Required arguments stand first, without `=`."),
            _filled(
                "Every method takes, by name, the options of `anyopenai.RequestOptions` too: `timeout`, `deadline`, "
                "`max_retries`, `idempotency_key`, `follow_redirects`, `resume_streams`, `extra_headers`, `extra_query` and "
                "`extra_body`. "
                "Below `with_raw_response` and `with_streaming_response` each stands once more: the first gives an "
                "`anyopenai.RawResponse`, the second an async context manager whose body has not been read."
            ),
            _filled(
                "An answer that refuses, and one that does not arrive, raises a subclass of `anyopenai.APIError`. "
                "Names such as `types.FileObject` are those of `anyopenai.types`. What each argument means is in the "
                "docstrings: `help(client.embeddings.create)`."
            ),
        ]
        lines: list[str] = []
        for name, names in within.items():
            methods = sum(len(entries[one]) for one in names)
            about = f"{self.resources.about(name)} {methods} method{'' if methods == 1 else 's'}."
            lines.append(_item(f"[`client.{name}`]({name}.md): {about}"))
        return "\n\n".join([*blocks, "\n".join(lines)]) + "\n"

    def _page(self, names: Sequence[str], entries: Mapping[str, Sequence[_Entry]]) -> str:
        top = names[0]
        blocks = [f"# client.{top}", _filled(self.resources.about(top))]
        if len(names) > 1:
            contents = [
                _item(f"[`client.{name}`](#client{name.replace('.', '')}): {self._short(entries[name])}")
                for name in names
                if entries[name]
            ]
            blocks.append("\n".join(contents))
        for name in names:
            if name != top and entries[name]:
                twin = entries[name][0].twin
                about = f"The same as `client.{twin}`." if twin else self.resources.about(name)
                blocks += [f"## client.{name}", _filled(about)]
            if entries[name] and entries[name][0].twin:
                blocks.append("\n".join(_item(self._same(name, entry)) for entry in entries[name]))
                continue
            for entry in entries[name]:
                blocks += [
                    f"### {name}.{entry.name}",
                    _filled(entry.summary),
                    f"```text\n{entry.signature}\n```",
                    f"{_filled(entry.facts)}\n{entry.more}".rstrip(),
                ]
        return "\n\n".join(blocks) + "\n"

    def _same(self, name: str, entry: _Entry) -> str:
        first = f"{entry.twin}.{entry.name}"
        page = f"{entry.twin.partition('.')[0]}.md"
        return f"`{name}.{entry.name}` is [`{first}`]({page}#{first.replace('.', '')}). {entry.summary}"

    def _short(self, entries: Sequence[_Entry]) -> str:
        return ", ".join(f"`{entry.name}`" for entry in entries)

    # -- methods ---------------------------------------------------------------------------------------------------

    def _entries(self, namespace: str) -> list[_Entry]:
        methods = [method for method in self.resources.methods.values() if method.namespace == namespace]
        by_hand: Sequence[str] = self.resources.overlay.get("methods_by_hand", ())
        own = {method.name: method for method in methods if method.dotted in by_hand}
        found = [self._entry(method) for method in methods if method.name not in own]
        for mixin in mixins_of(self.resources.overlay, namespace):
            for entry in self._written(namespace, mixin):
                known = own.get(entry.name)
                found.append(entry if known is None else self._of_the_api(entry, known))
        return sorted(found, key=lambda entry: entry.name)

    def _entry(self, method: Method) -> _Entry:
        summaries: Mapping[str, str] = self.resources.overlay.get("summaries", {})
        positional = [one.name for one in method.parameters if one.place == "path" and not one.keyword]
        named = [one for one in method.parameters if one.name not in positional]
        arguments = [
            *positional,
            *(["*"] if named else []),
            *(one.name if one.required else f"{one.name}=" for one in named),
        ]
        call = f"client.{method.dotted}"
        facts = [self.resources.docstrings.remarks(method), *self._gives(method)]
        return _Entry(
            method.name,
            summaries.get(method.dotted, f"Call `{method.dotted}`."),
            _call(call if method.page else f"await {call}", arguments),
            " ".join(facts),
            f"[API reference]({self.resources.operations.source(method)})",
        )

    def _of_the_api(self, entry: _Entry, method: Method) -> _Entry:
        """Return what is said of a method of the API that is written by hand."""
        gives = entry.facts.removeprefix("Made of other methods.").strip()
        facts = f"{self.resources.docstrings.remarks(method)} {gives}".strip()
        return replace(entry, facts=facts, more=self._entry(method).more)

    def _gives(self, method: Method) -> list[str]:
        if method.page:
            page = f"`anyopenai.pagination.{method.page}`"
            return [f"Awaited, gives a page ({page}); with `async for`, every {self._type(method.returns)}."]
        if method.answer == "binary":
            return ["Gives an `anyopenai.BinaryResponse`."]
        if method.answer == "text":
            return ["Gives `str`."]
        gives = "Gives nothing" if method.answer == "none" else f"Gives {self._type(method.returns)}"
        variants = self.resources.overlay.get("variants", {}).get(method.dotted, {"types": {}})
        for value, kind in variants["types"].items():
            gives += f"; with `{variants['member']}={literal(value)}`, {self._named(kind)}"
        if method.event is not None:
            events = f"an `anyopenai.Stream` of {self._type(method.event)}"
            if method.facts.get("always_streams"):
                return [f"Gives {events}."]
            gives += f"; with `stream=True`, {events}"
        return [f"{gives}."]

    def _type(self, shape: Shape | None) -> str:
        match shape:
            case None:
                return "nothing"
            case Named():
                return self._path(
                    self.resources.operations.answers.home(self.resources.operations.answers.key(shape.key))
                )
            case Either():
                return prose.listing(list(dict.fromkeys(self._type(member) for member in shape.members)))
            case Listed():
                return f"list of {self._type(shape.item)}"
            case _:
                return f"`{prose.kind(shape, self.resources.operations.answers)}`"

    def _named(self, name: str) -> str:
        key = self.resources.operations.answers.named(name)
        if key is not None:
            return self._path(self.resources.operations.answers.home(key))
        module, _, own = name.rpartition(":")
        return self._path(Home(module, own)) if module else f"`{name}`"

    def _path(self, home: Home) -> str:
        """Return where users import a type from: its package, where that gives it."""
        package, _, module = home.module.rpartition(".")
        given = module == snake(home.name) or home.name in self.exports.get(package, ())
        return f"`{'.'.join(part for part in ('types', package if given else home.module, home.name) if part)}`"

    def _written(self, namespace: str, mixin: Mixin) -> list[_Entry]:
        """Return the methods of a hand-written base."""
        found: dict[str, _Entry] = {}
        for node in mixin.methods(self.by_hand):
            awaited = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
            given = node.args
            first = given.args[len(given.args) - len(given.defaults) :] if given.defaults else []
            arguments = [f"{one.arg}=" if one in first else one.arg for one in given.args[1:]]
            if given.kwonlyargs:
                pairs = list(zip(given.kwonlyargs, given.kw_defaults, strict=True))
                pairs.sort(key=lambda pair: pair[1] is not None)
                arguments += ["*", *(one.arg if default is None else f"{one.arg}=" for one, default in pairs)]
            summary = (ast.get_docstring(node) or "").partition("\n")[0]
            gives = f"Gives `{ast.unparse(node.returns)}`." if node.returns else ""
            call = _call(f"{awaited}client.{namespace}.{node.name}", arguments)
            found[node.name] = _Entry(node.name, summary, call, f"Made of other methods. {gives}".strip())
        return list(found.values())


def _call(name: str, arguments: Sequence[str]) -> str:
    """Return a call, over several lines where it is long."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= WIDTH - 20:
        return line
    return f"{name}(\n{_wrapped(', '.join(arguments), 4)}\n)"


def _wrapped(text: str, indent: int) -> str:
    blank = " " * indent
    return textwrap.fill(
        text, WIDTH - 20, initial_indent=blank, subsequent_indent=blank, break_long_words=False, break_on_hyphens=False
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(text: str) -> str:
    return textwrap.fill(f"- {text}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
