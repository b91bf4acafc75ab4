"""Writes what the engine needs to know of each method: its `Operation`, and the types of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .methods import Method
from .naming import Layout
from .shapes import Either, Named, Scalar, Shape
from .source import Module, literal
from .structs import module_path

REFERENCE = "https://platform.openai.com/docs/api-reference"


@dataclass(frozen=True)
class Operations:
    """What is said of one run's operations.

    Attributes:
        answers: Where the types of answers live.
        overlay: Our own decisions.
        strict: Whether a method that streams needs its ending in the overlay.
    """

    answers: Layout
    overlay: Mapping[str, Any]
    strict: bool = True

    def text(self, module: Module, method: Method) -> str:
        """Return the constant that holds a method's operation."""
        facts = method.facts
        result = self.result(module, method)
        given = [f"name={literal(method.dotted)}", f"verb={literal(facts['verb'])}", f"path={literal(facts['path'])}"]
        if method.page:
            page = f"{module.use('.pagination', method.page)}[{self.type(module, method.returns)}]"
            given += [f"returns={page}", "page=True"]
        elif method.returns is not None:
            given.append(f"returns={self.plain(module, method)}")
        else:
            given.append({"text": "returns=str", "binary": "returns=bytes"}.get(method.answer, "returns=None"))
        if method.answer != "json":
            given.append(f"answer={literal(method.answer)}")
        if any(parameter.place == "body" for parameter in method.parameters):
            given.append(f"body={literal('multipart' if facts.get('multipart') else 'json')}")
        if facts.get("files"):
            given.append(f"files={_tuple(facts['files'])}")
        if method.parts:
            given.append(f"parts=({', '.join(f'({literal(k)}, {literal(v)})' for k, v in method.parts.items())},)")
        if method.alone:
            given.append(f"alone={literal(method.alone)}")
        if method.spelt:
            given.append(f"spelt={literal(method.spelt)}")
        variants = self.overlay.get("variants", {}).get(method.dotted)
        if variants:
            types = ", ".join(
                f"{literal(value)}: {self.named(module, name)}" for value, name in variants["types"].items()
            )
            given.append(f"variants=({literal(variants['member'])}, {{{types}}})")
        defaults = self.overlay.get("defaults", {}).get(method.dotted)
        if defaults:
            entries = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in defaults.items())
            given.append(f"defaults={{{entries}}}")
        if method.event is not None:
            given.append(f"event={self.type(module, method.event)}")
            given.append(f"ending={literal(self._ending(method))}")
        elif method.dotted in self.overlay.get("endings", {}):
            given.append(f"ending={literal(self._ending(method))}")
        if facts.get("named_events"):
            given.append("named_events=True")
        headers = facts.get("headers", {})
        if headers:
            given.append(f"headers=({', '.join(f'({literal(k)}, {literal(v)})' for k, v in headers.items())},)")
        if facts.get("security"):
            given.append(f"security={literal(facts['security'])}")
        given.append(f"doc={literal(self.source(method))}")
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

    def source(self, method: Method) -> str:
        """Return the address of the API reference on a method's namespace."""
        pages: Mapping[str, str] = self.overlay.get("reference", {})
        parts = method.namespace.split(".")
        for depth in range(len(parts), 0, -1):
            page = pages.get(".".join(parts[:depth]))
            if page:
                return f"{REFERENCE}/{page}"
        return f"{REFERENCE}/{parts[0].replace('_', '-')}"

    def type(self, module: Module, shape: Shape | None, *, static: bool = False) -> str:
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
                return " | ".join(self.type(module, member, static=static) for member in shape.members)
            case _:
                raise LookupError(f"an answer of the shape {shape} needs a name in overlay.toml")

    def named(self, module: Module, name: str) -> str:
        """Return the type of an answer that the overlay names: `str`, a name, or `module:Name`."""
        if name == "str":
            return name
        key = self.answers.named(name)
        if key is None:
            holder, _, own = name.partition(":")
            return module.use(f".types.{holder}", own)
        home = self.answers.home(key)
        return module.use(module_path(home), home.name)

    def result(self, module: Module, method: Method) -> str:
        """Return what the method gives when it does not stream, as type checkers see it."""
        if method.page:
            page = module.use(".pagination", method.page)
            return f"{page}[{self.type(module, method.returns)}]"
        if method.answer == "binary":
            return module.use("._engine.response", "BinaryResponse", static=True)
        if method.answer == "text":
            return "str"
        return self.plain(module, method)

    def plain(self, module: Module, method: Method) -> str:
        """Return the type of an answer whose form no argument has changed."""
        otherwise = self.overlay.get("variants", {}).get(method.dotted, {}).get("otherwise")
        return self.named(module, otherwise) if otherwise else self.type(module, method.returns)


def constant(method: Method) -> str:
    """Return the name of the constant that holds a method's operation."""
    return f"_{method.name.upper()}"


def _tuple(names: list[str]) -> str:
    return f"({', '.join(literal(name) for name in names)}{',' if len(names) == 1 else ''})"
