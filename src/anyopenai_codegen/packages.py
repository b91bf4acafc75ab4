"""Writes the packages' front doors: lazy `types` packages, and the one table of namespaces that the client inherits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .facts import snake
from .resources import class_of
from .source import Module, docstring, literal


@dataclass(frozen=True)
class Given:
    """A name that a module of types gives."""

    module: str
    name: str

    @property
    def package(self) -> str:
        """Its package below `types`; empty for `types` itself."""
        return self.module.rpartition(".")[0]


def add_aliases(
    modules: dict[str, Module], given: Sequence[Given], aliases: Mapping[str, str], links: Mapping[str, set[str]]
) -> list[Given]:
    """Give types their further names, in the modules that have them; return the names.

    A module of nothing but aliases is made only where its name says what it holds. A name is left out where it would
    make two modules need each other.

    Args:
        modules: What is written so far; gets the aliases.
        given: The names so far.
        aliases: `module:Name` by `module:Name`.
        links: Which modules each module needs.
    """
    needs = {name: set(others) for name, others in links.items()}
    lines: dict[str, list[str]] = {}
    there = {(one.module, one.name) for one in given}
    added: list[Given] = []
    for alias, target in sorted(aliases.items()):
        module_name, _, name = alias.partition(":")
        target_module, _, target_name = target.partition(":")
        if (target_module, target_name) not in there or (module_name, name) in there:
            continue
        if module_name not in modules:
            if module_name.rpartition(".")[2] != snake(name):
                continue
            modules[module_name] = Module(f"types.{module_name}", f"`{name}`, another name of `{target_name}`.")
        if _reaches(needs, target_module, module_name):
            continue
        needs.setdefault(module_name, set()).add(target_module)
        module = modules[module_name]
        source = f".types.{target_module}"
        if name == target_name:
            if not module.give_away(source, name):
                continue
        else:
            module.local.add(name)
            lines.setdefault(module_name, []).append(f"{name} = {module.use(source, target_name)}")
        there.add((module_name, name))
        added.append(Given(module_name, name))
    for module_name, assignments in lines.items():
        modules[module_name].body.append("\n".join(assignments))
    return added


def add_written(modules: dict[str, Module], given: Sequence[Given], written: Mapping[str, str]) -> list[Given]:
    """Add the aliases that the overlay spells out; return their names.

    Args:
        modules: What is written so far; gets the aliases.
        given: The names so far.
        written: Python text by `module:Name`; `module:Name` in a text stands for that type.
    """
    there = {f"{one.module}:{one.name}" for one in given}
    added: list[Given] = []
    for alias, text in written.items():
        if alias in there:
            continue
        module_name, _, name = alias.partition(":")
        references = _REFERENCE.findall(text)
        if not all(reference in there for reference in references):
            continue  # of a namespace that is not written
        module = modules.setdefault(module_name, Module(f"types.{module_name}", f"`{name}`."))
        module.local.add(name)
        text = _with_imports(text, module)
        for source, generic in (("typing", "Literal"), ("collections.abc", "Iterable")):
            if f"{generic}[" in text:
                module.use(source, generic)
        module.body.append(f"{name}: {module.use('typing', 'TypeAlias')} = {text}")
        there.add(alias)
        added.append(Given(module_name, name))
    return added


def _with_imports(text: str, module: Module) -> str:
    """Replace each reference in a piece of Python text by the name that the module imports it as."""
    return _REFERENCE.sub(lambda found: _used(module, found[0]), text)


def _used(module: Module, reference: str) -> str:
    """Return how a module names `module:Name`."""
    source, _, name = reference.partition(":")
    return module.use(f".types.{source}", name)


_REFERENCE = re.compile(r"[a-z_][a-z0-9_.]*:[A-Z]\w*")


def _reaches(needs: Mapping[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name == end:
            return start != end
        if name not in seen:
            seen.add(name)
            ahead.extend(needs.get(name, ()))
    return False


def type_packages(given: Sequence[Given], exports: Mapping[str, Sequence[str]]) -> dict[str, Module]:
    """Write the `__init__` of every package of types."""
    packages = {""}
    for one in given:
        parts = one.package.split(".") if one.package else []
        packages |= {".".join(parts[:depth]) for depth in range(len(parts) + 1)}
    modules: dict[str, Module] = {}
    for package in sorted(packages):
        own = {
            one.name: one.module
            for one in given
            if one.package == package and one.module.rpartition(".")[2] == snake(one.name)
        }
        doors: dict[str, str] = {}
        for name in [*exports.get(package, ()), *sorted(own)]:
            found = _home_of(name, package, given)
            if found is not None:
                doors.setdefault(name, found)
        title = f"Types of `anyopenai.types{f'.{package}' if package else ''}`; each is loaded on first use."
        module = Module(f"types.{package}".rstrip("."), title, is_package=True)
        lazy = module.use(".types._lazy", "doors")
        by_module: dict[str, list[str]] = {}
        for name in sorted(doors):
            by_module.setdefault(doors[name], []).append(name)
        static = [
            f"    from {module.relative(f'.types.{there}')} import {', '.join(f'{name} as {name}' for name in names)}"
            for there, names in sorted(by_module.items())
        ]
        checking = module.use("typing", "TYPE_CHECKING")
        if static:
            module.header += [f"if {checking}:", *static]
        entries = ",\n".join(
            f"    {literal(module.relative(f'.types.{there}')[1:])}: {literal(' '.join(names))}"
            for there, names in sorted(by_module.items())
        )
        # Hidden from checkers, for which it would make every name there is.
        module.body.append(f"if not {checking}:\n    __getattr__, __dir__ = {lazy}(__name__, {{\n{entries}\n}})")
        modules[package] = module
    return modules


def _home_of(name: str, package: str, given: Sequence[Given]) -> str | None:
    """Return the module that an exported name comes from: the package's own first, then the shared ones."""
    found = [one for one in given if one.name == name]

    def order(one: Given) -> tuple[bool, bool, bool, str]:
        return (
            one.package != package,
            one.module.rpartition(".")[2] != snake(name),
            one.package not in ("shared", "shared_params"),
            one.module,
        )

    found.sort(key=order)
    if not found or (found[0].package != package and found[0].package not in ("shared", "shared_params", "")):
        return None
    return found[0].module


