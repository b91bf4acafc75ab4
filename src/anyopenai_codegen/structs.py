"""Writes the modules of answers: a Struct for each object, an alias for each named union or enum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from . import prose
from .naming import Home, Layout, attribute, camel
from .shapes import (
    Alias,
    Choices,
    Either,
    Listed,
    Mapped,
    Member,
    Named,
    Object,
    Scalar,
    Shape,
    optional,
    without_none,
)
from .source import Module, docstring, literal
from .unions import Row, Tag, Unions, identity, objects_of, row

BASE = ".types._base"

_SCALARS = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "None": "None",
    "time": "int | float",
    "file": "bytes",
}
_BUILTINS = {"str", "int", "float", "bool", "object", "list", "dict", "bytes", "type"}


def module_path(home: Home) -> str:
    """Return a home's module as imports name it."""
    return f".types.{home.module}"


@dataclass
class Structs:
    """The modules of one run's answers.

    Attributes:
        layout: Where everything lives.
        unions: How unions are told apart.
        bases: Hand-written base classes by class, `module:Name` counted from `types`.
        dropped: Members that a hand-written property replaces, by class.
        swapped: Types of members that are not what the description says, by `Class.member`.
        cycles: Groups of modules that need one another; within one, classes are referred to through their module.
        made_by: Methods that return a class, by key.
        modules: What is written, by path below `types`.
        references: The declarations that each module refers to.
    """

    layout: Layout
    unions: Unions
    bases: Mapping[str, str]
    dropped: Mapping[str, list[str]]
    swapped: Mapping[str, str]
    made_by: Mapping[str, list[str]]
    cycles: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    modules: dict[str, Module] = field(default_factory=dict[str, Module])
    _markers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    references: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    @property
    def links(self) -> dict[str, set[str]]:
        """Which modules each module needs."""
        return {name: {self.layout.home(key).module for key in keys} for name, keys in self.references.items()}

    def write(self) -> dict[str, Module]:
        """Write every module, and return them by their path below `types`."""
        kept = self.layout.kept
        uses = prose.uses(self.layout)
        by_module: dict[str, list[str]] = {}
        for key in kept:
            by_module.setdefault(self.layout.home(key).module, []).append(key)
        for name, keys in by_module.items():
            module = Module(f"types.{name}", "")
            self.modules[name] = module
            module.local |= {self.layout.home(key).name for key in keys}
            module.local |= {f"_Any{self.layout.home(key).name}" for key in keys}
        for name, keys in by_module.items():
            module = self.modules[name]
            own = camel(name.rpartition(".")[2]).lower()
            keys.sort(key=lambda key: self.layout.home(key).name.lower() != own)
            objects = [key for key in keys if isinstance(kept[key], Object)]
            aliases = [key for key in keys if isinstance(kept[key], Alias)]
            first = self.layout.home(keys[0]).name
            module.title = f"`{first}`{' and its parts' if len(objects) > 1 else ''}, as the API answers with it."
            for key in objects:
                declaration = kept[key]
                assert isinstance(declaration, Object)
                module.body.append(self._struct(module, key, declaration, uses.get(key, [])))
            for key in objects:
                module.body += self._tag_variants(module, key)
            module.body += self._markers.pop(module.path, [])
            for key in self.layout.in_order(aliases):
                declaration = kept[key]
                assert isinstance(declaration, Alias)
                module.body.append(self._alias(module, key, declaration))
        return self.modules

    def _struct(self, module: Module, key: str, declaration: Object, uses: list[str]) -> str:
        home = self.layout.home(key)
        tag = self.unions.tags.get(key)
        config = ["kw_only=True"]
        if tag is not None:
            config += [f"tag_field={literal(tag.wire)}", f"tag={literal(tag.values[0])}"]
        base = self.bases.get(home.name, "")
        if base:
            holder, _, base_name = base.partition(":")
            base_text = module.use(f".types.{holder}", base_name)
        else:
            base_text = module.use(BASE, "BaseModel")
        lines = [f"class {home.name}({', '.join([base_text, *config])}):"]
        lines.append(docstring(self._about(key, home, tag, uses)))
        lines.append("")
        shadowed = {attribute(wire) for wire in declaration.members} & _BUILTINS
        # What names an object comes first, wherever a merged schema has it.
        for member in sorted(declaration.members.values(), key=lambda member: member.wire != "id"):
            if member.wire in self.dropped.get(home.name, ()):
                continue
            lines += self._member(module, home, member, tag, shadowed)
        return "\n".join(lines) + "\n"

    def _about(self, key: str, home: Home, tag: Tag | None, uses: list[str]) -> str:
        made_by = self.made_by.get(key, [])
        if made_by:
            return prose.wrapped(f"The answer of {prose.listing([f'`{name}`' for name in made_by[:4]])}.", hanging=0)
        places = prose.places(uses)
        if places:
            return places
        if tag is not None:
            return f"The object whose `{tag.wire}` is {prose.listing([literal(value) for value in tag.values])}."
        return f"A `{home.name}` object."

    def _member(self, module: Module, home: Home, member: Member, tag: Tag | None, shadowed: set[str]) -> list[str]:
        name = attribute(member.wire)
        if tag is not None and member.wire == tag.wire:
            values = ", ".join(literal(value) for value in tag.values)
            module.use("typing", "ClassVar")
            kind = f"ClassVar[{module.use(BASE, 'Literal')}[{values}]]"
            return [f"    {name}: {kind} = {literal(tag.values[0])}"]
        swapped = self.swapped.get(f"{home.name}.{member.wire}")
        text = (
            module.use(BASE, swapped)
            if swapped
            else self.annotation(module, member.shape, shadowed, f"{home.name}_{name}")
        )
        renamed = name != member.wire
        if member.required:
            value = f" = {module.use('msgspec', 'field')}(name={literal(member.wire)})" if renamed else ""
        else:
            if not optional(member.shape):
                text += " | None"
            value = " = None"
            if renamed:
                value = f" = {module.use('msgspec', 'field')}(default=None, name={literal(member.wire)})"
        lines = [f"    {name}: {text}{value}"]
        note = prose.said(member.limits, without_none(member.shape), answered=True)
        if note:
            lines.append(f'    """{note}"""')
        return lines

    def annotation(self, module: Module, shape: Shape, shadowed: set[str], where: str) -> str:
        """Return a shape as an annotation that type checkers and msgspec read."""
        match shape:
            case Scalar("object"):
                return self._builtin(module, "object", shadowed)
            case Scalar():
                return _SCALARS[shape.kind]
            case Choices():
                values = ", ".join(literal(value) for value in shape.values)
                return f"{module.use(BASE, 'Literal')}[{values}]"
            case Listed():
                return (
                    f"{self._builtin(module, 'list', shadowed)}[{self.annotation(module, shape.item, shadowed, where)}]"
                )
            case Mapped():
                value = self.annotation(module, shape.value, shadowed, where)
                return f"{self._builtin(module, 'dict', shadowed)}[str, {value}]"
            case Named():
                return self._name(module, shape.key)
            case Either():
                return self._union(module, shape, shadowed, where)

    def _builtin(self, module: Module, name: str, shadowed: set[str]) -> str:
        """Return a builtin's name; a member of the same name would hide it within the class."""
        if name in shadowed:
            return f"{module.use_module('builtins')}.{name}"
        return name

    def _name(self, module: Module, key: str, *, alias: bool = False) -> str:
        key = self.layout.key(key)
        home = self.layout.home(key)
        name = home.name
        here = module.path.removeprefix("types.")
        self.references.setdefault(here, set()).add(key)
        qualified = not alias and home.module != here and home.module in self.cycles.get(here, ())
        return module.use(module_path(home), name, qualified=qualified)

    def _union(self, module: Module, shape: Either, shadowed: set[str], where: str, *, alias: bool = False) -> str:
        keys = objects_of(shape, self.layout)
        parts: list[str] = []
        if len(keys) > 1 and identity(keys) in self.unions.tables:
            parts.append(self._table(module, shape, keys, where))
        else:
            for member in shape.members:
                if isinstance(member, Named) and len(keys) > 1:
                    parts.append(self._variant(module, member.key, alias=alias))
                elif isinstance(member, Scalar) and member.kind == "None":
                    continue
                else:
                    parts.append(self.annotation(module, member, shadowed, where))
        if optional(shape):
            parts.append("None")
        return " | ".join(dict.fromkeys(parts))

    def _variant(self, module: Module, key: str, *, alias: bool = False) -> str:
        """Return the name of a union's member; one with several tags has a name that stands for all its classes."""
        key = self.layout.key(key)
        tag = self.unions.tags.get(key)
        if tag is None or len(tag.values) == 1:
            return self._name(module, key, alias=alias)
        home = self.layout.home(key)
        self.references.setdefault(module.path.removeprefix("types."), set()).add(key)
        return module.use(module_path(home), f"_Any{home.name}")

    def _table(self, module: Module, shape: Either, keys: list[str], where: str) -> str:
        """Return the name of the marker for a union that needs a table: the alias that the union already is."""
        for member in shape.members:
            if isinstance(member, Named):
                declaration = self.layout.declared[self.layout.key(member.key)]
                if isinstance(declaration, Alias) and objects_of(declaration.shape, self.layout) == keys:
                    return self._name(module, member.key)
        name = f"_{camel(where)}"
        if name not in module.local:
            module.local.add(name)
            self._markers.setdefault(module.path, []).append(self._marker(module, name, shape, keys))
        return name

    def _tag_variants(self, module: Module, key: str) -> list[str]:
        """Write the classes for a Struct's further tags: msgspec knows one tag a class."""
        tag = self.unions.tags.get(key)
        if tag is None or len(tag.values) == 1:
            return []
        name = self.layout.home(key).name
        checking = module.use("typing", "TYPE_CHECKING")
        alias = module.use("typing", "TypeAlias")
        lines = [f"if {checking}:", f"    _Any{name}: {alias} = {name}", "else:"]
        classes = [name]
        for number, value in enumerate(tag.values[1:], 2):
            lines += [
                f"    class _{name}{number}({name}, kw_only=True, tag={literal(value)}):",
                f"        {attribute(tag.wire)} = {literal(value)}",
                "",
                f"    _{name}{number}.__name__ = {literal(name)}  # as it shows itself",
                "",
            ]
            classes.append(f"_{name}{number}")
        lines.append(f"    _Any{name} = {' | '.join(classes)}")
        return ["\n".join(lines) + "\n"]

    def _alias(self, module: Module, key: str, declaration: Alias) -> str:
        name = self.layout.home(key).name
        keys = objects_of(declaration.shape, self.layout)
        if len(keys) > 1 and identity(keys) in self.unions.tables:
            return self._marker(module, name, declaration.shape, keys)
        alias = module.use("typing", "TypeAlias")
        if isinstance(declaration.shape, Either):
            text = self._union(module, declaration.shape, set(), name, alias=True)
        elif isinstance(declaration.shape, Named):
            text = self._name(module, declaration.shape.key, alias=True)
        else:
            text = self.annotation(module, declaration.shape, set(), name)
        return f"{name}: {alias} = {text}"

    def _marker(self, module: Module, name: str, shape: Shape, keys: list[str]) -> str:
        """Write a union that msgspec cannot express: what it is for type checkers, a table of variants at run time."""
        checking, alias = module.use("typing", "TYPE_CHECKING"), module.use("typing", "TypeAlias")
        resolved, variant = module.use(BASE, "Resolved"), module.use(BASE, "Variant")
        members = " | ".join(self._name(module, key) for key in keys)
        lines = [f"if {checking}:", f"    {name}: {alias} = {members}", "else:", f"    class {name}({resolved}):"]
        lines += ["        def variants():", "            return ("]
        rows = [row(key, self.layout) for key in keys]
        for found in rows:
            tag = self.unions.tags.get(found.key)
            # A tag speaks for itself; a second constant is needed only beside another variant of the same type.
            rivals = [other for other in rows if other is not found and _overlap(found, other)]
            telling = {
                wire: values
                for wire, values in found.constants.items()
                if (wire == "type" or (rivals and wire == "role")) and (tag is None or wire != tag.wire)
            }
            text = ", ".join(f"{literal(wire)}: {tuple_of(values)}" for wire, values in telling.items())
            lines.append(
                f"                {variant}({self._name(module, found.key)}{f', {{{text}}}' if text else ''}),"
            )
        lines.append("            )")
        lists = [
            member for member in (shape.members if isinstance(shape, Either) else ()) if isinstance(member, Listed)
        ]
        if lists:
            lines += [
                "",
                "        def array():",
                f"            return {self.annotation(module, lists[0], set(), name)}",
            ]
        return "\n".join(lines) + "\n"


def _overlap(one: Row, other: Row) -> bool:
    return bool({*one.constants.get("type", ())} & {*other.constants.get("type", ())})


def tuple_of(values: Sequence[str]) -> str:
    """Return strings as the source of a tuple."""
    return f"({', '.join(literal(value) for value in values)}{',' if len(values) == 1 else ''})"


def rings(links: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    """Return, for each module that needs itself in a roundabout way, the modules of its ring."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: dict[str, frozenset[str]] = {}

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(links.get(name, ())):
            if other == name:
                continue
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            ring: set[str] = set()
            while True:
                other = stack.pop()
                ring.add(other)
                if other == name:
                    break
            if len(ring) > 1:
                for member in ring:
                    found[member] = frozenset(ring)

    for name in sorted(links):
        if name not in index:
            visit(name)
    return found
