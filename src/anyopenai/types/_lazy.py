"""Doors of a package of types: a name is found in its module on first use, so that a package loads nothing at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ("doors",)


def doors(package: str, table: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package.

    Args:
        package: The package's `__name__`.
        table: Its modules, and the names that each gives, separated by spaces. A module may lie outside the package:
            `.shared.metadata` is counted from the package above.
    """
    modules = {name: module for module, names in table.items() for name in names.split()}
    namespace = sys.modules[package].__dict__
    namespace["__all__"] = sorted(modules)

    def __getattr__(name: str) -> object:
        module = modules.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f".{module}", package), name)
        namespace[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*namespace, *modules})

    return __getattr__, __dir__
