"""Puts a module's text together: banner, imports that never clash, and the pieces in order; knows no API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field


@dataclass
class Module:
    """One generated module below `anyopenai`, such as `types.chat.chat_completion`; a package's `__init__` if `is_package`.

    Attributes:
        path: Dotted path below `anyopenai`.
        title: The sentence that opens it.
        local: Names that the module defines; an import never takes one of them.
    """

    path: str
    title: str
    is_package: bool = False
    local: set[str] = field(default_factory=set)
    body: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    _imports: dict[str, dict[str, str]] = field(default_factory=dict)
    _typing: dict[str, dict[str, str]] = field(default_factory=dict)
    _modules: dict[str, str] = field(default_factory=dict)
    _typing_modules: dict[str, str] = field(default_factory=dict)
    _taken: dict[str, tuple[str, str]] = field(default_factory=dict)

    def use(self, module: str, name: str, *, static: bool = False, qualified: bool = False) -> str:
        """Import a name and return the text that refers to it.

        Args:
            module: An absolute module (`collections.abc`), or one of ours with a leading dot (`.types.shared`), counted
                from `anyopenai`.
            name: The name in it.
            static: Only type checkers need it.
            qualified: Refer to it through its module, which need not have defined it yet.
        """
        if module == f".{self.path}":
            return name
        if not qualified and name not in self.local and self._taken.get(name, (module, name)) == (module, name):
            self._taken[name] = (module, name)
            runtime = self._imports.get(module, {})
            if not static:
                self._typing.get(module, {}).pop(name, None)
                self._imports.setdefault(module, {})[name] = name
            elif name not in runtime:
                self._typing.setdefault(module, {})[name] = name
            return name
        parent, _, short = module.rpartition(".")
        alias = short
        while alias in self.local or self._taken.get(alias, (module, "")) != (module, ""):
            alias = f"_{alias}"
        self._taken[alias] = (module, "")
        target = self._modules if not static else self._typing_modules
        if static and module in self._modules:
            return f"{alias}.{name}"
        if not static:
            self._typing_modules.pop(module, None)
        target[module] = alias
        return f"{alias}.{name}"

    def text(self, banner: str) -> str:
        """Return the module's text, to be formatted."""
        lines = [banner, f'"""{self.title}"""', "", "from __future__ import annotations", ""]
        if self._typing or self._typing_modules:
            self._imports.setdefault("typing", {})["TYPE_CHECKING"] = "TYPE_CHECKING"
        lines += self._import_lines(self._imports, self._modules)
        lines += self.header
        typing = self._import_lines({key: names for key, names in self._typing.items() if names}, self._typing_modules)
        if typing:
            lines += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in typing)]
        lines += ["", ""]
        return "\n".join(lines) + "\n\n".join(self.body) + "\n"

    def _import_lines(self, names: dict[str, dict[str, str]], modules: dict[str, str]) -> list[str]:
        lines: list[str] = []
        for module, imported in names.items():
            if imported:
                lines.append(f"from {self._relative(module)} import {', '.join(sorted(imported))}")
        for module, alias in modules.items():
            parent, _, short = module.rpartition(".")
            if not module.startswith("."):
                lines.append(f"import {module}" if alias == module else f"import {module} as {alias}")
                continue
            source = self._relative(parent or ".")
            lines.append(f"from {source} import {short}" if alias == short else f"from {source} import {short} as {alias}")
        return lines

    def _relative(self, module: str) -> str:
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
    text = text.strip()
    quotes = 'r"""' if "\\" in text else '"""'
    if "\n" not in text:
        return f"{indent}{quotes}{text}\"\"\""
    lines = [f"{indent}{line}" if line else "" for line in text.splitlines()]
    lines[0] = f"{indent}{quotes}{text.splitlines()[0]}"
    return "\n".join([*lines, f'{indent}"""'])


def is_name(text: str) -> bool:
    """Whether text can be a Python name."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None
