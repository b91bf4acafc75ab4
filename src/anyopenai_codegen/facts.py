"""Our own tables beside the official description: names, operations, what the description lacks, and the overlay.

The tables hold facts only, one entry a line. `overlay.toml` holds what we decide ourselves.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .notation import DescriptionError

HERE = Path(__file__).parent
FACTS = HERE / "facts"
OVERLAY = HERE / "overlay.toml"


@dataclass(frozen=True)
class KnownName:
    """A name that users know a schema by.

    Attributes:
        name: The class or alias name.
        modules: Modules below `types` that have it, such as `chat.chat_completion`, the likeliest first; none: the
            module of whoever refers to it.
        also: Further names of the same schema, as pairs of module and name.
    """

    name: str
    modules: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parsed(cls, entry: str) -> KnownName:
        """Read `module|module:Name module:Also ...`.

        `.module` is in the package of the first one; `package/Name` is short for a module of the name's own.
        """
        first, *rest = entry.split()
        text, _, name = first.partition(":")
        if "/" in first:
            package, _, name = first.partition("/")
            text = f"{package}.{snake(name)}".lstrip(".")
        package = text.partition("|")[0].rpartition(".")[0]

        def whole(module: str) -> str:
            return f"{package}{module}" if module.startswith(".") else module

        modules = tuple(whole(module) for module in text.split("|") if module)
        also = tuple((whole(module), other) for module, _, other in (one.partition(":") for one in rest))
        return cls(name, modules, also)

    def preferring(self, modules: Mapping[str, str], short: Mapping[str, str], borrowers: Collection[str]) -> KnownName:
        """Return the name with another first module, or with a shorter name before it, where we want that.

        Args:
            modules: Modules by those that they come before.
            short: Shorter names by name.
            borrowers: Packages whose modules come last.
        """
        order = sorted(self.modules, key=lambda module: module.partition(".")[0] in borrowers)
        known = replace(self, modules=tuple(order))
        before = modules.get(known.modules[0]) if known.modules else None
        if before:
            known = replace(known, modules=tuple(dict.fromkeys((before, *known.modules))))
        if known.name in short:
            also = (*((module, known.name) for module in known.modules), *known.also)
            known = replace(known, name=short[known.name], also=also)
        return known


def snake(name: str) -> str:
    """Return `ChatCompletion` as `chat_completion`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


@dataclass(frozen=True)
class Facts:
    """The tables, as they are in the files."""

    operations: dict[str, dict[str, Any]]
    names: dict[str, dict[str, str]]
    supplement: dict[str, Any]
    patches: dict[str, Any]
    overlay: dict[str, Any]

    @cached_property
    def known(self) -> dict[str, dict[str, KnownName]]:
        """Names by side and pointer."""
        overruled = self.overlay.get("names", {})
        modules: dict[str, str] = self.overlay.get("modules", {})
        short: dict[str, str] = self.overlay.get("short", {})
        borrowers: list[str] = self.overlay.get("borrowers", [])
        return {
            side: {
                pointer: KnownName.parsed(entry).preferring(modules, short, borrowers)
                for pointer, entry in {**self.names[side], **overruled.get(side, {})}.items()
            }
            for side in ("response", "param")
        }


def load() -> Facts:
    """Read the tables.

    Raises:
        DescriptionError: One is no JSON or TOML, as where a merge has left its marks.
        OSError: One is not there.
    """

    def table(name: str) -> Any:
        return _read(FACTS / name, json.loads)

    return Facts(
        operations=table("operations.json"),
        names=table("names.json"),
        supplement=table("supplement.json"),
        patches=table("patches.json"),
        overlay=_read(OVERLAY, tomllib.loads),
    )


def _read(path: Path, loads: Callable[[str], Any]) -> Any:
    try:
        return loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DescriptionError(
            f"{path.name} cannot be read: {error}; mend it by hand, and run the generator again"
        ) from error
