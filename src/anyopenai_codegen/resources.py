"""Writes the namespaces: a class each, its methods a few lines of code under a signature and a docstring of facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import prose
from .methods import Method, Parameter
from .naming import Layout, camel
from .params import Params
from .shapes import Alias, Choices, Either, Listed, Named, Scalar, Shape, optional, without_none
from .source import Module, docstring, literal
from .structs import module_path

REFERENCE = "https://platform.openai.com/docs/api-reference"


@dataclass
class Resources:
    """The modules of one run's namespaces.

    Attributes:
        answers: Where the types of answers live.
        params: Writes the types of arguments.
        overlay: Our own decisions.
        methods: By dotted name.
        strict: Whether every method and argument needs its words in the overlay.
    """

    answers: Layout
    params: Params
    overlay: Mapping[str, Any]
    methods: Mapping[str, Method]
    strict: bool = True
    modules: dict[str, Module] = field(default_factory=dict[str, Module])

    def namespaces(self) -> dict[str, list[str]]:
        """Return every namespace and the namespaces directly within it."""
        found: dict[str, list[str]] = {}
        for method in self.methods.values():
            parts = method.namespace.split(".")
            for depth in range(1, len(parts) + 1):
                name = ".".join(parts[:depth])
                found.setdefault(name, [])
                if depth > 1 and name not in found[".".join(parts[: depth - 1])]:
                    found[".".join(parts[: depth - 1])].append(name)
        return {name: sorted(found[name]) for name in sorted(found)}

    def write(self) -> dict[str, Module]:
        """Write every module, and return them by their path below `resources`."""
        tree = self.namespaces()
        for name, children in tree.items():
            module = Module(f"resources.{name}", f"`client.{name}`.", is_package=bool(children))
            self.modules[name] = module
            class_name = class_of(name)
            module.local |= {class_name, f"{class_name}WithRawResponse", f"{class_name}WithStreamingResponse"}
            methods = [method for method in self.methods.values() if method.namespace == name]
            module.local |= {constant(method) for method in methods}
            for method in methods:
                module.body.append(self._operation(module, method))
            module.body.append(self._namespace(module, name, children, methods))
            module.body.append(self._views(module, name, children, methods))
        return self.modules

    # -- what the engine needs to know ---------------------------------------------------------------------------

    def _operation(self, module: Module, method: Method) -> str:
        facts = method.facts
        result = self._result(module, method)
        given = [f"name={literal(method.dotted)}", f"verb={literal(facts['verb'])}", f"path={literal(facts['path'])}"]
        if method.page:
            page = f"{module.use('.pagination', method.page)}[{self._type(module, method.returns)}]"
            given += [f"returns={page}", "page=True"]
        elif method.returns is not None:
            given.append(f"returns={self._plain(module, method)}")
        else:
            given.append({"text": "returns=str", "binary": "returns=bytes"}.get(method.answer, "returns=None"))
        if method.answer != "json":
            given.append(f"answer={literal(method.answer)}")
        if any(parameter.place == "body" for parameter in method.parameters):
            given.append(f"body={literal('multipart' if facts.get('multipart') else 'json')}")
        if facts.get("files"):
            given.append(f"files={_tuple(facts['files'])}")
        variants = self.overlay.get("variants", {}).get(method.dotted)
        if variants:
            types = ", ".join(
                f"{literal(value)}: {self._named(module, name)}" for value, name in variants["types"].items()
            )
            given.append(f"variants=({literal(variants['member'])}, {{{types}}})")
        defaults = self.overlay.get("defaults", {}).get(method.dotted)
        if defaults:
            entries = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in defaults.items())
            given.append(f"defaults={{{entries}}}")
        if method.event is not None:
            given.append(f"event={self._type(module, method.event)}")
            given.append(f"ending={literal(self._ending(method))}")
        if facts.get("named_events"):
            given.append("named_events=True")
        headers = facts.get("headers", {})
        if headers:
            given.append(f"headers=({', '.join(f'({literal(k)}, {literal(v)})' for k, v in headers.items())},)")
        if facts.get("security"):
            given.append(f"security={literal(facts['security'])}")
        given.append(f"doc={literal(self._source(method))}")
        operation = module.use("._contract", "Operation")
        final = module.use("typing", "Final", static=True)
        return f"{constant(method)}: {final}[{operation}[{result}]] = {operation}({', '.join(given)})"

    def _ending(self, method: Method) -> str:
        endings: Mapping[str, str] = self.overlay.get("endings", {})
        for name in (method.dotted, method.namespace):
            if name in endings:
                return endings[name]
        if not self.strict:
            return "unknown"
        raise LookupError(f"{method.dotted} streams: say in overlay.toml, [endings], how its stream ends")

    def _source(self, method: Method) -> str:
        pages: Mapping[str, str] = self.overlay.get("reference", {})
        parts = method.namespace.split(".")
        for depth in range(len(parts), 0, -1):
            page = pages.get(".".join(parts[:depth]))
            if page:
                return f"{REFERENCE}/{page}"
        return f"{REFERENCE}/{parts[0].replace('_', '-')}"

    # -- types -----------------------------------------------------------------------------------------------------

    def _type(self, module: Module, shape: Shape | None, *, static: bool = False) -> str:
        """Return the type of an answer."""
        match shape:
            case None:
                return "None"
            case Named():
                home = self.answers.home(shape.key)
                return module.use(module_path(home), home.name, static=static)
            case Scalar():
                return {"object": "object", "time": "float"}.get(shape.kind, shape.kind)
            case Either():
                return " | ".join(self._type(module, member, static=static) for member in shape.members)
            case _:
                raise LookupError(f"an answer of the shape {shape} needs a name in overlay.toml")

    def _named(self, module: Module, name: str) -> str:
        if name == "str":
            return name
        key = self.answers.named(name)
        if key is None:
            holder, _, own = name.partition(":")
            return module.use(f".types.{holder}", own)
        home = self.answers.home(key)
        return module.use(module_path(home), home.name)

    def _result(self, module: Module, method: Method) -> str:
        """Return what the method gives when it does not stream, as type checkers see it."""
        if method.page:
            page = module.use(".pagination", method.page)
            return f"{page}[{self._type(module, method.returns)}]"
        if method.answer == "binary":
            return module.use("._engine.response", "BinaryResponse", static=True)
        if method.answer == "text":
            return "str"
        return self._plain(module, method)

    def _plain(self, module: Module, method: Method) -> str:
        """Return the type of an answer whose form no argument has changed."""
        otherwise = self.overlay.get("variants", {}).get(method.dotted, {}).get("otherwise")
        return self._named(module, otherwise) if otherwise else self._type(module, method.returns)

    # -- the class -------------------------------------------------------------------------------------------------

    def _namespace(self, module: Module, name: str, children: list[str], methods: list[Method]) -> str:
        class_name = class_of(name)
        base = module.use("._resource", "Resource")
        mixin = self.overlay.get("namespace_mixins", {}).get(name)
        bases = base
        if mixin:
            holder, _, own = mixin.partition(":")
            bases = module.use(f".{holder}", own)
        lines = [f"class {class_name}({bases}):", docstring(self._about(name)), "", "    __slots__ = ()", ""]
        module.use("typing", "TYPE_CHECKING")
        for child in children:
            short = child.rpartition(".")[2]
            child_class = class_of(child)
            module.use(f".resources.{child}", child_class, static=True)
            lines += [
                f"    @{module.use('functools', 'cached_property')}",
                f"    def {short}(self) -> {child_class}:",
                docstring(self._about(child), "        "),
                f"        from .{short} import {child_class}",
                "",
                f"        return {child_class}(self._caller)",
                "",
            ]
        for method in methods:
            lines += self._method(module, method)
        lines += [
            "    if TYPE_CHECKING:",
            "        @property",
            f"        def with_raw_response(self) -> {class_name}WithRawResponse: ...",
            "        @property",
            f"        def with_streaming_response(self) -> {class_name}WithStreamingResponse: ...",
        ]
        return "\n".join(lines) + "\n"

    def _about(self, name: str) -> str:
        return str(self.overlay.get("namespaces", {}).get(name, f"The methods of `client.{name}`."))

    def _method(self, module: Module, method: Method) -> list[str]:
        lines: list[str] = []
        result = self._result(module, method)
        if method.page:
            paginator = module.use("._engine.iteration", "Paginator", static=True)
            result = f"{paginator}[{self._type(module, method.returns)}, {result}]"
        overloads = self._overloads(module, method, result)
        for changed, gives in overloads:
            lines.append(f"    @{module.use('typing', 'overload')}")
            lines += self._signature(module, method, gives, changed)
            lines[-1] += " ..."
        if overloads:
            result = " | ".join(dict.fromkeys(part for _, gives in overloads for part in gives.split(" | ")))
        lines += self._signature(module, method, result, {})
        lines.append(docstring(self._describe(method), "        "))
        for check in self.overlay.get("checks", {}).get(method.dotted, ()):
            function = module.use("._resource", check["call"])
            values = f"{literal(check['parameter'])}, {check['parameter']}, {literal(check['helper'])}"
            lines.append(f"        {function}({values})")
        call = f"self._caller.{'pages' if method.page else 'call'}({', '.join(self._call_arguments(module, method))})"
        if method.page:
            lines += [f"        return {call}", ""]
        else:
            lines += [f"        answer: {result} = await {call}", "        return answer", ""]
        return lines

    def _call_arguments(self, module: Module, method: Method) -> list[str]:
        arguments = [constant(method)]
        path = re.findall(r"\{(\w+)\}", method.facts["path"])
        if path:
            arguments.append(f"path=({', '.join(path)}{',' if len(path) == 1 else ''})")
        for place, word in (("query", "query"), ("body", "body"), ("header", "headers")):
            members = [parameter for parameter in method.parameters if parameter.place == place]
            if members:
                entries = ", ".join(f"{literal(one.wire)}: {self._sent(module, one)}" for one in members)
                arguments.append(f"{word}={{{entries}}}")
        if method.event is not None:
            arguments.append("stream=True" if method.facts.get("always_streams") else "stream=stream")
        return [*arguments, "options=options"]

    def _sent(self, module: Module, parameter: Parameter) -> str:
        """Return what is sent of an argument: itself, but a list in a header as one text."""
        if parameter.place == "header" and isinstance(without_none(parameter.shape), Listed):
            return f"{module.use('._resource', 'listed')}({parameter.name})"
        return parameter.name

    def _overloads(self, module: Module, method: Method, result: str) -> list[tuple[Mapping[str, str], str]]:
        """Return what single arguments change: their type (required unless it ends in `Omit`), and what comes back."""
        found: list[tuple[Mapping[str, str], str]] = []
        by_name = {parameter.name: parameter for parameter in method.parameters}
        streams = method.event is not None and not method.facts.get("always_streams")
        off: dict[str, str] = {}
        if streams:
            none = " | None" if optional(by_name["stream"].shape) else ""
            module.use("typing", "Literal", static=True)
            off["stream"] = f"Literal[False]{none} | Omit"
        variants = self.overlay.get("variants", {}).get(method.dotted)
        every = result
        if variants:
            name = variants["member"]
            shape = without_none(by_name[name].shape)
            values = [value for value in self._values(shape) if value not in variants["types"]]
            module.use("typing", "Literal", static=True)
            plain = f"Literal[{', '.join(literal(value) for value in values)}]"
            found.append(({**off, name: f"{plain} | Omit"}, result))
            grouped: dict[str, list[str]] = {}
            for value, kind in variants["types"].items():
                grouped.setdefault(kind, []).append(value)
            for kind, chosen in grouped.items():
                text = f"Literal[{', '.join(literal(value) for value in chosen)}]"
                gives = self._named(module, kind)
                found.append(({**off, name: text}, gives))
                every += f" | {gives}"
            found.append((off, every))
        elif streams:
            found.append((off, result))
        if streams:
            stream = f"{module.use('._engine.iteration', 'Stream', static=True)}[{self._type(module, method.event)}]"
            found.append(({"stream": "Literal[True]"}, stream))
            found.append(({"stream": "bool"}, f"{every} | {stream}"))
        return found

    def _signature(self, module: Module, method: Method, result: str, changed: Mapping[str, str]) -> list[str]:
        """Return the `def` line.

        Args:
            module: Where it stands.
            method: The method.
            result: What it gives.
            changed: Arguments whose type is not the usual one.
        """
        unpack = module.use("typing", "Unpack", static=True)
        options = module.use("._contract", "RequestOptions", static=True)
        positional: list[str] = ["self"]
        named: list[str] = []
        for parameter in method.parameters:
            text = changed.get(parameter.name)
            if text is None:
                text = self.params.annotation(module, parameter.shape, set(), static=True)
                if not parameter.required:
                    text += " | Omit"
            if text.endswith("| Omit"):
                module.use("._contract", "Omit", static=True)
                text += f" = {module.use('._contract', 'omit')}"
            (positional if parameter.place == "path" and not parameter.keyword else named).append(
                f"{parameter.name}: {text}"
            )
        arguments = [*positional, *(["*"] if named else []), *named, f"**options: {unpack}[{options}]"]
        word = "def" if method.page else "async def"
        return [f"    {word} {method.name}({', '.join(arguments)}) -> {result}:"]

    def _values(self, shape: Shape) -> list[str]:
        """Return the values that an argument may have, those of named sets of values too."""
        if isinstance(shape, Named):
            declaration = self.params.layout.declared[self.params.layout.key(shape.key)]
            return self._values(declaration.shape) if isinstance(declaration, Alias) else []
        if isinstance(shape, Either):
            return [value for member in shape.members for value in self._values(member)]
        return [str(value) for value in shape.values] if isinstance(shape, Choices) else []

    # -- its docstrings --------------------------------------------------------------------------------------------

    def _describe(self, method: Method) -> str:
        """Return a method's docstring: our own summary, then facts."""
        summary = self.overlay.get("summaries", {}).get(method.dotted)
        if not summary:
            if self.strict:
                raise LookupError(f"{method.dotted} has no line in overlay.toml, [summaries]")
            summary = f"Call `{method.dotted}`."
        lines = [summary, "", prose.wrapped(self._remarks(method), hanging=0), "", "Args:"]
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
        return "\n".join([*lines, "", f"Source: {self._source(method)}"])

    def _remarks(self, method: Method) -> str:
        remarks = [f"`{method.facts['verb']} {method.facts['path']}`."]
        if method.facts.get("security") == "admin":
            remarks.append("Takes the admin key.")
        if method.facts.get("multipart"):
            remarks.append("The arguments are sent as a form.")
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
        kind = prose.kind(shape, self.params.layout)
        facts = prose.said(replace(known, time=False, deprecated=False), shape).rstrip(".")
        kind = f"{kind}, {facts[:1].lower()}{facts[1:]}" if facts else kind
        meaning = own or shared
        if not meaning and self.strict:
            raise LookupError(f"{method.dotted} takes {parameter.name}: say in overlay.toml, [glossary], what it means")
        return f"({kind}): {meaning or parameter.wire}{' Deprecated.' if known.deprecated else ''}"

    # -- how type checkers see the views ---------------------------------------------------------------------------

    def _views(self, module: Module, name: str, children: list[str], methods: list[Method]) -> str:
        class_name = class_of(name)
        blocks: list[str] = ["if TYPE_CHECKING:"]
        for suffix, plain, page, about in (
            ("WithRawResponse", "raw", "raw_page", "the methods give a `RawResponse`"),
            ("WithStreamingResponse", "opened", "opened_page", "the methods are async context managers"),
        ):
            view = f"{class_name}{suffix}"
            attribute = "with_raw_response" if suffix == "WithRawResponse" else "with_streaming_response"
            blocks += [f"    class {view}:", docstring(f"`client.{name}.{attribute}`: {about}.", "        "), ""]
            for child in children:
                short = child.rpartition(".")[2]
                child_view = f"{class_of(child)}{suffix}"
                module.use(f".resources.{child}", child_view, static=True)
                blocks.append(f"        {short}: {child_view}")
            if methods:
                blocks += ["", f"        def __init__(self, plain: {class_name}) -> None:"]
                for method in methods:
                    function = module.use("._resource", page if method.page else plain, static=True)
                    final = module.use("typing", "Final", static=True)
                    blocks.append(f"            self.{method.name}: {final} = {function}(plain.{method.name})")
            blocks.append("")
        return "\n".join(blocks)


def class_of(namespace: str) -> str:
    """Return the name of a namespace's class."""
    return camel(namespace.rpartition(".")[2])


def constant(method: Method) -> str:
    """Return the name of the constant that holds a method's operation."""
    return f"_{method.name.upper()}"


def _tuple(names: list[str]) -> str:
    return f"({', '.join(literal(name) for name in names)}{',' if len(names) == 1 else ''})"