def namespaces(top: Sequence[str], about: Mapping[str, str]) -> Module:
    """Write the class that the client inherits."""
    module = Module("resources._namespaces", "Every namespace of the client, loaded on first use.")
    module.use("typing", "TYPE_CHECKING")
    caller = module.use("._contract", "Caller", static=True)
    cached = module.use("functools", "cached_property")
    lines = [
        "class Namespaces:",
        docstring("The API's namespaces as attributes; whoever inherits sets `_caller`, which carries out the calls."),
        "",
        f"    _caller: {caller}",
        "",
    ]
    for name in top:
        class_name = module.use(f".resources.{name}", class_of(name), static=True)
        lines += [
            f"    @{cached}",
            f"    def {name}(self) -> {class_name}:",
            docstring(about.get(name, f"The methods of `client.{name}`."), "        "),
            f"        from .{name} import {class_name}",
            "",
            f"        return {class_name}(self._caller)",
            "",
        ]
    view = module.use("._resource", "NamespaceView")
    for attribute, suffix, about_view in (
        ("with_raw_response", "WithRawResponse", "Every namespace, its methods giving `RawResponse`."),
        (
            "with_streaming_response",
            "WithStreamingResponse",
            "Every namespace, its methods being async context managers.",
        ),
    ):
        lines += [
            "    @property",
            f"    def {attribute}(self) -> Namespaces{suffix}:",
            docstring(about_view, "        "),
            f"        namespaces: Namespaces{suffix} = {view}(self, {literal(attribute)}).typed",
            "        return namespaces",
            "",
        ]
    module.body.append("\n".join(lines) + "\n")
    lines = ["if TYPE_CHECKING:"]
    for suffix, attribute in (
        ("WithRawResponse", "with_raw_response"),
        ("WithStreamingResponse", "with_streaming_response"),
    ):
        about_view = f"What `client.{attribute}` gives: every namespace of the client, as its own view."
        lines += [f"    class Namespaces{suffix}:", docstring(about_view, "        "), ""]
        for name in top:
            lines.append(
                f"        {name}: {module.use(f'.resources.{name}', f'{class_of(name)}{suffix}', static=True)}"
            )
        lines.append("")
    module.body.append("\n".join(lines))
    return module
