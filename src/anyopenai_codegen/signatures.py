"""Writes the `def` lines of methods: overloads, arguments, defaults; what stands below them is `resources`' business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .methods import Kind, Method, Parameter
from .operations import Operations
from .params import Params
from .shapes import Alias, Choices, Either, Named, Shape, optional, without_none
from .source import Module, literal


@dataclass(frozen=True)
class Signatures:
    """How one run's methods are called.

    Attributes:
        operations: Tells the types of answers.
        params: Writes the types of arguments.
        overlay: Our own decisions.
    """

    operations: Operations
    params: Params
    overlay: Mapping[str, Any]

    def overloads(self, module: Module, method: Method, result: str) -> list[tuple[Mapping[str, str | None], str]]:
        """Return what single arguments change: their type (required unless it ends in `Omit`), and what comes back.

        An argument whose type is None is left out.
        """
        if method.kinds:
            return [(self._kind(module, method, kind), result) for kind in method.kinds]
        found: list[tuple[Mapping[str, str | None], str]] = []
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
                gives = self.operations.named(module, kind)
                found.append(({**off, name: text}, gives))
                every += f" | {gives}"
            found.append((off, every))
        elif streams:
            found.append((off, result))
        if streams:
            stream = f"{module.use('._engine.iteration', 'Stream', static=True)}[{self.operations.type(module, method.event)}]"
            found.append(({"stream": "Literal[True]"}, stream))
            found.append(({"stream": "bool"}, f"{every} | {stream}"))
        return found

    def line(self, module: Module, method: Method, result: str, changed: Mapping[str, str | None]) -> list[str]:
        """Return the `def` line, the required arguments first.

        Args:
            module: Where it stands.
            method: The method.
            result: What it gives.
            changed: Arguments whose type is not the usual one; None for those that are left out.
        """
        unpack = module.use("typing", "Unpack", static=True)
        options = module.use("._contract", "RequestOptions", static=True)
        positional: list[str] = ["self"]
        named: list[str] = []
        for parameter in method.parameters:
            text = changed.get(parameter.name, self._annotation(module, parameter, required=parameter.required))
            if text is None:
                continue
            if text.endswith("| Omit"):
                module.use("._contract", "Omit", static=True)
                text += f" = {module.use('._contract', 'omit')}"
            (positional if parameter.place == "path" and not parameter.keyword else named).append(
                f"{parameter.name}: {text}"
            )
        named.sort(key=lambda argument: argument.endswith("= omit"))
        arguments = [*positional, *(["*"] if named else []), *named, f"**options: {unpack}[{options}]"]
        word = "def" if method.page else "async def"
        return [f"    {word} {method.name}({', '.join(arguments)}) -> {result}:"]

    def _kind(self, module: Module, method: Method, kind: Kind) -> Mapping[str, str | None]:
        """Return how the arguments of one kind of call differ from the usual ones."""
        changed: dict[str, str | None] = {}
        for parameter in method.parameters:
            required = parameter.name in kind.required
            if parameter.name == kind.member:
                literals = f"{module.use('typing', 'Literal', static=True)}[{literal(kind.value)}]"
                changed[parameter.name] = literals if required else f"{literals} | Omit"
            elif kind.takes(parameter.name):
                changed[parameter.name] = self._annotation(module, parameter, required=required)
            elif any(other.takes(parameter.name) for other in method.kinds):
                changed[parameter.name] = None
        return changed

    def _annotation(self, module: Module, parameter: Parameter, *, required: bool) -> str:
        text = self.params.annotation(module, parameter.shape, set(), static=True)
        return text if required else f"{text} | Omit"

    def _values(self, shape: Shape) -> list[str]:
        """Return the values that an argument may have, those of named sets of values too."""
        if isinstance(shape, Named):
            declaration = self.params.layout.declared[self.params.layout.key(shape.key)]
            return self._values(declaration.shape) if isinstance(declaration, Alias) else []
        if isinstance(shape, Either):
            return [value for member in shape.members for value in self._values(member)]
        return [str(value) for value in shape.values] if isinstance(shape, Choices) else []
