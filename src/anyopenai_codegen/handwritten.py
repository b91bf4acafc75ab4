"""Hand-written bases of namespaces, as far as the generator knows them: their names, and the methods in their source."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1] / "anyopenai"

_NO_METHODS = ("overload", "property", "cached_property")


@dataclass(frozen=True)
class Mixin:
    """A hand-written base of a namespace.

    Attributes:
        module: Its module, below the package.
        name: The class.
    """

    module: str
    name: str

    def methods(self, package: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Return its public methods; the source is read, as the generator loads no generated code."""
        path = package.joinpath(*self.module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        classes = (node for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef))
        body = next(node for node in classes if node.name == self.name).body
        return [
            node
            for node in body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
            and not any(ast.unparse(one) in _NO_METHODS for one in node.decorator_list)
        ]


def mixins_of(overlay: Mapping[str, Any], namespace: str) -> list[Mixin]:
    """Return the hand-written bases that the overlay names for a namespace, one or several."""
    given: str | list[str] = overlay.get("namespace_mixins", {}).get(namespace, [])
    pairs = [one.partition(":") for one in ([given] if isinstance(given, str) else given)]
    return [Mixin(module, name) for module, _, name in pairs]
