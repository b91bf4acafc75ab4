"""Puts a module's text together: banner, imports that never clash, and the pieces in order; knows no API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field


@dataclass
class Module:
    """One generated module below `anyopenai`, such as `types.chat.chat_completion`.

    Attributes:
        path: Dotted path below `anyopenai`.
        title: The sentence that opens it.
        is_package: Whether it is a package's `__init__`.
        local: Names that the module defines; an import never takes one of them.
        body: Its pieces, in order.
        header: Lines behind the imports.
    """

    path: str
    title: str
    is_package: bool = False
    local: set[str] = field(default_factory=set[str])
    body: list[str] = field(default_factory=list[str])
    header: list[str] = field(default_factory=list[str])
    _names: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool])
    _modules: dict[str, bool] = field(default_factory=dict[str, bool])
    _last: set[str] = field(default_factory=set[str])
    _given_away: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _taken: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def use(self, module: str, name: str, *, static: bool = False, qualified: bool = False) -> str:
        """Import a name and return the text that refers to it.

        Args:
            module: An absolute module (`collections.abc`), or one of ours counted from `anyopenai`, with a leading dot
                (`.types.shared`).
            name: The name in it.
            static: Only type checkers need it.
            qualified: Refer to it through its module, imported last: the two modules need each other.
        """
        if module == f".{self.path}":
            return name
        if not qualified and self._claim(name, (module, name)):
            self._names[module, name] = self._names.get((module, name), True) and static
            return name
        return f"{self.use_module(module, static=static, last=qualified)}.{name}"

    def use_module(self, module: str, *, static: bool = False, last: bool = False) -> str:
        """Import a module and return the name it goes by."""
        if last:
            self._last.add(module)
        alias = module.rpartition(".")[2]
        while not self._claim(alias, (module, "")):
            alias = f"_{alias}"
        self._modules[module] = self._modules.get(module, True) and static
        return alias

    def give_away(self, module: str, name: str) -> bool:
        """Import a name so that users may import it from here; false if that name is taken."""
        if not self._claim(name, (module, name)):
            return False
        self._names[module, name] = False
        self._given_away.add((module, name))
        return True

    def _claim(self, name: str, owner: tuple[str, str]) -> bool:
        if name in self.local or self._taken.get(name, owner) != owner:
            return False
        self._taken[name] = owner
        return True

    def text(self, banner: str) -> str:
        """Return the module's text, to be formatted."""
        lines = [banner, f'"""{self.title}"""', "", "from __future__ import annotations", ""]
        static = self._import_lines(static=True)
        if static:
            self._names["typing", "TYPE_CHECKING"] = False
        lines += [*self._import_lines(static=False), *self.header]
        if static:
            lines += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in static)]
        text = "\n".join([*lines, "", "", ""]) + "\n\n".join(self.body) + "\n"
        if self._last:
            late = [f"{self._module_line(module)}  # noqa: E402" for module in sorted(self._last)]
            text += "\n".join(
                ["", "# These modules need this one as well, so they come when its names are there.", *late, ""]
            )
        return text

    def _import_lines(self, *, static: bool) -> list[str]:
        by_module: dict[str, list[str]] = {}
        for (module, name), only_static in self._names.items():
            if only_static == static:
                again = (module, name) in self._given_away
                by_module.setdefault(module, []).append(f"{name} as {name}" if again else name)
        lines = [f"from {self.relative(module)} import {', '.join(names)}" for module, names in by_module.items()]
        lines += [
            self._module_line(module)
            for module, only_static in self._modules.items()
            if only_static == static and module not in self._last
        ]
        return lines

    def _module_line(self, module: str) -> str:
        alias = next(name for name, owner in self._taken.items() if owner == (module, ""))
        parent, _, short = module.rpartition(".")
        if module.startswith("."):
            return f"from {self.relative(parent or '.')} import {short}{'' if alias == short else f' as {alias}'}"
        return f"import {module}{'' if alias == module else f' as {alias}'}"

    def relative(self, module: str) -> str:
        """Return `.types.shared` as seen from this module: `..shared`."""
        if not module.startswith("."):
            return module
        here = self.path.split(".")
        if not self.is_package:
            here = here[:-1]
        there = [part for part in module[1:].split(".") if part]
        common = 0
        while common < min(len(here), len(there)) and here[common] == there[common]:
            common += 1
        return "." * (len(here) - common + 1) + ".".join(there[common:])


def literal(value: object) -> str:
    """Return a JSON value as Python source."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def docstring(text: str, indent: str = "    ") -> str:
    """Return text as a docstring, ready to stand under a `class` or `def` line."""
    first, *rest = text.strip().splitlines()
    quotes = 'r"""' if "\\" in text else '"""'
    if not rest:
        return f'{indent}{quotes}{first}"""'
    lines = [f"{indent}{quotes}{first}", *(f"{indent}{line}" if line else "" for line in rest)]
    return "\n".join([*lines, f'{indent}"""'])


def is_name(text: str) -> bool:
    """Whether text can be a Python name."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None
