"""Writes the namespaces: a class each, its methods a few lines of code under a signature and a docstring of facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .docstrings import Docstrings
from .handwritten import PACKAGE, mixins_of
from .methods import Method, Parameter
from .naming import camel
from .operations import Operations, constant
from .shapes import Listed, without_none
from .signatures import Signatures
from .source import Module, docstring, literal


@dataclass
class Resources:
    """The modules of one run's namespaces.

    Attributes:
        operations: Writes what the engine needs to know.
        signatures: Writes how methods are called.
        docstrings: Writes what is said of them.
        overlay: Our own decisions.
        methods: By dotted name.
        by_hand: Where hand-written bases of namespaces live.
        modules: What is written, by the namespace.
    """

    operations: Operations
    signatures: Signatures
    docstrings: Docstrings
    overlay: Mapping[str, Any]
    methods: Mapping[str, Method]
    by_hand: Path = PACKAGE
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
        for name, twin in self.twins.items():
            parent = name.rpartition(".")[0]
            if parent in found and twin in found:
                found[parent].append(name)
        return {name: sorted(found[name]) for name in sorted(found)}

    @property
    def twins(self) -> Mapping[str, str]:
        """Namespaces that are others under a further name, by that name; they have no module."""
        return twins(self.overlay)

    def write(self) -> dict[str, Module]:
        """Write every module, and return them by their path below `resources`."""
        tree = self.namespaces()
        for name, children in tree.items():
            module = Module(f"resources.{name}", f"`client.{name}`.", is_package=bool(children))
            self.modules[name] = module
            class_name = class_of(name)
            module.local |= {class_name, f"{class_name}WithRawResponse", f"{class_name}WithStreamingResponse"}
            methods = [
                method
                for method in self.methods.values()
                if method.namespace == name and method.dotted not in self.overlay.get("methods_by_hand", ())
            ]
            module.local |= {constant(method) for method in methods}
            for method in methods:
                module.body.append(self.operations.text(module, method))
            module.body.append(self._namespace(module, name, children, methods))
            module.body.append(self._views(module, name, children, methods))
        return self.modules

    # -- the class -------------------------------------------------------------------------------------------------

    def _namespace(self, module: Module, name: str, children: list[str], methods: list[Method]) -> str:
        class_name = class_of(name)
        mixins = mixins_of(self.overlay, name)
        bases = ", ".join([module.use(f".{mixin.module}", mixin.name) for mixin in mixins])
        if not mixins:
            bases = module.use("._resource", "Resource")
        lines = [f"class {class_name}({bases}):", docstring(self.about(name)), "", "    __slots__ = ()", ""]
        module.use("typing", "TYPE_CHECKING")
        for child in children:
            short = child.rpartition(".")[2]
            home = self.twins.get(child, child)
            child_class = class_of(home)
            module.use(f".resources.{home}", child_class, static=True)
            lines += [
                f"    @{module.use('functools', 'cached_property')}",
                f"    def {short}(self) -> {child_class}:",
                docstring(self.about(child), "        "),
                f"        from {module.relative(f'.resources.{home}')} import {child_class}",
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

    def about(self, name: str) -> str:
        """Return what a namespace is for, in a sentence."""
        return str(self.overlay.get("namespaces", {}).get(name, f"The methods of `client.{name}`."))

    def _method(self, module: Module, method: Method) -> list[str]:
        lines: list[str] = []
        result = self.operations.result(module, method)
        if method.page:
            paginator = module.use("._engine.iteration", "Paginator", static=True)
            result = f"{paginator}[{self.operations.type(module, method.returns)}, {result}]"
        elif method.facts.get("always_streams"):
            stream = module.use("._engine.iteration", "Stream", static=True)
            result = f"{stream}[{self.operations.type(module, method.event)}]"
        overloads = self.signatures.overloads(module, method, result)
        for changed, gives in overloads:
            lines.append(f"    @{module.use('typing', 'overload')}")
            lines += self.signatures.line(module, method, gives, changed)
            lines[-1] += " ..."
        if overloads:
            result = " | ".join(dict.fromkeys(part for _, gives in overloads for part in gives.split(" | ")))
        lines += self.signatures.line(module, method, result, {})
        lines.append(docstring(self.docstrings.text(method), "        "))
        if method.kinds:
            sets = ", ".join(
                f"{{{', '.join(f'{literal(name)}: {name}' for name in kind.required)}}}" for kind in method.kinds
            )
            lines.append(f"        {module.use('._resource', 'need_one_of')}({literal(method.dotted)}, {sets})")
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
                home = self.twins.get(child, child)
                child_view = f"{class_of(home)}{suffix}"
                module.use(f".resources.{home}", child_view, static=True)
                blocks.append(f"        {short}: {child_view}")
            by_hand = [
                found.name
                for mixin in mixins_of(self.overlay, name)
                for found in mixin.methods(self.by_hand)
                if isinstance(found, ast.AsyncFunctionDef)
                and f"{name}.{found.name}" not in self.overlay.get("without_views", ())
            ]
            if methods or by_hand:
                blocks += ["", f"        def __init__(self, plain: {class_name}) -> None:"]
                for own in by_hand:
                    function = module.use("._resource", plain, static=True)
                    final = module.use("typing", "Final", static=True)
                    blocks.append(f"            self.{own}: {final} = {function}(plain.{own})")
                for method in methods:
                    function = module.use("._resource", page if method.page else plain, static=True)
                    final = module.use("typing", "Final", static=True)
                    blocks.append(f"            self.{method.name}: {final} = {function}(plain.{method.name})")
            blocks.append("")
        return "\n".join(blocks)


def twins(overlay: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the namespaces that are others under a further name, by that name."""
    found: Mapping[str, str] = overlay.get("twins", {})
    return found


def class_of(namespace: str) -> str:
    """Return the name of a namespace's class."""
    return camel(namespace.rpartition(".")[2])
